"""Requests through methods that a program has replaced, as in 1.x: patches, and overrides of subclasses."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, AsyncIterator, Dict, Iterator, Mapping, Optional, cast
from weakref import ref

from ._exception import ReplicateException
from ._guarded import WATCHERS
from ._native import Stream
from ._transport import Adapter, Headers, Response, _pairs, _run

if TYPE_CHECKING:
    from ._native import Client as NativeClient
    from ._object import Json

# The path of a create, with the owner and the name of its model or deployment.
_CREATE = re.compile(r"/v1/(?:(models|deployments)/([^/]+)/([^/]+)/)?predictions")
# The members of a prediction that a test double may have.
_MEMBERS = (
    "id",
    "model",
    "version",
    "status",
    "input",
    "output",
    "logs",
    "error",
    "metrics",
    "urls",
)


def is_replaced(namespace: Any, name: str) -> bool:
    """Returns whether a method of a namespace is no longer that of this package."""
    cls = cast(Any, type(namespace))
    own: Optional[Mapping[str, Any]] = getattr(cls, "_own", None)
    if own is None:
        # A test double.
        return hasattr(namespace, name)
    members: Dict[str, object] = namespace.__dict__
    method: object = members[name] if name in members else getattr(cls, name, None)
    # Tracing libraries watch `run` by itself.
    return method is not own.get(name) and _class_of(method) not in WATCHERS


def _class_of(value: object) -> str:
    return type(value).__name__


def creates_are_replaced(client: Any) -> bool:
    """Returns whether a method that creates predictions is replaced."""
    module = "_sync" if hasattr(client, "_request") else "_async"
    namespaces = [client.predictions]
    for name in ("model", "deployment"):
        # Not imported, not patched.
        if f"{__package__}.{module}.{name}" in sys.modules:
            namespaces.append(getattr(client, f"{name}s").predictions)
    return any(is_replaced(each, n) for each in namespaces for n in ("create", "async_create"))


class Replaced(Adapter):
    """Sends the requests of the core through the methods of a client."""

    def __init__(self, client: Any, direct: NativeClient, creates: bool) -> None:
        # The client keeps the native client that keeps this.
        self._client = ref(client)
        self._direct = direct
        self._creates = creates
        self._base_url: str = direct.describe()["base_url"]

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
        """Sends one request. Returns the parts of the response, or an awaitable for the response if `awaited` is true."""
        client: Any = self._client()
        creates = self._creates
        if client is None:
            # The cancel of an abandoned prediction is sent nevertheless.
            client, creates = _unreplaced(self._direct), False
        extra = {name: value for name, value in headers if name != "user-agent"}
        # The core calls this, and awaits the result, in a context of its own.
        _attach(_taken_trace(extra))
        if not to_api or extra.get("accept") == "text/event-stream":
            # 1.x sends neither downloads nor these through `_request`, which would add the token.
            return _Read(self._direct, url, extra, to_api).respond(awaited)
        if not isinstance(body, (bytes, type(None))):
            body = b"".join(body)
        base = self._base_url
        path = url[len(base) :] if url.startswith(f"{base}/") else url
        if path != url and base.endswith("/v1"):
            path = f"/v1{path}"
        options: Json = {}
        if extra.get("content-type") == "application/json":
            import json

            del extra["content-type"]
            options["json"] = json.loads(body or b"null")
        elif body is not None:
            options["content"] = body
        create = _CREATE.fullmatch(path) if creates and method == "POST" else None
        if create is not None:
            sent = _create(client, create, options["json"], extra, awaited)
        else:
            asks = awaited or not hasattr(client, "_request")
            request = client._async_request if asks else client._request
            sent = request(method, path, **options, **({"headers": extra} if extra else {}))
        if not hasattr(sent, "__await__"):
            return _plain(sent)
        return sent if awaited else _run(_later(sent), keep=False)

    @staticmethod
    def parts(response: Any) -> Response:
        """Returns the status, headers and body of what was awaited."""
        events: Optional[Response] = response if response.__class__ is tuple else None
        return events or _plain(response)

    @staticmethod
    def fault(error: BaseException) -> Optional[str]:
        """Returns None except for events: what a method raises reaches the caller unchanged, and is not retried."""
        return "broken" if isinstance(error, _BrokenError) else None


def _unreplaced(direct: NativeClient) -> Any:
    """Returns a client with the methods of this package."""
    from ._base import Base

    client = Base.__new__(Base)
    client._options = {"token": None}
    client._cached = direct
    return client


def _create(client: Any, path: Any, body: Json, headers: Dict[str, str], awaited: bool) -> Any:
    kind, owner, name = path.groups()
    if kind is None:
        namespace, target = client.predictions, {}
    else:
        namespace = getattr(client, kind).predictions
        target = {kind[:-1]: (owner, name)}
    method = getattr(namespace, "async_create", None) if awaited else None
    prefer = headers.get("prefer")
    wait = int(prefer[5:]) if prefer and prefer[5:].isdigit() else bool(prefer)
    after = {"cancel_after": headers["cancel-after"]} if "cancel-after" in headers else {}
    return (method or namespace.create)(**target, **body, wait=wait, **after)


class _BrokenError(Exception):
    """A file or an event stream could not be opened, or broke. The core resumes it."""


class _Read:
    """The response with a file or an event stream, which ends where it breaks: the core resumes it."""

    def __init__(
        self, direct: NativeClient, url: str, headers: Dict[str, str], to_api: bool
    ) -> None:
        params = {
            "url": url,
            "headers": headers,
            "to_api": to_api,
            "request_options": {"max_retries": 0},
        }
        self._chunks: Stream[bytes] = Stream(direct, "request.read", params, head=True)

    def respond(self, awaited: bool) -> Any:
        """Returns the response, or an awaitable for it, once its head has arrived."""
        if awaited:
            return self._respond_later()
        try:
            self._chunks.start()
        except ReplicateException as error:
            return _refusal(error)
        return self._response(self._read())

    async def _respond_later(self) -> Response:
        try:
            await self._chunks.astart()
        except ReplicateException as error:
            return _refusal(error)
        return self._response(self._read_later())

    def _response(self, body: Any) -> Response:
        head: Any = self._chunks.head
        return head["status"], [tuple(header) for header in head["headers"]], body

    # Generators, because the core takes a stream for an async one, and asks for its items outside the event loop.
    def _read(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except ReplicateException as error:
            raise _BrokenError(str(error)) from error

    async def _read_later(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except ReplicateException as error:
            raise _BrokenError(str(error)) from error


def _refusal(error: ReplicateException) -> Response:
    """Returns the response of an error. Raises if there was none."""
    if error.status is None:
        raise _BrokenError(str(error)) from error
    kept = ("content-type", "content-range", "retry-after")
    headers = [(name, value) for name, value in error.headers.items() if name in kept]
    return error.status, headers, (error.body or "").encode()


def _taken_trace(headers: Dict[str, str]) -> Any:
    """Removes the headers of a trace, which what is sent gets anew. Returns its context; None without a trace."""
    if "traceparent" not in headers or "opentelemetry" not in sys.modules:
        return None
    from opentelemetry import context, propagate

    trace = propagate.extract(headers, context=context.get_current())
    for name in propagate.get_global_textmap().fields:
        headers.pop(name.lower(), None)
    return trace


def _attach(trace: Any) -> None:
    """Makes the span of a request the parent of those that follow."""
    if trace is not None:
        from opentelemetry import context

        context.attach(trace)


async def _later(response: Any) -> Response:
    return _plain(await response)


def _plain(response: Any) -> Response:
    """Returns the status, headers and body of a response, or of a prediction. Test doubles have a part of them."""
    from ._object import APIObject

    content = getattr(response, "content", None)
    if isinstance(content, bytes):
        return int(response.status_code), _pairs(response.headers), content
    if isinstance(response, APIObject):
        data: Any = response._data
    elif response.__class__ is dict:
        data = response
    elif isinstance(getattr(response, "status", None), str):
        data = {name: getattr(response, name, None) for name in _MEMBERS}
    else:
        data = response.json()
    import json

    return 200, [], json.dumps(data, default=lambda _: None).encode()
