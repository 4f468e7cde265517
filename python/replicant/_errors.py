"""The exceptions, one class for every error code of the core.

`BY_CODE` is the only place that ties a code to a class. `ReplicateException` is the root, as in 1.x.
`ReplicateError` means that the API responded with an error status; failed models, lost connections and
timeouts are its siblings, so code that retries on `ReplicateError` neither runs a failed model again nor
repeats a create that may have been processed. The names of 2.x fit into the same tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Type, cast

from ._exception import REPORT
from ._exception import ReplicateException as ReplicateException

if TYPE_CHECKING:
    from ._client_base import AnyClient
    from ._object import Json


class ReplicateError(ReplicateException):
    """The API responded with an error status."""

    def __init__(
        self,
        type: Optional[str] = None,
        title: Optional[str] = None,
        status: Optional[int] = None,
        detail: Optional[str] = None,
        instance: Optional[str] = None,
        **members: Any,
    ) -> None:
        message = members.pop("message", None)
        # The positional arguments, which `__new__` has put there, stay in `args`; none of them is a message.
        super().__init__(
            message,
            *self.args,
            type=type,
            title=title,
            status=status,
            detail=detail,
            instance=instance,
            **members,
        )
        self._message = message or ""

    @classmethod
    def from_response(cls, response: Any) -> ReplicateError:
        """Builds an error from the response of an HTTP client and the problem report in its body.

        Args:
            response: An object with `status_code` and `json()`, such as a response of httpx or requests.
        """
        try:
            body = response.json()
        except ValueError:
            body = None
        report = cast(Dict[str, Any], body) if isinstance(body, dict) else {}
        known = {name: report.get(name) for name in REPORT if name != "status"}
        return cls(status=response.status_code, **known)

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.to_dict().items()]
        # The message, followed by the lines of 1.x, which existing code matches.
        report = "\n".join(["ReplicateError Details:", *lines]) if lines else ""
        return "\n\n".join(part for part in (self.message, report) if part) or "unknown error"


class APIError(ReplicateException):
    """A request to the API failed: an error status, no response, or an invalid one."""


class APIStatusError(ReplicateError, APIError):
    """The API responded with an error status."""

    code = "status"

    def __init__(self, message: Any = None, *, response: Any = None, **members: Any) -> None:
        """Builds an error as test doubles raise it.

        Args:
            message: What went wrong.
            response: A response of httpx or requests, for the status and the headers.
            members: Other attributes of the error, such as `status` and `detail`.
        """
        if response is not None:
            headers = {name.lower(): value for name, value in response.headers.items()}
            members = {"status": response.status_code, "headers": headers, **members}
        ReplicateException.__init__(self, message, **members)


class BadRequestError(APIStatusError):
    """400: the API could not process the request."""

    code = "bad_request"


class AuthenticationError(APIStatusError):
    """401: the API token is missing or not valid."""

    code = "authentication"


class PaymentRequiredError(APIStatusError):
    """402: the account has insufficient credit."""

    code = "payment_required"


class PermissionDeniedError(APIStatusError):
    """403: the token has no permission for this."""

    code = "permission_denied"


class NotFoundError(APIStatusError):
    """404: the resource does not exist, or the token has no access to it."""

    code = "not_found"


class ConflictError(APIStatusError):
    """409: the request conflicts with the state of the resource."""

    code = "conflict"


class PayloadTooLargeError(APIStatusError):
    """413: the request or a file in it is too large."""

    code = "payload_too_large"


class UnprocessableEntityError(APIStatusError):
    """422: the API refused the input; `invalid_fields` lists the members."""

    code = "unprocessable"


class RateLimitError(APIStatusError):
    """429: too many requests, even after the retries; see `retry_after`."""

    code = "rate_limited"


class InternalServerError(APIStatusError):
    """5xx: the API failed, even after the retries."""

    code = "server_error"


class APIConnectionError(APIError, ConnectionError):
    """The server could not be reached, or the connection broke."""

    code = "connection"


class APITimeoutError(APIConnectionError, TimeoutError):
    """The server did not respond within the `timeout` of the client."""

    code = "timeout"


# Not an APIConnectionError: code that retries on lost connections would create two predictions, both billed.
class OutcomeUnknownError(APIError):
    """A create was sent and no response arrived, so it may or may not have been processed.

    It was not retried, because that could start, and cost, a second prediction. List the predictions before you
    retry.
    """

    code = "outcome_unknown"


class APIResponseValidationError(APIError):
    """The response does not have the documented form."""

    code = "invalid_response"


class InvalidArgumentError(ReplicateException, ValueError):
    """An argument was refused before anything was sent."""

    code = "invalid_argument"


class InputFileNotFoundError(ReplicateException, FileNotFoundError):
    """A file given as input does not exist or cannot be read."""

    code = "file_not_found"


class FileTooLargeError(ReplicateException, ValueError):
    """A file given as input is larger than the API accepts."""

    code = "file_too_large"


class FileNotWrittenError(ReplicateException, OSError):
    """A file could not be written: there is no such folder, no permission or no space."""

    code = "file_not_written"


class UnsupportedError(ReplicateException, NotImplementedError):
    """The runtime lacks what the call needs, such as a file system. Nothing was sent."""

    code = "unsupported"


# A RuntimeError, because an `error` event of a stream raised one in 1.x.
class ModelError(ReplicateException, RuntimeError):
    """A prediction failed or was canceled; `prediction` has its error and its logs.

    `str(error)` is the error text of the model itself.
    """

    code = "prediction_failed"

    def __init__(self, prediction: Any = None, **members: Any) -> None:
        """Builds an error.

        Args:
            prediction: The prediction, another object with its `error`, or the error text.
            members: Other attributes of the error.
        """
        # Test doubles may have neither id nor logs, or be the error text itself.
        text = getattr(prediction, "error", prediction)
        super().__init__(text, **members)
        self._prediction = None if text is prediction else prediction

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any]) -> ModelError:
        error = super()._from_fields(fields)
        prediction: Json = fields.get("prediction") or {}
        text = prediction.get("error")
        if text and cls is ModelError:
            error._message, error.args = error.message, (text,)
        return error

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    @property
    def logs(self) -> Optional[str]:
        """The text that the model printed."""
        logs: Optional[str] = getattr(self.prediction, "logs", None)
        return logs


class PredictionCanceledError(ModelError):
    """The prediction was canceled."""

    code = "prediction_canceled"


class PredictionAbortedError(ModelError):
    """The prediction ended before it started to run, for example at its deadline."""

    code = "prediction_aborted"


class PredictionTimeoutError(ReplicateException, TimeoutError):
    """The `timeout` of `run`, `stream` or `wait` passed; `prediction` is its last known state."""

    code = "deadline"


class StreamInterruptedError(ReplicateException):
    """An event stream broke and could not be resumed; `partial` is the output that arrived."""

    code = "stream_interrupted"


class StreamUnsupportedError(ReplicateError):
    """The prediction has no event stream."""

    code = "stream_unsupported"


class DownloadError(ReplicateException):
    """A file could not be downloaded completely."""

    code = "download"


class OutputExpiredError(DownloadError):
    """The file was deleted: the API keeps output files for an hour."""

    code = "output_expired"


class WebhookValidationError(ReplicateException, ValueError):
    """A webhook was not sent by Replicate, or was modified."""


class MissingWebhookHeaderError(WebhookValidationError):
    """One of the three webhook headers is missing."""

    code = "webhook_headers"


class MissingWebhookBodyError(WebhookValidationError):
    """The body of the webhook is missing."""

    code = "webhook_body"


class InvalidSecretKeyError(WebhookValidationError):
    """The signing secret is missing or malformed."""

    code = "webhook_secret"


class InvalidTimestampError(WebhookValidationError):
    """The timestamp of the webhook is malformed, or differs by more than the tolerance."""

    code = "webhook_timestamp"


class InvalidSignatureError(WebhookValidationError):
    """No signature matches the body."""

    code = "webhook_signature"


class InternalError(ReplicateException):
    """A bug in this package."""

    code = "internal"


class InvalidTypeError(InvalidArgumentError, TypeError):
    """An argument has a type that cannot be sent. Programs catch this as a `TypeError` or an `InvalidArgumentError`."""


_CLASSES: List[Type[ReplicateException]] = [
    found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, ReplicateException)
]
BY_CODE: Dict[str, Type[ReplicateException]] = {
    cls.code: cls for cls in _CLASSES if "code" in vars(cls)
}
for _class in _CLASSES:
    # Tracebacks and pickles name a class as users import it.
    _class.__module__ = __name__.rpartition(".")[0]


def from_fields(fields: Mapping[str, Any], owner: Optional[AnyClient] = None) -> ReplicateException:
    """Builds the exception for an error of the core in a call of `owner`."""
    cls = BY_CODE.get(fields["code"], InternalError)
    members = dict(fields)
    if members["code"] == cls.code:
        del members["code"]
    error = cls._from_fields(members)
    error._owner = owner
    return error
