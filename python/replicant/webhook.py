"""Webhooks."""

from __future__ import annotations

from ._errors import InvalidSecretKeyError as InvalidSecretKeyError
from ._errors import InvalidSignatureError as InvalidSignatureError
from ._errors import InvalidTimestampError as InvalidTimestampError
from ._errors import MissingWebhookBodyError as MissingWebhookBodyError
from ._errors import MissingWebhookHeaderError as MissingWebhookHeaderError
from ._errors import WebhookValidationError as WebhookValidationError
from ._objects import WebhookSigningSecret as WebhookSigningSecret
from ._sync.webhook import Webhooks as Webhooks
