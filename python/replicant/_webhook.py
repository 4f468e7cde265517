"""Verification of webhooks."""

from __future__ import annotations

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

_RAW = (str, bytes, bytearray, memoryview)


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
        try:
            body = await cast(Any, read)()
        except RuntimeError as error:
            # Starlette's "Stream consumed".
            why = f"Error reading body: {error}. Verify the webhook before anything else reads the request."
            raise MissingWebhookBodyError(why, status=400) from error
        request = None
    return received(request, headers, body, secret, tolerance)


def _pairs(headers: Any) -> Any:
    """Returns headers as a list of pairs, which an ASGI scope has already. The core converts bytes."""
    return list(headers.items()) if hasattr(headers, "items") else headers


def _body(request: Any) -> Optional[Union[str, bytes]]:
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
