"""The exceptions, one class for every error code of the core.

`BY_CODE` is the only place that ties a code to a class. `ReplicateException` is the root, as in 1.x.
`ReplicateError` means that the API responded with an error status; failed models, lost connections and
timeouts are its siblings, so code that retries on `ReplicateError` neither runs a failed model again nor
repeats a create that may have been processed. The names of 2.x fit into the same tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Tuple, Type, TypeVar, cast

if TYPE_CHECKING:
    from ._base import AnyClient
    from ._sync.prediction import Prediction

E = TypeVar("E", bound="ReplicateException")

FailureReason = Literal[
    "content_filter", "out_of_memory", "queue_timeout", "invalid_input", "unknown"
]
"""Why a model failed."""

_REPORT = ("type", "title", "status", "detail", "instance")
_SHOWN = ("message", "status", "type", "title", "detail", "instance", "request_id")


class ReplicateException(Exception):
    """The base class of every exception that this package raises about Replicate.

    Attributes that do not apply to an error are None, or empty.
    """

    args: Tuple[Any, ...]
    """The arguments of the exception: its message, if it has one."""
    code: str = "internal"
    """The kind of error, as a short name that does not change between releases."""
    type: Optional[str] = None
    """A URI that identifies the kind of problem, from the API's problem report."""
    title: Optional[str] = None
    """A short summary of the problem, from the API's problem report."""
    status: Optional[int] = None
    """The HTTP status; None if there was no response."""
    detail: Optional[str] = None
    """What went wrong this time, from the API's problem report."""
    instance: Optional[str] = None
    """A URI that identifies this occurrence of the problem, from the API's problem report."""
    reason: Optional[FailureReason] = None
    """Why a model failed, read from its error text; None if no model did."""
    request_id: Optional[str] = None
    """The id of the request, for a support ticket."""
    retry_after: Optional[float] = None
    """How many seconds the API asks to wait before the next attempt."""
    method: Optional[str] = None
    """The HTTP method of the request that failed."""
    url: Optional[str] = None
    """The URL of the request that failed."""
    body: Any = None
    """The body of the response as text, its first 64 KiB."""
    partial: Any = None
    """What arrived before the failure: the output of a stream, the paths of `save_all`."""
    outcome_unknown: bool = False
    """Whether a create may have been processed although no response confirms it."""
    invalid_fields: List[Dict[str, Any]]
    """The inputs that the API refused: `type`, `field` and `description` of each."""
    headers: Dict[str, str]
    """The headers of the response, with names in lower case."""

    _prediction: Any = None
    _owner: Optional[AnyClient] = None

    def __init__(self, message: Any = None, **members: Any) -> None:
        super().__init__(*([] if message is None else [message]))
        self.invalid_fields = []
        self.headers = {}
        self._set(members)

    def _set(self, members: Mapping[str, Any]) -> None:
        # Past the class attributes, so that `vars(error)` holds what is known and nothing else.
        self.__dict__.update({k: v for k, v in members.items() if v is not None})

    @classmethod
    def _from_fields(cls: Type[E], fields: Mapping[str, Any]) -> E:
        """Builds an exception from the fields of an error of the core."""
        members = dict(fields)
        error = cls.__new__(cls)
        message = members.pop("message", None)
        members["_prediction"] = members.pop("prediction", None)
        ReplicateException.__init__(error, message, **members)
        return error

    def __reduce__(self) -> Tuple[Any, ...]:
        # Without the client, which holds the token.
        return _restore, (self.__class__, self.args, {**self.__dict__, "_owner": None})

    @property
    def message(self) -> str:
        """What went wrong and what to do about it."""
        return str(self.args[0]) if self.args else ""

    @message.setter
    def message(self, message: str) -> None:
        self.args = (message,)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        shown = [(name, getattr(self, name)) for name in _SHOWN]
        inside = ", ".join(f"{name}={value!r}" for name, value in shown if value not in (None, ""))
        return f"{self.__class__.__name__}({inside})"

    @property
    def status_code(self) -> Optional[int]:
        """The same as `status`."""
        return self.status

    @status_code.setter
    def status_code(self, status: Optional[int]) -> None:
        self.status = status

    @property
    def prediction(self) -> Any:
        """The `Prediction` this error is about, as last seen; None if it is about none."""
        found = self._prediction
        # Made on first use: most errors are caught without a look at their prediction.
        if isinstance(found, dict):
            data = cast(Dict[str, Any], found)
            found = self._prediction = self._made(data)
        return found

    @prediction.setter
    def prediction(self, prediction: Any) -> None:
        self._prediction = prediction

    def _made(self, data: Dict[str, Any]) -> Any:
        if self._owner is not None:
            return self._owner._prediction(data)
        from ._sync.prediction import Prediction

        return Prediction(data)

    def to_dict(self) -> Dict[str, Any]:
        """Returns the members of the API's problem report that are known."""
        found = {name: getattr(self, name) for name in _REPORT}
        return {name: value for name, value in found.items() if value is not None}


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
        super().__init__(
            type=type, title=title, status=status, detail=detail, instance=instance, **members
        )

    @classmethod
    def from_response(cls, response: Any) -> ReplicateError:
        """Builds an error from the response of an HTTP client and the problem report in its body.

        Args:
            response: anything with `status_code` and `json()`, such as a response of httpx or requests.
        """
        try:
            body = response.json()
        except ValueError:
            body = None
        report = cast(Dict[str, Any], body) if isinstance(body, dict) else {}
        known = {name: report.get(name) for name in _REPORT if name != "status"}
        return cls(status=response.status_code, **known)

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.to_dict().items()]
        # The lines of 1.x, which code matches on, below the cause in plain words.
        report = "\n".join(["ReplicateError Details:", *lines]) if lines else ""
        return "\n\n".join(part for part in (self.message, report) if part) or "unknown error"


class APIError(ReplicateException):
    """A request to the API failed: an error status, no response, or one that makes no sense."""


class APIStatusError(ReplicateError, APIError):
    """The API responded with an error status."""

    code = "status"


class BadRequestError(APIStatusError):
    """400: the API did not understand the request."""

    code = "bad_request"


class AuthenticationError(APIStatusError):
    """401: the API token is missing or not valid."""

    code = "authentication"


class PaymentRequiredError(APIStatusError):
    """402: the account has not enough credit."""

    code = "payment_required"


class PermissionDeniedError(APIStatusError):
    """403: the token may not do this."""

    code = "permission_denied"


class NotFoundError(APIStatusError):
    """404: there is no such thing, or the token may not see it."""

    code = "not_found"


class ConflictError(APIStatusError):
    """409: the request does not fit the present state."""

    code = "conflict"


class PayloadTooLargeError(APIStatusError):
    """413: the request or a file in it is too large."""

    code = "payload_too_large"


class UnprocessableEntityError(APIStatusError):
    """422: the API refused the input; `invalid_fields` names the members."""

    code = "unprocessable"


class RateLimitError(APIStatusError):
    """429: too many requests, also after the retries; see `retry_after`."""

    code = "rate_limited"


class InternalServerError(APIStatusError):
    """5xx: the API failed, also after the retries."""

    code = "server_error"


class APIConnectionError(APIError, ConnectionError):
    """The server could not be reached, or the connection broke."""

    code = "connection"


class APITimeoutError(APIConnectionError, TimeoutError):
    """The server did not respond within the `timeout` of the client."""

    code = "timeout"


# Not an APIConnectionError: code that retries on lost connections would create, and pay, twice.
class OutcomeUnknownError(APIError):
    """A create was sent and its response was lost, so it may or may not have been processed.

    It was not sent again, because that could cost twice. Look for the prediction before you repeat it.
    """

    code = "outcome_unknown"


class APIResponseValidationError(APIError):
    """The response is not what the API documents."""

    code = "invalid_response"


class InvalidArgumentError(ReplicateException, ValueError):
    """An argument was refused before anything was sent."""

    code = "invalid_argument"


class InputFileNotFoundError(ReplicateException, FileNotFoundError):
    """A file given as input does not exist or cannot be read."""

    code = "file_not_found"


class FileTooLargeError(ReplicateException, ValueError):
    """A file given as input is larger than the API takes."""

    code = "file_too_large"


class FileNotWrittenError(ReplicateException, OSError):
    """A file could not be written: there is no such folder, no permission or no space."""

    code = "file_not_written"


# A RuntimeError, because an `error` event of a stream raised one in 1.x.
class ModelError(ReplicateException, RuntimeError):
    """A prediction failed, or was canceled; `prediction` has its error and its logs.

    `str(error)` is the error text of the model itself.
    """

    code = "prediction_failed"

    def __init__(self, prediction: Any = None, **members: Any) -> None:
        """Builds an error from a prediction, or from anything that has its `error`."""
        # Test doubles have neither id nor logs, and a text is as good as a prediction.
        text = getattr(prediction, "error", prediction)
        super().__init__(text, **members)
        self._prediction = None if text is prediction else prediction

    def __str__(self) -> str:
        text = getattr(self.prediction, "error", None)
        return str(text) if text and type(self) is ModelError else self.message

    if TYPE_CHECKING:

        @property
        def prediction(self) -> Prediction: ...
        @prediction.setter
        def prediction(self, prediction: Any) -> None: ...

    @property
    def logs(self) -> Optional[str]:
        """What the model printed."""
        logs: Optional[str] = getattr(self.prediction, "logs", None)
        return logs


class PredictionCanceledError(ModelError):
    """The prediction was canceled."""

    code = "prediction_canceled"


class PredictionAbortedError(ModelError):
    """The prediction was ended before it began to run, as by its deadline."""

    code = "prediction_aborted"


class PredictionTimeoutError(ReplicateException, TimeoutError):
    """The `timeout` of `run`, `stream` or `wait` passed; `prediction` is the state last seen."""

    code = "deadline"


class StreamInterruptedError(ReplicateException):
    """An event stream broke and could not be taken up again; `partial` is what had come."""

    code = "stream_interrupted"


class StreamUnsupportedError(ReplicateError):
    """The prediction has no event stream."""

    code = "stream_unsupported"


class DownloadError(ReplicateException):
    """A file could not be downloaded whole."""

    code = "download"


class OutputExpiredError(DownloadError):
    """The file is gone: output is kept for an hour only."""

    code = "output_expired"


class WebhookValidationError(ReplicateException, ValueError):
    """A webhook was not sent by Replicate, or arrived changed."""


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
    """The webhook's time is malformed, or further off than the tolerance."""

    code = "webhook_timestamp"


class InvalidSignatureError(WebhookValidationError):
    """No signature fits the body."""

    code = "webhook_signature"


class InternalError(ReplicateException):
    """A defect of this package."""

    code = "internal"


BY_CODE: Dict[str, Type[ReplicateException]] = {
    cls.code: cls
    for cls in (
        APIStatusError,
        BadRequestError,
        AuthenticationError,
        PaymentRequiredError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        PayloadTooLargeError,
        UnprocessableEntityError,
        RateLimitError,
        InternalServerError,
        APIConnectionError,
        APITimeoutError,
        OutcomeUnknownError,
        APIResponseValidationError,
        InvalidArgumentError,
        InputFileNotFoundError,
        FileTooLargeError,
        FileNotWrittenError,
        ModelError,
        PredictionCanceledError,
        PredictionAbortedError,
        PredictionTimeoutError,
        StreamInterruptedError,
        StreamUnsupportedError,
        DownloadError,
        OutputExpiredError,
        MissingWebhookHeaderError,
        MissingWebhookBodyError,
        InvalidSecretKeyError,
        InvalidTimestampError,
        InvalidSignatureError,
        InternalError,
    )
}


# Tracebacks and pickles name a class as users import it.
for _found in list(globals().values()):
    if isinstance(_found, type) and issubclass(_found, ReplicateException):
        _found.__module__ = __name__.rpartition(".")[0]


# Tracebacks and pickles name a class as users import it.
for _found in list(globals().values()):
    if isinstance(_found, type) and issubclass(_found, ReplicateException):
        _found.__module__ = __name__.rpartition(".")[0]


def from_fields(fields: Mapping[str, Any], owner: Optional[AnyClient] = None) -> ReplicateException:
    """Builds the exception for an error of the core in a call of `owner`."""
    cls = BY_CODE.get(fields["code"], InternalError)
    members = dict(fields)
    if members["code"] == cls.code:
        del members["code"]
    error = cls._from_fields(members)
    error._owner = owner
    return error


def _restore(
    cls: Type[ReplicateException], args: Tuple[Any, ...], members: Dict[str, Any]
) -> ReplicateException:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(members)
    return error
