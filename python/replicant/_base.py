"""How the methods of both clients call the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Awaitable, Union

from ._arguments import drop_none as drop_none
from ._client_base import ClientBase
from ._guarded import Guarded
from ._output import Output, incomplete, unwrapped
from ._page import AwaitablePage, Page
from ._response import RawResponse

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._client_base import AnyClient as AnyClient
    from ._object import Json
    from ._options import Observer
    from ._sync.client import Client


class AsyncCalls(ClientBase):
    """Calls the core from awaitable methods."""

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
        return self._native.call_async(operation, self._with_options(params), observer, False, self)

    async def _async_call_recorded(self, operation: str, params: Json, observer: Observer) -> Any:
        return self._record_response(await self._async_call_raw(operation, params, observer))

    def _async_call_raw(
        self, operation: str, params: Json, observer: Observer = None
    ) -> Awaitable[Any]:
        return self._native.call_async(operation, self._with_options(params), observer, True, self)

    async def _async_request(self, method: str, path: str, **options: Any) -> RawResponse:
        """Sends a request as the method of this name in 1.x does, with the main options of httpx."""
        params = _httpx_params(self.base_url, method, path, **options)
        return RawResponse(*await self._async_call_raw("request", params))

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
        return self._native.call(operation, self._with_options(params), observer, False, self)

    def _call_raw(self, operation: str, params: Json, observer: Observer = None) -> Any:
        return self._native.call(operation, self._with_options(params), observer, True, self)

    def _request(self, method: str, path: str, **options: Any) -> RawResponse:
        """Sends a request as the method of this name in 1.x does, with the main options of httpx."""
        params = _httpx_params(self.base_url, method, path, **options)
        return RawResponse(*self._call_raw("request", params))

    def _complete(self, outputs: Any) -> Any:
        for item in incomplete(outputs):
            if isinstance(item, Output):
                item._whole()
            else:
                item._update(self._call("predictions.wait", _success_of(item)))
        return unwrapped(outputs)

    def _list(self, operation: str, item: Any, params: Json) -> Page[Any]:
        return Page(self, operation, item, self._call(operation, params))


class AsyncNamespace(Guarded):
    """The methods of one resource, bound to an `AsyncClient`."""

    _client: AsyncClient

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class Namespace(Guarded):
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
