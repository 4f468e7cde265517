"""The clients behind the functions and namespaces of the module itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Dict

from ._async.client import AsyncClient
from ._client_base import ClientBase, adapter
from ._core_options import core_options
from ._native import conceal
from ._sync.client import Client

if TYPE_CHECKING:
    from ._native import Client as NativeClient

# Attributes of the module that are options of the default client, apart from its token.
_OPTIONS = (
    "base_url",
    "timeout",
    "max_retries",
    "default_headers",
    "default_query",
)


class _Default(ClientBase):
    """A client whose options are those set on the module, and those set on itself."""

    # What the native client was built with.
    _built: Any = None

    def __init__(self) -> None:
        self._configure({}, now=False)

    @property
    def _direct(self) -> NativeClient:
        # An option set on the module or on `default_client` applies from the next request, and so does the environment.
        transport = _module().get("http_client")
        built = self._resolved_options(), transport, os.environ.get("REPLICATE_BASE_URL")
        if built != self._built:
            self._transport, self._built, self._cached = adapter(transport), built, None
            self.__dict__.pop("_scopes", None)
        return super()._direct

    def _resolved_options(self) -> Dict[str, Any]:
        return {**_module_options(), **default_client._options}

    def _ambient_token(self) -> Any:
        own = self._resolved_options().get("token")
        return super()._ambient_token() if own is None else (own, False)

    def _derive(
        self,
        cls: Any,
        changes: Any,
        responses: Any = None,
        transport: Any = None,
        hooks: Any = None,
    ) -> Any:
        # Derived clients keep the present options and transport of this one.
        self._transport = adapter(_module().get("http_client"))
        derived = Client if issubclass(cls, Client) else AsyncClient
        return super()._derive(derived, changes, responses, transport, hooks)


class _DefaultClient(_Default, Client):
    """The default client."""

    def __reduce__(self) -> Any:
        return "default_client"


class _DefaultAsyncClient(_Default, AsyncClient):
    """The default client for awaited methods; it has the options of `default_client`."""

    def __reduce__(self) -> Any:
        return "default_async_client"


def _module() -> Dict[str, Any]:
    return sys.modules[__package__ or "replicant"].__dict__


def _module_options() -> Dict[str, Any]:
    """Returns the options set on the module itself, as in `replicant.api_token = ...`."""
    module = _module()
    options = {name: module.get(name) for name in _OPTIONS}
    options["api_token"] = conceal(module.get("api_token") or None)
    options["bearer_token"] = conceal(module.get("bearer_token") or None)
    return core_options(options)


default_client: Client = _DefaultClient()
default_async_client: AsyncClient = _DefaultAsyncClient()
