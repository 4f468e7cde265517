"""The exceptions."""

from __future__ import annotations

from ._errors import APIConnectionError as APIConnectionError
from ._errors import APIError as APIError
from ._errors import APIResponseValidationError as APIResponseValidationError
from ._errors import APIStatusError as APIStatusError
from ._errors import APITimeoutError as APITimeoutError
from ._errors import AuthenticationError as AuthenticationError
from ._errors import BadRequestError as BadRequestError
from ._errors import ConflictError as ConflictError
from ._errors import DownloadError as DownloadError
from ._errors import FileNotWrittenError as FileNotWrittenError
from ._errors import FileTooLargeError as FileTooLargeError
from ._errors import InputFileNotFoundError as InputFileNotFoundError
from ._errors import InternalError as InternalError
from ._errors import InternalServerError as InternalServerError
from ._errors import InvalidArgumentError as InvalidArgumentError
from ._errors import InvalidSecretKeyError as InvalidSecretKeyError
from ._errors import InvalidSignatureError as InvalidSignatureError
from ._errors import InvalidTimestampError as InvalidTimestampError
from ._errors import MissingWebhookBodyError as MissingWebhookBodyError
from ._errors import MissingWebhookHeaderError as MissingWebhookHeaderError
from ._errors import ModelError as ModelError
from ._errors import NotFoundError as NotFoundError
from ._errors import OutcomeUnknownError as OutcomeUnknownError
from ._errors import OutputExpiredError as OutputExpiredError
from ._errors import PayloadTooLargeError as PayloadTooLargeError
from ._errors import PaymentRequiredError as PaymentRequiredError
from ._errors import PermissionDeniedError as PermissionDeniedError
from ._errors import PredictionAbortedError as PredictionAbortedError
from ._errors import PredictionCanceledError as PredictionCanceledError
from ._errors import PredictionTimeoutError as PredictionTimeoutError
from ._errors import RateLimitError as RateLimitError
from ._errors import ReplicateError as ReplicateError
from ._errors import ReplicateException as ReplicateException
from ._errors import StreamInterruptedError as StreamInterruptedError
from ._errors import StreamUnsupportedError as StreamUnsupportedError
from ._errors import UnprocessableEntityError as UnprocessableEntityError
from ._errors import WebhookValidationError as WebhookValidationError
