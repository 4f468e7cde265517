# Derived from _async/webhook.py by python/scripts/unasync.py: change that file, not this one.
"""Webhooks: their validation and their signing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from .. import _webhook
from .._base import Namespace
from .._guarded import cached
from .._objects import WebhookSigningSecret
from .._response import RawView
from .._webhook import Headers, SecretFetcher, verify
from .prediction import Prediction
from .training import Training

if TYPE_CHECKING:
    from .._sync_raw import (
        DefaultWebhookWithRawResponse,
        WebhookSecretWithRawResponse,
        WebhooksWithRawResponse,
    )


class WebhookSecret(Namespace):
    """`client.webhooks.default.secret`"""

    with_raw_response: RawView[WebhookSecretWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def get(self) -> WebhookSigningSecret:
        """Fetches the secret that webhooks are signed with. It rarely changes, so store it.

        `GET /webhooks/default/secret`

        Raises:
            AuthenticationError: The API refused the token.
        """
        data = self._client._call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data, self._client)

    async def async_get(self) -> WebhookSigningSecret:
        """The async form of `get`."""
        data = await self._client._async_call("webhooks.default.secret.get", {})
        return WebhookSigningSecret(data, self._client)

    def __call__(self) -> WebhookSigningSecret:
        """Fetches the secret: an alias of `get`."""
        return self.get()


class DefaultWebhook(Namespace):
    """`client.webhooks.default`"""

    with_raw_response: RawView[DefaultWebhookWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    @cached
    def secret(self) -> WebhookSecret:
        """The secret that webhooks are signed with: `secret()` or `secret.get()`."""
        return WebhookSecret(self._client)

    @cached
    def async_secret(self) -> SecretFetcher:
        """The async form of `secret`, on both clients: `async_secret()`."""
        return SecretFetcher(self._client)


class Webhooks(Namespace):
    """`client.webhooks`"""

    Default = DefaultWebhook

    with_raw_response: RawView[WebhooksWithRawResponse] = RawView()
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
        Django, `request.body()` in FastAPI and Starlette.

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

    def unwrap(
        self,
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> Union[Prediction, Training]:
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
        params = _webhook.received(request, headers, body, secret, tolerance)
        event = self._client._call("webhooks.unwrap", params)
        cls = Training if event["type"] == "training" else Prediction
        found = cls(event["object"], self._client)
        found._webhook_id = event["id"]
        return found

    async def async_unwrap(
        self,
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> Union[Prediction, Training]:
        """The async form of `unwrap`."""
        params = await _webhook.async_received(request, headers, body, secret, tolerance)
        event = await self._client._async_call("webhooks.unwrap", params)
        cls = Training if event["type"] == "training" else Prediction
        found = cls(event["object"], self._client)
        found._webhook_id = event["id"]
        return found

    @cached
    def default(self) -> DefaultWebhook:
        """The default webhook of the account."""
        return DefaultWebhook(self._client)
