# Derived from _async/webhook.py by python/scripts/unasync.py: change that file, not this one.
"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from .._base import Namespace
from .._guarded import cached
from .._objects import WebhookSigningSecret
from .._response import RawView
from .._webhook import SecretFetcher, verify

if TYPE_CHECKING:
    from .._sync_raw import (
        DefaultWebhookWithRawResponse,
        WebhookSecretWithRawResponse,
        WebhooksWithRawResponse,
    )
    from .._webhook import Headers


class WebhookSecret(Namespace):
    """`client.webhooks.default.secret`"""

    with_raw_response: RawView[WebhookSecretWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

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

    with_raw_response: RawView[DefaultWebhookWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    @cached
    def secret(self) -> WebhookSecret:
        """The secret that webhooks are signed with: `secret()` or `secret.get()`."""
        return WebhookSecret(self._client)

    @cached
    def async_secret(self) -> SecretFetcher:
        """The same, awaited with either client: `async_secret()`."""
        return SecretFetcher(self._client)


class Webhooks(Namespace):
    """`client.webhooks`"""

    Default = DefaultWebhook

    with_raw_response: RawView[WebhooksWithRawResponse] = RawView()
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
        Django, `request.body()` in FastAPI and Starlette.

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
    def default(self) -> DefaultWebhook:
        """The account's one webhook."""
        return DefaultWebhook(self._client)
