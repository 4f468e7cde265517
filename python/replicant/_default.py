"""The clients behind the functions and namespaces of the module itself."""

from __future__ import annotations

from ._async.client import AsyncClient
from ._sync.client import Client


class _DefaultClient(Client):
    """Made with the environment's options, which are read when the first request is made."""

    def __init__(self) -> None:
        self._setup({}, now=False)


class _DefaultAsyncClient(AsyncClient):
    """The same for awaited methods."""

    def __init__(self) -> None:
        self._setup({}, now=False)


default_client: Client = _DefaultClient()
default_async_client: AsyncClient = _DefaultAsyncClient()
