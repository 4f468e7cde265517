"""The clients behind the functions and namespaces of the module itself."""

from __future__ import annotations

import sys
from typing import Any, Dict, Optional

from ._async.client import AsyncClient
from ._base import ClientBase
from ._native import Client as NativeClient
from ._options import options_from
from ._sync.client import Client


class _Default(ClientBase):
    """A client whose options are those set on the module, and those set on itself."""

    # What the core's client was made with.
    _settled: Optional[Dict[str, Any]] = None
    _settled_transport: Any = None

    def __init__(self) -> None:
        self._setup({}, now=False)

    @property
    def _native(self) -> NativeClient:
        # What is set on the module or on `default_client` counts from the next request on.
        options, transport = self._resolved_options(), _module().get("http_client")
        if options != self._settled or transport is not self._settled_transport:
            self._settled, self._settled_transport, self._made = options, transport, None
            self.__dict__.pop("_scopes", None)
        return super()._native

    def _resolved_options(self) -> Dict[str, Any]:
        return {**_of_module(), **default_client._options}

    def _ambient_token(self) -> Any:
        own = self._resolved_options().get("token")
        return super()._ambient_token() if own is None else (own, False)

    def _differing(self, cls: Any, changes: Any, answers: Any = None) -> Any:
        # Clients derived from this one keep its options of now.
        derived = Client if issubclass(cls, Client) else AsyncClient
        return super()._differing(derived, changes, answers)

    def _new(self, options: Dict[str, Any]) -> NativeClient:
        from ._base import adapter

        return NativeClient(options, adapter(self._settled_transport))


class _DefaultClient(_Default, Client):
    """The default client."""

    def __reduce__(self) -> Any:
        return _the_client, ()


class _DefaultAsyncClient(_Default, AsyncClient):
    """The default client for awaited methods; it has the options of `default_client`."""

    def __reduce__(self) -> Any:
        return _the_async_client, ()


def _module() -> Dict[str, Any]:
    return sys.modules[__package__ or "replicant"].__dict__


def _of_module() -> Dict[str, Any]:
    """The options set on the module itself, as in `replicant.api_token = ...`."""
    module = _module()
    return options_from(
        token=module.get("api_token") or module.get("bearer_token"),
        base_url=module.get("base_url"),
        timeout=module.get("timeout"),
        max_retries=module.get("max_retries"),
        headers=module.get("default_headers"),
        query=module.get("default_query"),
    )


def _the_client() -> Client:
    return default_client


def _the_async_client() -> AsyncClient:
    return default_async_client


default_client: Client = _DefaultClient()
default_async_client: AsyncClient = _DefaultAsyncClient()
