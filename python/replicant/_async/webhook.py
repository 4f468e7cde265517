"""Webhooks."""

from __future__ import annotations

from .._base import AsyncNamespace
from .._objects import WebhookSigningSecret
from .._webhook import SecretFetcher, validate


class AsyncWebhookSecret(AsyncNamespace):
    """`client.webhooks.default.secret`"""

    __slots__ = ()

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

    __slots__ = ()

    @property
    def secret(self) -> AsyncWebhookSecret:
        """The secret that webhooks are signed with: `secret()` or `secret.get()`."""
        return AsyncWebhookSecret(self._client)

    @property
    def async_secret(self) -> SecretFetcher:
        """The same, awaited with either client: `await async_secret()`."""
        return SecretFetcher(self._client)


class AsyncWebhooks(AsyncNamespace):
    """`client.webhooks`"""

    __slots__ = ()

    validate = staticmethod(validate)

    @property
    def default(self) -> AsyncDefaultWebhook:
        """The account's one webhook."""
        return AsyncDefaultWebhook(self._client)
