"""Verification of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Union, cast

from ._native import compute
from ._objects import WebhookSigningSecret

if TYPE_CHECKING:
    from ._base import AsyncCalls


def validate(
    request: Any = None,
    headers: Optional[Mapping[str, str]] = None,
    body: Optional[Union[str, bytes]] = None,
    secret: Any = None,
    tolerance: Optional[float] = 300,
) -> Dict[str, Any]:
    """Verify that a webhook was sent by Replicate, and give the event in it.

    Args:
        request: the request, if it has `headers` and its raw body as `body`, `content` or `data`.
        headers: the request's headers, in any case, if there is no `request`.
        body: the raw body, if there is no `request`; a decoded body cannot be verified.
        secret: the signing secret, as text or as `client.webhooks.default.secret()` gives it.
        tolerance: how many seconds its time may be off; None to accept any time.

    Returns:
        The event: the prediction or training as a dictionary.

    Raises:
        MissingWebhookHeaderError: one of its headers is missing.
        MissingWebhookBodyError: its body is missing.
        InvalidSecretKeyError: the secret is missing or malformed.
        InvalidTimestampError: its time is further off than the tolerance.
        InvalidSignatureError: it was not signed with this secret.
    """
    if request is not None:
        if headers is not None or body is not None:
            raise ValueError("Only one of request or headers/body can be provided")
        headers = request.headers
        body = _body(request)
    params = {
        "headers": None if headers is None else dict(headers.items()),
        "body": body,
        "secret": getattr(secret, "key", secret),
        "tolerance": tolerance,
    }
    event: Dict[str, Any] = compute("webhooks.verify", params)["event"]
    return event


def _body(request: Any) -> Optional[Union[str, bytes]]:
    # The names that the frameworks have for it; what is a method there would have to be awaited.
    for name in ("body", "content", "data"):
        found: Any = getattr(request, name, None)
        if isinstance(found, (bytes, str)):
            return found
        if isinstance(found, (bytearray, memoryview)):
            return bytes(cast(memoryview, found))
    return None


class SecretFetcher:
    """`client.webhooks.default.async_secret`"""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncCalls) -> None:
        self._client = client

    async def __call__(self) -> WebhookSigningSecret:
        """Fetch the secret that webhooks are signed with.

        `GET /webhooks/default/secret`
        """
        data = await self._client._async_call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data)
