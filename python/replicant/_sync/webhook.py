# Derived from _async/webhook.py by python/scripts/unasync.py: change that file, not this one.
"""Webhooks."""

from __future__ import annotations

from .._base import Namespace
from .._objects import WebhookSigningSecret
from .._webhook import SecretFetcher, validate


class WebhookSecret(Namespace):
    """`client.webhooks.default.secret`"""

    __slots__ = ()

    def get(self) -> WebhookSigningSecret:
        """Fetch the secret that webhooks are signed with. It hardly ever changes: keep it.

        `GET /webhooks/default/secret`
        """
        data = self._client._call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data, self._client)

    async def async_get(self) -> WebhookSigningSecret:
        """The awaitable form of `get`."""
        data = await self._client._async_call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data, self._client)

    def __call__(self) -> WebhookSigningSecret:
        """The same as `get`."""
        return self.get()


class DefaultWebhook(Namespace):
    """`client.webhooks.default`"""

    __slots__ = ()

    @property
    def secret(self) -> WebhookSecret:
        """The secret that webhooks are signed with: `secret()` or `secret.get()`."""
        return WebhookSecret(self._client)

    @property
    def async_secret(self) -> SecretFetcher:
        """The same, awaited with either client: `async_secret()`."""
        return SecretFetcher(self._client)


class Webhooks(Namespace):
    """`client.webhooks`"""

    __slots__ = ()

    validate = staticmethod(validate)

    @property
    def default(self) -> DefaultWebhook:
        """The account's one webhook."""
        return DefaultWebhook(self._client)
