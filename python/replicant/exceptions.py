# Derived from __init__.py by python/scripts/unasync.py: change that file, not this one.
"""The exceptions."""

from __future__ import annotations

from replicant._errors import APIConnectionError as APIConnectionError
from replicant._errors import APIError as APIError
from replicant._errors import APIResponseValidationError as APIResponseValidationError
from replicant._errors import APIStatusError as APIStatusError
from replicant._errors import APITimeoutError as APITimeoutError
from replicant._errors import AuthenticationError as AuthenticationError
from replicant._errors import BadRequestError as BadRequestError
from replicant._errors import ConflictError as ConflictError
from replicant._errors import DownloadError as DownloadError
from replicant._errors import FileNotWrittenError as FileNotWrittenError
from replicant._errors import FileTooLargeError as FileTooLargeError
from replicant._errors import InputFileNotFoundError as InputFileNotFoundError
from replicant._errors import InternalError as InternalError
from replicant._errors import InternalServerError as InternalServerError
from replicant._errors import InvalidArgumentError as InvalidArgumentError
from replicant._errors import InvalidSecretKeyError as InvalidSecretKeyError
from replicant._errors import InvalidSignatureError as InvalidSignatureError
from replicant._errors import InvalidTimestampError as InvalidTimestampError
from replicant._errors import InvalidTypeError as InvalidTypeError
from replicant._errors import MissingWebhookBodyError as MissingWebhookBodyError
from replicant._errors import MissingWebhookHeaderError as MissingWebhookHeaderError
from replicant._errors import ModelError as ModelError
from replicant._errors import NotFoundError as NotFoundError
from replicant._errors import OutcomeUnknownError as OutcomeUnknownError
from replicant._errors import OutputExpiredError as OutputExpiredError
from replicant._errors import PayloadTooLargeError as PayloadTooLargeError
from replicant._errors import PaymentRequiredError as PaymentRequiredError
from replicant._errors import PermissionDeniedError as PermissionDeniedError
from replicant._errors import PredictionAbortedError as PredictionAbortedError
from replicant._errors import PredictionCanceledError as PredictionCanceledError
from replicant._errors import PredictionTimeoutError as PredictionTimeoutError
from replicant._errors import RateLimitError as RateLimitError
from replicant._errors import ReplicateError as ReplicateError
from replicant._errors import ReplicateException as ReplicateException
from replicant._errors import StreamInterruptedError as StreamInterruptedError
from replicant._errors import StreamUnsupportedError as StreamUnsupportedError
from replicant._errors import UnprocessableEntityError as UnprocessableEntityError
from replicant._errors import UnsupportedError as UnsupportedError
from replicant._errors import WebhookValidationError as WebhookValidationError
