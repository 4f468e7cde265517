"""Verification of webhooks."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, Dict, Iterable, Optional, Sequence, Tuple, Union, cast

from ._errors import InvalidArgumentError, MissingWebhookBodyError
from ._native import compute
from ._objects import WebhookSigningSecret

if TYPE_CHECKING:
    from typing import Protocol

    from ._base import AsyncCalls

    Pair = Tuple[Union[str, bytes], Union[str, bytes]]

    class HeaderItems(Protocol):
        """Headers as a dictionary, or as in Flask, Django or Starlette."""

        def items(self) -> Iterable[Pair]: ...

    Headers = Union[HeaderItems, Sequence[Pair]]
else:
    Headers = Any

_RAW = (str, bytes, bytearray, memoryview)

LARGEST = 64 * 1024 * 1024
"""The size of the largest body to read from a stream, in bytes."""


def too_large() -> MissingWebhookBodyError:
    """Returns the error for a body larger than `LARGEST`."""
    return MissingWebhookBodyError(
        f"the body of the webhook is larger than {LARGEST} bytes", status=413
    )


def check_length(declared: Optional[str]) -> None:
    """Raises the error for a body that is too large by its header `content-length`."""
    if declared is not None and declared.isdecimal() and int(declared) > LARGEST:
        raise too_large()


def verify(
    request: Any,
    headers: Optional[Headers],
    body: Optional[Union[str, bytes]],
    secret: Any,
    tolerance: Optional[float],
) -> Dict[str, Any]:
    """Verifies a webhook; see `Webhooks.validate`."""
    params = received(request, headers, body, secret, tolerance)
    # The clock of this module, which tests may replace.
    params["now"] = time.time()
    event: Dict[str, Any] = compute("webhooks.verify", params)
    return event


def received(
    request: Any,
    headers: Optional[Headers],
    body: Optional[Union[str, bytes]],
    secret: Any,
    tolerance: Optional[float],
) -> Dict[str, Any]:
    """Returns the parameters of `webhooks.unwrap`. A `request` without headers is the body."""
    if request is not None:
        has_headers = hasattr(cast(object, request), "headers")
        if body is not None or (has_headers and headers is not None):
            raise ValueError("Only one of request or headers/body can be provided")
        if has_headers:
            headers, body = request.headers, _body(request)
        elif isinstance(headers, _RAW) and not isinstance(request, _RAW):
            raise InvalidArgumentError(
                f"`headers` must be the headers of the request, not {type(headers).__name__}; "
                "pass the body as the first argument and the headers as the second",
                argument="headers",
            )
        else:
            body = cast(bytes, request)
    return {
        "headers": _pairs(headers),
        # A parsed body may have any type. The core's error says what to pass instead.
        "body": body if body is None or isinstance(body, (*_RAW, int, float, list)) else {},
        "secret": getattr(secret, "key", secret),
        "tolerance": tolerance,
    }


async def async_received(
    request: Any,
    headers: Optional[Headers],
    body: Optional[Union[str, bytes]],
    secret: Any,
    tolerance: Optional[float],
) -> Dict[str, Any]:
    """Returns the parameters of `webhooks.unwrap`. Awaits the body of a request of Starlette."""
    read = getattr(request, "body", None)
    if callable(read) and headers is None and body is None:
        headers = request.headers
        check_length(request.headers.get("content-length"))
        try:
            # Only Starlette is known to have a stream that its `body` can be read from later.
            limited = hasattr(request, "_stream_consumed")
            body = await (_limited(request) if limited else cast(Any, read)())
        except RuntimeError as error:
            # Starlette's "Stream consumed".
            why = f"Error reading body: {error}. Verify the webhook before anything else reads the request."
            raise MissingWebhookBodyError(why, status=400) from error
        request = None
    return received(request, headers, body, secret, tolerance)


async def _limited(request: Any) -> bytes:
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > LARGEST:
            raise too_large()
    # As `Request.body` does, so that the handler can read the body, too.
    body = bytes(chunks)
    request._body = body
    return body


def _pairs(headers: Any) -> Any:
    """Returns headers as a list of pairs, which an ASGI scope has already. The core converts bytes."""
    return list(headers.items()) if hasattr(headers, "items") else headers


def _body(request: Any) -> Optional[Union[str, bytes]]:
    other = None
    # The names of the raw body in the supported frameworks.
    for name in ("body", "content", "data"):
        try:
            found: Any = getattr(request, name, None)
        except Exception as error:
            # Django's RawPostDataException.
            why = f"Error reading body: {error}. Read `request.body` before anything else reads the request."
            raise MissingWebhookBodyError(why, status=400) from error
        if isinstance(found, (*_RAW, dict, list)):
            return cast(bytes, found)
        if callable(found):
            raise TypeError(
                f"`request.{name}` is a method: pass `headers=request.headers` and the result of "
                f"`await request.{name}()` as `body`"
            )
        if inspect.iscoroutine(found):
            found.close()
        if found is not None and other is None:
            other = f"`request.{name}` is of type {type(found).__name__}"
    if other is not None:
        why = (
            f"Invalid body type: {other}, not raw bytes. Pass the body and the headers instead of the request, such as "
            "`unwrap(await request.get_data(), request.headers)` in Quart, `await request.read()` in aiohttp, "
            "`request.body.read()` in Bottle."
        )
        raise MissingWebhookBodyError(why, status=400)
    return None


class SecretFetcher:
    """`client.webhooks.default.async_secret`"""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncCalls) -> None:
        self._client = client

    async def __call__(self) -> WebhookSigningSecret:
        """Fetches the secret that webhooks are signed with.

        `GET /webhooks/default/secret`
        """
        data = await self._client._async_call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data)
