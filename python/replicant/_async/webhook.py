"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Union

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
        return verify(request, headers, body, secret, tolerance)

    @cached
    def default(self) -> AsyncDefaultWebhook:
        """The account's one webhook."""
        return AsyncDefaultWebhook(self._client)
