"""Functions of the user that a client calls for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

from ._response import Headers, RateLimit

if TYPE_CHECKING:
    from ._telemetry import Changes, Record

HOOKS = ("on_request", "on_response", "on_retry")
"""The names of the options."""


class RequestEvent:
    """An attempt of a request that is about to be sent, as `on_request` receives it.

    The hook may change, add and delete `headers`.
    """

    __slots__ = ("attempt", "body", "headers", "method", "request", "url")

    request: int
    """The number of the request, the same in all events of its attempts."""
    method: str
    """The HTTP method."""
    url: str
    """The complete URL."""
    headers: Headers
    """The headers. The `authorization` header with the token of the client is omitted; one that the hook sets
    replaces it in requests to the API, and is not sent to other hosts."""
    body: Optional[str]
    """The body as text; None for files and for a request without a body."""
    attempt: int
    """The number of the attempt, from 1."""

    def __init__(self, event: Record) -> None:
        self.request = event["request"]
        self.method = event["method"]
        self.url = event["url"]
        self.headers = Headers(event["headers"].items())
        self.body = event["body"]
        self.attempt = event["attempt"]

    def __repr__(self) -> str:
        return f"<RequestEvent {self.method} attempt {self.attempt}>"


class ResponseEvent:
    """A response whose body has not been read yet, as `on_response` receives it."""

    __slots__ = (
        "attempt",
        "duration",
        "headers",
        "method",
        "rate_limit",
        "request",
        "request_id",
        "status_code",
        "url",
    )

    request: int
    """The number of the request, the same in all events of its attempts."""
    method: str
    """The HTTP method of the request."""
    url: str
    """The URL of the request."""
    status_code: int
    """The HTTP status."""
    headers: Headers
    """The headers."""
    attempt: int
    """The number of the attempt, from 1."""
    duration: float
    """Seconds from the start of the attempt to the headers of the response."""
    request_id: Optional[str]
    """The id of the request, for support tickets."""
    rate_limit: Optional[RateLimit]
    """The rate limit that the response reports."""

    def __init__(self, event: Record) -> None:
        self.request = event["request"]
        self.method = event["method"]
        self.url = event["url"]
        self.status_code = event["status"]
        self.headers = Headers(event["headers"].items())
        self.attempt = event["attempt"]
        self.duration = event["duration"]
        self.request_id = event["request_id"]
        self.rate_limit = event["rate_limit"] and RateLimit(**event["rate_limit"])

    def __repr__(self) -> str:
        return f"<ResponseEvent {self.method} {self.status_code} attempt {self.attempt}>"


class RetryEvent:
    """A failed attempt that will be retried, as `on_retry` receives it."""

    __slots__ = (
        "attempt",
        "code",
        "delay",
        "message",
        "method",
        "request",
        "request_id",
        "status_code",
        "url",
    )

    request: int
    """The number of the request, the same in all events of its attempts."""
    method: str
    """The HTTP method of the request."""
    url: str
    """The URL of the request, without its query."""
    attempt: int
    """The number of the failed attempt, from 1."""
    delay: float
    """Seconds until the next attempt."""
    code: str
    """The code of the error."""
    message: str
    """The message of the error."""
    status_code: Optional[int]
    """The HTTP status; None if there was no response."""
    request_id: Optional[str]
    """The id of the request; None if there was no response."""

    def __init__(self, event: Record) -> None:
        self.request = event["request"]
        self.method = event["method"]
        self.url = event["url"]
        self.attempt = event["attempt"]
        self.delay = event["delay"]
        self.code = event["code"]
        self.message = event["message"]
        self.status_code = event["status"]
        self.request_id = event["request_id"]

    def __repr__(self) -> str:
        return f"<RetryEvent {self.method} {self.code} attempt {self.attempt}>"


class Hooks:
    """The hooks of a client."""

    __slots__ = HOOKS

    def __init__(self, given: Mapping[str, Any]) -> None:
        for name in HOOKS:
            hook = given.get(name)
            if hook is not None and not callable(hook):
                raise TypeError(f"`{name}` must be a function, not {type(hook).__name__}")
            setattr(self, name, hook)

    def updated(self, other: Hooks) -> Hooks:
        """Returns these hooks, replaced by those that `other` has."""
        pairs = ((name, getattr(other, name) or getattr(self, name)) for name in HOOKS)
        return Hooks(dict(pairs))

    def given(self) -> Tuple[bool, bool, bool]:
        """Returns which of the three hooks there are."""
        before, after, retry = (getattr(self, name) is not None for name in HOOKS)
        return before, after, retry

    def call(self, event: Record, changes: Changes, awaited: bool) -> Any:
        """Calls the hook for `event`, and adds the headers that it changed to `changes`.

        Returns None, or an awaitable if the hook is a coroutine function. Only an awaited call may have one.
        """
        kind = event["hook"]
        hook = getattr(self, f"on_{kind}")
        if hook is None:
            return None
        if kind != "request":
            result = hook(ResponseEvent(event) if kind == "response" else RetryEvent(event))
            return _awaitable(result, f"on_{kind}", awaited)
        request = RequestEvent(event)
        before = dict(request.headers)
        result = _awaitable(hook(request), "on_request", awaited)
        if result is None:
            changes.extend(_changes(before, request.headers))
            return None
        return _then(result, lambda: changes.extend(_changes(before, request.headers)))


async def _then(pending: Any, done: Callable[[], None]) -> None:
    await pending
    done()


def _awaitable(result: Any, name: str, awaited: bool) -> Any:
    """Returns the result of a hook if it must be awaited."""
    if not hasattr(result, "__await__"):
        return None
    if awaited:
        return result
    if hasattr(result, "close"):
        result.close()
    raise TypeError(
        f"`{name}` is a coroutine function, which a blocking method cannot await; pass a function"
    )


def _changes(before: Dict[str, str], after: Mapping[str, Any]) -> Changes:
    now = {name.lower(): value for name, value in after.items()}
    changes: Changes = [(name, None) for name in before if name not in now]
    for name, value in now.items():
        if not isinstance(value, str):
            raise TypeError(
                f"`on_request`: the header {name!r} must be a string, not {type(value).__name__}"
            )
        if before.get(name) != value:
            changes.append((name, value))
    return changes
