"""Webhooks."""

from __future__ import annotations

from replicant._errors import InvalidSecretKeyError as InvalidSecretKeyError
from replicant._errors import InvalidSignatureError as InvalidSignatureError
from replicant._errors import InvalidTimestampError as InvalidTimestampError
from replicant._errors import MissingWebhookBodyError as MissingWebhookBodyError
from replicant._errors import MissingWebhookHeaderError as MissingWebhookHeaderError
from replicant._errors import WebhookValidationError as WebhookValidationError
from replicant._objects import WebhookSigningSecret as WebhookSigningSecret
from replicant._sync.webhook import Webhooks as Webhooks
