"""How the methods of both clients call the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, ClassVar, Mapping, Union

from ._arguments import drop_none as drop_none
from ._client_base import SCOPES, ClientBase, native_client
from ._guarded import Guarded
from ._native import conceal
from ._output import Output, incomplete, unwrapped
from ._page import AwaitablePage, Page
from ._response import RawResponse

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._client_base import AnyClient as AnyClient
    from ._native import Client as NativeClient
    from ._object import Json
    from ._options import Observer
    from ._sync.client import Client


# The operations that create predictions, for which 1.x calls the methods of the namespaces.
_RUNS = ("run", "submit", "stream", "map")


class AsyncCalls(ClientBase):
    """Calls the core from awaitable methods."""

    @property
    def _native(self) -> NativeClient:
        """The native client, whose requests go through `_request` and `_async_request` if these are replaced."""
        return self._connect_through(False) if self._is_replaced() else self._direct

    def _native_for(self, operation: str) -> NativeClient:
        """Returns the native client for an operation: one that creates predictions goes through replaced creates, too."""
        if operation.startswith("output."):
            # As in 1.x, files are read without `_request`.
            return self._direct
        if operation in _RUNS:
            from ._replaced import creates_are_replaced

            if creates_are_replaced(self):
                return self._connect_through(True)
        return self._native

    def _is_replaced(self) -> bool:
        return getattr(self._async_request, "__func__", None) is not _ASYNC_REQUEST

    def _connect_through(self, creates: bool) -> NativeClient:
        direct = self._direct
        found = self._through.get((direct, creates))
        if found is None:
            from ._replaced import Replaced

            # What the methods send has the token, waits for the rate limit, and is reported.
            options = {**self._resolved_options(), "token": conceal(""), "rate_limit": None}
            found = native_client(options, Replaced(self, direct, creates))
            # A new dictionary, because another thread may read the old one. Options and Cog scopes make new clients.
            kept = list(self._through.items())[1 - 2 * SCOPES :]
            self._through = {**dict(kept), (direct, creates): found}
        return found

    def _with_options(self, params: Json) -> Json:
        options = self._request_options
        return {**params, "request_options": options} if options else params

    def _record_response(self, reply: Any) -> Any:
        value, *response = reply
        if self._responses is not None:
            self._responses[:] = response
        return value

    # Not coroutines: another one for each call would take as long as the rest of its Python code.
    def _async_call(
        self, operation: str, params: Json, observer: Observer = None
    ) -> Awaitable[Any]:
        if self._responses is not None:
            return self._async_call_recorded(operation, params, observer)
        native = self._native_for(operation)
        return native.call_async(operation, self._with_options(params), observer, False, self)

    async def _async_call_recorded(self, operation: str, params: Json, observer: Observer) -> Any:
        return self._record_response(await self._async_call_raw(operation, params, observer))

    def _async_call_raw(
        self, operation: str, params: Json, observer: Observer = None
    ) -> Awaitable[Any]:
        native = self._native_for(operation)
        return native.call_async(operation, self._with_options(params), observer, True, self)

    # `Any`, so that type checkers accept an override that returns an `httpx.Response`, as in 1.x.
    async def _async_request(self, method: str, path: str, **options: Any) -> Any:
        """Sends a request as the method of this name in 1.x does, with the main options of httpx."""
        params = _httpx_params(self.base_url, method, path, **options)
        sent = self._with_options(params)
        return RawResponse(*await self._direct.call_async("request", sent, None, True, self))

    async def _async_complete(self, outputs: Any) -> Any:
        """Waits until outputs are complete; returns them without predictions around them."""
        for item in incomplete(outputs):
            if isinstance(item, Output):
                async for _ in item:
                    pass
            else:
                item._update(await self._async_call("predictions.wait", _success_of(item)))
        return unwrapped(outputs)

    def _async_list(self, operation: str, item: Any, params: Json) -> AwaitablePage[Any]:
        return AwaitablePage(self, operation, item, params)


class AsyncBase(AsyncCalls):
    """The base of `AsyncClient`."""

    _call = AsyncCalls._async_call
    _call_raw = AsyncCalls._async_call_raw
    _complete = AsyncCalls._async_complete
    _list = AsyncCalls._async_list


class Base(AsyncCalls):
    """The base of `Client`, whose methods are blocking and awaitable."""

    def _call(self, operation: str, params: Json, observer: Observer = None) -> Any:
        if self._responses is not None:
            return self._record_response(self._call_raw(operation, params, observer))
        native = self._native_for(operation)
        return native.call(operation, self._with_options(params), observer, False, self)

    def _call_raw(self, operation: str, params: Json, observer: Observer = None) -> Any:
        native = self._native_for(operation)
        return native.call(operation, self._with_options(params), observer, True, self)

    def _request(self, method: str, path: str, **options: Any) -> Any:
        """Sends a request as the method of this name in 1.x does, with the main options of httpx."""
        params = _httpx_params(self.base_url, method, path, **options)
        sent = self._with_options(params)
        return RawResponse(*self._direct.call("request", sent, None, True, self))

    def _is_replaced(self) -> bool:
        is_own = getattr(self._request, "__func__", None) is _REQUEST
        return not is_own or super()._is_replaced()

    def _complete(self, outputs: Any) -> Any:
        for item in incomplete(outputs):
            if isinstance(item, Output):
                item._whole()
            else:
                item._update(self._call("predictions.wait", _success_of(item)))
        return unwrapped(outputs)

    def _list(self, operation: str, item: Any, params: Json) -> Page[Any]:
        return Page(self, operation, item, self._call(operation, params))


_REQUEST, _ASYNC_REQUEST = Base._request, AsyncCalls._async_request


class AnyNamespace(Guarded):
    """The base of both kinds of namespaces, which know their own methods."""

    _own: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__module__.partition(".")[0] == __package__:
            cls._own = {**cls._own, **vars(cls)}


class AsyncNamespace(AnyNamespace):
    """The methods of one resource, bound to an `AsyncClient`."""

    _client: AsyncClient

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class Namespace(AnyNamespace):
    """The methods of one resource, bound to a `Client`."""

    _client: Client

    def __init__(self, client: Client) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


def _success_of(prediction: Any) -> Json:
    """Returns the parameters of `predictions.wait` that make a failure an error, as for the lists of `run`."""
    return {"id": prediction.id, "prediction": prediction._data, "raise": True}


def _httpx_params(
    base_url: str,
    method: str,
    path: str,
    *,
    json: Any = None,
    content: Union[str, bytes, None] = None,
    params: Any = None,
    headers: Any = None,
    **others: Any,
) -> Json:
    if others:
        names = ", ".join(f"`{name}`" for name in others)
        raise TypeError(
            f"a request cannot have {names}; pass `json`, `content`, `params` or `headers`, and the other "
            "options to `with_options`"
        )
    if "://" not in path:
        # The version is a part of our base URL, but in 1.x a part of the path.
        path = f"{base_url[:-3] if base_url.endswith('/v1') else base_url}/{path.lstrip('/')}"
    data = content.encode() if isinstance(content, str) else content
    return drop_none(
        method=method,
        path=path,
        params=params,
        headers=headers,
        data=json if data is None else data,
    )
