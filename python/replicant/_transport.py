"""HTTP through an httpx transport or client, or through a function."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Coroutine, Dict, Iterator, List, Optional, Tuple, Union

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

Headers = List[Tuple[str, str]]
Response = Tuple[int, Headers, Any]

# What httpx raises before any byte of a request was sent.
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}

# The methods of httpx transports; a call prefers the one of its own kind.
_METHODS = ("handle_request", "handle_async_request")


class TransportRequest:
    """The request that is passed to a function as `transport`."""

    __slots__ = ("_body", "headers", "method", "url")

    method: str
    """The HTTP method."""
    url: str
    """The complete URL."""
    headers: Dict[str, str]
    """The headers, with names in lower case."""

    def __init__(self, method: str, url: str, headers: Headers, body: Any) -> None:
        self.method = method
        self.url = url
        self.headers = dict(headers)
        self._body = body

    @property
    def content(self) -> bytes:
        """The complete body."""
        if not isinstance(self._body, bytes):
            self._body = b"".join(self._body or ())
        return self._body

    def json(self) -> Any:
        """Returns the body, decoded from JSON."""
        import json

        return json.loads(self.content)

    def __repr__(self) -> str:
        return f"<TransportRequest {self.method} {self.url}>"


class Adapter:
    """Sends the requests of the core through a transport in Python."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        if not (
            callable(transport) or any(hasattr(transport, name) for name in (*_METHODS, "send"))
        ):
            raise TypeError(
                "`transport` must be an httpx transport (sync or async), an httpx client, or a "
                f"function that takes a request and returns a response, not {type(transport).__name__}"
            )

    def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: Any,
        length: Optional[int],
        awaited: bool,
        to_api: bool,
    ) -> Any:
        """Sends one request. Returns the parts of the response, or an awaitable for the response if `awaited` is true.

        Only a request with `to_api` gets the headers and parameters of an httpx client.
        """
        if length is not None:
            headers = [*headers, ("content-length", str(length))]
        sent = self._send(method, url, headers, body, awaited, to_api)
        if not hasattr(sent, "__await__"):
            return _parts(sent, False)
        if awaited:
            return sent
        of_httpx = any(_is_of_httpx(cls) for cls in type(self._transport).__mro__)
        return _run(_whole(sent), keep=of_httpx)

    def _send(
        self, method: str, url: str, headers: Headers, body: Any, awaited: bool, to_api: bool
    ) -> Any:
        methods = _METHODS[::-1] if awaited else _METHODS
        for name in methods:
            if hasattr(self._transport, name):
                return getattr(self._transport, name)(_httpx_request(method, url, headers, body))
        if hasattr(self._transport, "send"):
            return self._send_by_client(method, url, headers, body, to_api)
        return self._transport(TransportRequest(method, url, headers, body))

    def _send_by_client(
        self, method: str, url: str, headers: Headers, body: Any, to_api: bool
    ) -> Any:
        """Sends a request with the headers, parameters, cookies and `auth` of an httpx client. Those of the core win."""
        import httpx

        client = self._transport
        if not isinstance(client, (httpx.Client, httpx.AsyncClient)):
            request = _httpx_request(method, url, headers, body)
            return client.send(request, stream=True, **_without_redirects(client.send))
        target: Any = httpx.URL(url)
        added: List[Any] = []
        auth: Any = None
        if to_api:
            # The core says where compression is possible.
            own = {name for name, _ in headers} | {"accept-encoding"}
            if "authorization" not in own:
                auth = httpx.USE_CLIENT_DEFAULT
            added = [
                (n, v) for n, v in client.headers.raw if n.lower().decode("latin-1") not in own
            ]
            if client.params:
                target = target.copy_with(params=client.params.merge(target.params))
        request = _httpx_request(method, target, [*headers, *added], body)
        cookies = client.cookies
        if not to_api:
            # httpx sends a cookie without a domain to every host.
            cookies = httpx.Cookies()
            for cookie in client.cookies.jar:
                if cookie.domain:
                    cookies.jar.set_cookie(cookie)
        cookies.set_cookie_header(request)
        # The core follows redirects: it does not repeat a create, and sends no secrets to other hosts.
        # Passed only if needed, because a subclass may have a `send` without it.
        options: Any = {"follow_redirects": False} if client.follow_redirects else {}
        return client.send(request, stream=True, auth=auth, **options)

    @staticmethod
    def parts(response: Any) -> Response:
        """Returns the status, headers and body of a response that was awaited."""
        return _parts(response, True)

    @staticmethod
    def fault(error: BaseException) -> Optional[str]:
        """Returns the network failure that an exception stands for; None for any other exception."""
        from asyncio import CancelledError

        # An event loop that ends cancels its tasks, also that of a request. The caller does not wait for it any more.
        if isinstance(error, CancelledError):
            return "broken"
        names = {cls.__name__ for cls in type(error).__mro__ if _is_of_httpx(cls)}
        if names & _NEVER_SENT or isinstance(error, ConnectionRefusedError):
            return "never sent"
        if "TimeoutException" in names or isinstance(error, TimeoutError):
            return "timeout"
        # OSError is also the base of the exceptions of requests, urllib, ssl and socket.
        if "TransportError" in names or isinstance(error, OSError):
            return "broken"
        return None


# The event loop of blocking calls with async transports of httpx, by process: a fork ends its thread.
_loops: Dict[int, AbstractEventLoop] = {}
# Whether a request runs in that loop. A blocking call that its transport makes must not wait for the loop.
_in_loop: ContextVar[bool] = ContextVar("_in_loop", default=False)


def _without_redirects(send: Any) -> Dict[str, bool]:
    """Returns the argument of `send` that leaves redirects to the core, if `send` has it."""
    from inspect import Parameter, signature

    parameters = signature(send).parameters
    any_name = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    return {"follow_redirects": False} if any_name or "follow_redirects" in parameters else {}


def _run(coroutine: Coroutine[Any, Any, Response], keep: bool) -> Response:
    """Runs a coroutine for a blocking call; in a loop that stays if the transport keeps connections, which belong to a loop."""
    import asyncio

    # Threads that are greenlets would run in this one, which waits for the result.
    if not keep or _in_loop.get() or _has_green_threads():
        return asyncio.run(coroutine)
    return asyncio.run_coroutine_threadsafe(_marked(coroutine), _background_loop()).result()


async def _marked(coroutine: Coroutine[Any, Any, Response]) -> Response:
    _in_loop.set(True)
    return await coroutine


def _has_green_threads() -> bool:
    """Returns whether gevent or eventlet has patched threads."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    return bool(
        (gevent and gevent.is_module_patched("thread"))
        or (eventlet and eventlet.is_monkey_patched("thread"))
    )


def _background_loop() -> AbstractEventLoop:
    """Returns a loop that runs until the process ends."""
    from asyncio import new_event_loop
    from threading import Thread

    process = os.getpid()
    loop = _loops.get(process)
    if loop is None:
        new = new_event_loop()
        Thread(target=_serve, args=(new,), name="replicant-transport", daemon=True).start()
        # Without a lock, which a fork could leave locked.
        loop = _loops.setdefault(process, new)
        if loop is not new:
            new.call_soon_threadsafe(new.stop)
    return loop


def _serve(loop: AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _is_of_httpx(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("httpx", "httpcore")


def _httpx_request(method: str, url: Any, headers: List[Any], body: Any) -> Any:
    import httpx

    if body is None or isinstance(body, bytes):
        return httpx.Request(method, url, headers=headers, content=body)

    class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return iter(body)

        def __aiter__(self) -> Any:
            return body.__aiter__()

    request = httpx.Request(method, url, headers=headers, stream=Body())
    # httpx adds these to other requests, but not to one with a stream.
    request.headers.setdefault("host", request.url.netloc.decode("ascii"))
    if "content-length" not in request.headers:
        request.headers.setdefault("transfer-encoding", "chunked")
    return request


async def _whole(response: Any) -> Response:
    status, headers, body = _parts(await response, True)
    if not isinstance(body, bytes):
        body = b"".join([chunk async for chunk in body])
    return status, headers, body


def _parts(response: Any, is_async: bool) -> Response:
    """Returns the status, headers and body of a response in any supported form."""
    # Not isinstance, which would narrow the type for the type checkers.
    if response.__class__ is tuple:
        if len(response) != 3:
            raise TypeError("a tuple returned by `transport` must be (status, headers, body)")
        return int(response[0]), _pairs(response[1]), _bytes(response[2])
    status = getattr(response, "status_code", None)
    if status is None:
        raise TypeError(
            "`transport` must return a response with status_code, headers and content, or a tuple "
            f"of those three, not {type(response).__name__}"
        )
    headers = _pairs(response.headers)
    if not hasattr(response, "iter_bytes"):
        return int(status), headers, _bytes(response.content)
    if getattr(response, "is_stream_consumed", False):
        return int(status), headers, bytes(response.content)
    return int(status), headers, (response.aiter_bytes() if is_async else response.iter_bytes())


def _pairs(headers: Any) -> Headers:
    items: Any = headers.multi_items() if hasattr(headers, "multi_items") else headers
    items = items.items() if hasattr(items, "items") else items or ()
    return [(str(name).lower(), str(value)) for name, value in items]


def _bytes(body: Union[bytes, str, Dict[str, Any], List[Any], None]) -> bytes:
    if isinstance(body, bytes):
        return body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    import json

    return json.dumps(body).encode()
