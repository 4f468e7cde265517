"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from .._base import AsyncNamespace
from .._guarded import cached
from .._objects import WebhookSigningSecret
from .._response import RawView
from .._webhook import SecretFetcher, verify

if TYPE_CHECKING:
    from .._async_raw import (
        AsyncDefaultWebhookWithRawResponse,
        AsyncWebhookSecretWithRawResponse,
        AsyncWebhooksWithRawResponse,
    )
    from .._webhook import Headers


class AsyncWebhookSecret(AsyncNamespace):
    """`client.webhooks.default.secret`"""

    with_raw_response: RawView[AsyncWebhookSecretWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    async def get(self) -> WebhookSigningSecret:
        """Fetch the secret that webhooks are signed with. It hardly ever changes: keep it.

        `GET /webhooks/default/secret`
        """
        data = await self._client._call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data, self._client)

    async def __call__(self) -> WebhookSigningSecret:
        """The same as `get`."""
        return await self.get()


class AsyncDefaultWebhook(AsyncNamespace):
    """`client.webhooks.default`"""

    with_raw_response: RawView[AsyncDefaultWebhookWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    @cached
    def secret(self) -> AsyncWebhookSecret:
        """The secret that webhooks are signed with: `secret()` or `secret.get()`."""
        return AsyncWebhookSecret(self._client)

    @cached
    def async_secret(self) -> SecretFetcher:
        """The same, awaited with either client: `await async_secret()`."""
        return SecretFetcher(self._client)


class AsyncWebhooks(AsyncNamespace):
    """`client.webhooks`"""

    Default = AsyncDefaultWebhook

    with_raw_response: RawView[AsyncWebhooksWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    @staticmethod
    def validate(
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> Dict[str, Any]:
        """Verify that a webhook was sent by Replicate, and return its event.

        The signature covers the raw body: pass `request.get_data()` in Flask, `request.body` in
        Django, `await request.body()` in FastAPI and Starlette.

        Args:
            request: a request with `headers` and its raw body as `body`, `content` or `data`.
            headers: the headers of the request, in any case, instead of `request`.
            body: the raw body, instead of `request`; a parsed body cannot be verified.
            secret: the signing secret, as text or as `client.webhooks.default.secret()` returns it.
            tolerance: seconds by which the timestamp may be off; None accepts any age.

        Returns:
            The event: the prediction or training as a dictionary.

        Raises:
            MissingWebhookHeaderError: a signature header is missing.
            MissingWebhookBodyError: the body is missing, was read already, or was parsed.
            InvalidSecretKeyError: the secret is missing or malformed.
            InvalidTimestampError: the timestamp is off by more than the tolerance.
            InvalidSignatureError: no signature matches this secret and body.
        """
        return verify(request, headers, body, secret, tolerance)

    @cached
    def default(self) -> AsyncDefaultWebhook:
        """The account's one webhook."""
        return AsyncDefaultWebhook(self._client)
