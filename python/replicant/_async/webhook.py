"""Webhooks: their validation and their signing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from .. import _webhook
from .._base import AsyncNamespace
from .._guarded import cached
from .._objects import WebhookSigningSecret
from .._response import RawView
from .._webhook import Headers, SecretFetcher, verify
from .prediction import AsyncPrediction
from .training import AsyncTraining

if TYPE_CHECKING:
    from .._async_raw import (
        AsyncDefaultWebhookWithRawResponse,
        AsyncWebhookSecretWithRawResponse,
        AsyncWebhooksWithRawResponse,
    )


class AsyncWebhookSecret(AsyncNamespace):
    """`client.webhooks.default.secret`"""

    with_raw_response: RawView[AsyncWebhookSecretWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    async def get(self) -> WebhookSigningSecret:
        """Fetches the secret that webhooks are signed with. It rarely changes, so store it.

        `GET /webhooks/default/secret`

        Raises:
            AuthenticationError: The API refused the token.
        """
        data = await self._client._call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data, self._client)

    async def __call__(self) -> WebhookSigningSecret:
        """Fetches the secret: an alias of `get`."""
        return await self.get()


class AsyncDefaultWebhook(AsyncNamespace):
    """`client.webhooks.default`"""

    with_raw_response: RawView[AsyncDefaultWebhookWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    @cached
    def secret(self) -> AsyncWebhookSecret:
        """The secret that webhooks are signed with: `secret()` or `secret.get()`."""
        return AsyncWebhookSecret(self._client)

    @cached
    def async_secret(self) -> SecretFetcher:
        """The async form of `secret`, on both clients: `await async_secret()`."""
        return SecretFetcher(self._client)


class AsyncWebhooks(AsyncNamespace):
    """`client.webhooks`"""

    Default = AsyncDefaultWebhook

    with_raw_response: RawView[AsyncWebhooksWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    @staticmethod
    def validate(
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> Dict[str, Any]:
        """Verifies that a webhook was sent by Replicate, and returns its event.

        The signature covers the raw body: pass `request.get_data()` in Flask, `request.body` in
        Django, `await request.body()` in FastAPI and Starlette.

        Args:
            request: A request with `headers` and its raw body as `body`, `content` or `data`.
            headers: The headers of the request, instead of `request`: a dictionary, the headers of a framework, or
                the list of pairs of an ASGI scope. Names may be in any case; text and bytes are accepted.
            body: The raw body, instead of `request`. A parsed body cannot be verified.
            secret: The signing secret, as text or as returned by `client.webhooks.default.secret()`.
            tolerance: Seconds by which the timestamp may differ from the clock; None accepts any timestamp.

        Returns:
            The event: the prediction or training as a dictionary.

        Raises:
            MissingWebhookHeaderError: A signature header is missing.
            MissingWebhookBodyError: The body is missing, was already read, or was parsed.
            InvalidSecretKeyError: The secret is missing or malformed.
            InvalidTimestampError: The timestamp differs by more than the tolerance.
            InvalidSignatureError: No signature matches this secret and body.
        """
        return verify(request, headers, body, secret, tolerance)

    async def unwrap(
        self,
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> Union[AsyncPrediction, AsyncTraining]:
        """Verifies a webhook and returns its event, whose methods use this client.

        `GET /webhooks/default/secret`, with the first webhook, unless `secret` is given. The client keeps the secret.
        If it does not match and is older than a minute, the client fetches it again, since it may have been replaced.

        Args:
            request: A request with `headers` and its raw body as `body`, `content` or `data`; the awaited forms also
                take a request of Starlette and FastAPI, and read its body. Or the raw body.
            headers: The headers of the request, unless `request` has them; see `validate`.
            body: The raw body, unless `request` has it. A parsed body cannot be verified.
            secret: The signing secret, as text or as returned by `client.webhooks.default.secret()`.
            tolerance: Seconds by which the timestamp may differ from the clock; None accepts any timestamp.

        Returns:
            The prediction or training, as it was when the API sent the webhook. Its `webhook_id` is the same in all
            deliveries of a webhook.

        Raises:
            MissingWebhookHeaderError: A signature header is missing. `status` is 400.
            MissingWebhookBodyError: The body is missing, was already read, or was parsed. `status` is 400.
            InvalidTimestampError: The timestamp differs by more than the tolerance. `status` is 401.
            InvalidSignatureError: No signature matches this secret and body. `status` is 401.
            InvalidSecretKeyError: The secret is missing or malformed. `status` is None.
            APIError: The secret could not be fetched.
        """
        params = await _webhook.async_received(request, headers, body, secret, tolerance)
        event = await self._client._call("webhooks.unwrap", params)
        cls = AsyncTraining if event["type"] == "training" else AsyncPrediction
        found = cls(event["object"], self._client)
        found._webhook_id = event["id"]
        return found

    @cached
    def default(self) -> AsyncDefaultWebhook:
        """The default webhook of the account."""
        return AsyncDefaultWebhook(self._client)
