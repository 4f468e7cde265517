"""The exceptions, one class for every error code of the core.

`BY_CODE` is the only place that ties a code to a class. Each class also stands where code written
for either official version looks for it: below `ReplicateException` and `ReplicateError` of 1.x, and
below `APIError` and its relatives of 2.x.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, Type, Union, cast

if TYPE_CHECKING:
    from ._async.prediction import AsyncPrediction
    from ._base import AnyClient
    from ._sync.prediction import Prediction

_REPORT = ("type", "title", "status", "detail", "instance")


class ReplicateException(Exception):
    """The base class of everything this package raises about Replicate."""


class ReplicateError(ReplicateException):
    """An operation failed; the attributes say how, as far as it is known.

    Attributes that do not apply to an error are None.
    """

    code: str = "internal"
    """What kind of error this is, as a short name that does not change between releases."""

    def __init__(
        self,
        message: Optional[str] = None,
        *,
        type: Optional[str] = None,
        title: Optional[str] = None,
        status: Optional[int] = None,
        detail: Optional[str] = None,
        instance: Optional[str] = None,
        **members: Any,
    ) -> None:
        fields = dict(
            members, type=type, title=title, status=status, detail=detail, instance=instance
        )
        self._fields: Dict[str, Any] = {k: v for k, v in fields.items() if v is not None}
        self._owner: Optional[AnyClient] = None
        self._message = message
        super().__init__(*([] if message is None else [message]))

    @classmethod
    def from_response(cls, response: Any) -> ReplicateError:
        """An error of an HTTP client's response: its status, and the problem its body reports.

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

    @classmethod
    def _from_fields(cls, fields: Mapping[str, Any]) -> ReplicateError:
        members = dict(fields)
        return cls(members.pop("message", None), **members)

    def __reduce__(self) -> Tuple[Any, ...]:
        return _restore, (self.__class__, self._message, self._fields)

    @property
    def message(self) -> str:
        """What went wrong and what to do about it."""
        if self._message is not None:
            return self._message
        given = [f"{name}: {self._fields[name]}" for name in _REPORT if name in self._fields]
        return "\n".join(["ReplicateError Details:", *given]) if given else "unknown error"

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        shown = {"message": self._message, **self._fields}
        names = ("message", "status", "type", "title", "detail", "instance", "request_id")
        inside = ", ".join(f"{n}={shown[n]!r}" for n in names if shown.get(n) is not None)
        return f"{type(self).__name__}({inside})"

    @property
    def type(self) -> Optional[str]:
        """A URI that names the kind of problem, as the API gave it."""
        return self._fields.get("type")

    @property
    def title(self) -> Optional[str]:
        """A short name of the problem, as the API gave it."""
        return self._fields.get("title")

    @property
    def status(self) -> Optional[int]:
        """The HTTP status of the answer; None when there was no answer."""
        return self._fields.get("status")

    @property
    def partial(self) -> Any:
        """What had come before it failed: of a stream its output, of `save_all` the paths."""
        return self._fields.get("partial")

    @property
    def status_code(self) -> Optional[int]:
        """The same as `status`."""
        return self._fields.get("status")

    @property
    def detail(self) -> Optional[str]:
        """What the API said about this problem."""
        return self._fields.get("detail")

    @property
    def instance(self) -> Optional[str]:
        """A URI that names this occurrence of the problem."""
        return self._fields.get("instance")

    @property
    def invalid_fields(self) -> List[Dict[str, Any]]:
        """The inputs the API refused: `type`, `field` and `description` of each."""
        return self._fields.get("invalid_fields") or []

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request, for a support ticket."""
        return self._fields.get("request_id")

    @property
    def retry_after(self) -> Optional[float]:
        """How many seconds the API asked to wait before the next attempt."""
        return self._fields.get("retry_after")

    @property
    def method(self) -> Optional[str]:
        """The HTTP method of the request that failed."""
        return self._fields.get("method")

    @property
    def url(self) -> Optional[str]:
        """The URL of the request that failed."""
        return self._fields.get("url")

    @property
    def headers(self) -> Dict[str, str]:
        """The headers of the answer, with names in lower case."""
        headers: Dict[str, str] = self._fields.get("headers") or {}
        return dict(headers)

    @property
    def body(self) -> Any:
        """The body of the answer: decoded JSON, or text."""
        return self._fields.get("body")

    @property
    def outcome_unknown(self) -> bool:
        """Whether what was to be created may have been created, although no answer says so."""
        return bool(self._fields.get("outcome_unknown"))

    @property
    def prediction(self) -> Optional[Union[Prediction, AsyncPrediction]]:
        """The prediction this error is about, as it was last seen."""
        data = self._fields.get("prediction")
        if data is None:
            return None
        if self._owner is not None:
            return self._owner._prediction(data)
        from ._sync.prediction import Prediction

        return Prediction(data)

    def to_dict(self) -> Dict[str, Any]:
        """The five members of the API's problem report, without those it did not give."""
        return {name: self._fields[name] for name in _REPORT if name in self._fields}


class APIError(ReplicateError):
    """A request to the API failed."""


class APIStatusError(APIError):
    """The API answered with an error status."""

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
    """No answer: the connection could not be made, or broke."""

    code = "connection"


class APITimeoutError(APIConnectionError, TimeoutError):
    """No answer in time, by the `timeout` of the client."""

    code = "timeout"


class OutcomeUnknownError(APIConnectionError):
    """A request that creates something got no answer, so it may or may not have been carried out.

    It was not sent a second time, because that could have cost twice.
    """

    code = "outcome_unknown"


class APIResponseValidationError(APIError):
    """The answer was not what the API documents."""

    code = "invalid_response"


class InvalidArgumentError(ReplicateError, ValueError):
    """An argument was refused before anything was sent."""

    code = "invalid_argument"


class InputFileNotFoundError(ReplicateError, FileNotFoundError):
    """A file given as input does not exist or cannot be read."""

    code = "file_not_found"


class FileTooLargeError(ReplicateError, ValueError):
    """A file given as input is larger than the API takes."""

    code = "file_too_large"


class FileNotWrittenError(ReplicateError, OSError):
    """A file could not be written: there is no such folder, no permission or no space."""

    code = "file_not_written"


# RuntimeError because that is what an `error` event of a stream raised in replicate 1.x.
class ModelError(ReplicateError, RuntimeError):
    """A prediction did not succeed; `prediction` has its error and its logs."""

    code = "prediction_failed"

    def __init__(self, message: Any = None, **members: Any) -> None:
        # 1.x made these of the prediction itself: ModelError(prediction).
        data = getattr(message, "_data", None)
        if data is not None:
            members["prediction"] = data
            message = data.get("error")
        super().__init__(message, **members)


class PredictionCanceledError(ModelError):
    """The prediction was canceled."""

    code = "prediction_canceled"


class PredictionAbortedError(ModelError):
    """The prediction was ended before it began to run, as by its deadline."""

    code = "prediction_aborted"


class PredictionTimeoutError(ReplicateError, TimeoutError):
    """The `timeout` of `run`, `stream` or `wait` passed; `prediction` is the state last seen."""

    code = "deadline"


class StreamInterruptedError(ReplicateError):
    """An event stream broke and could not be taken up again; `partial` is what had come."""

    code = "stream_interrupted"


class StreamUnsupportedError(ReplicateError):
    """The prediction has no event stream."""

    code = "stream_unsupported"


class DownloadError(ReplicateError):
    """A file could not be downloaded whole."""

    code = "download"


class OutputExpiredError(DownloadError):
    """The file is gone: output is kept for an hour only."""

    code = "output_expired"


class WebhookValidationError(ReplicateError, ValueError):
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


class InternalError(ReplicateError):
    """A defect of this package."""

    code = "internal"


BY_CODE: Dict[str, Type[ReplicateError]] = {
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


def from_fields(fields: Mapping[str, Any], owner: Optional[AnyClient] = None) -> ReplicateError:
    """The exception for an error of the core, whose members are `fields`, in a call of `owner`."""
    cls = BY_CODE.get(fields["code"], InternalError)
    error = cls._from_fields({k: v for k, v in fields.items() if k != "code"})
    if error.code != fields["code"]:
        error.code = fields["code"]
    error._owner = owner
    return error


def _restore(
    cls: Type[ReplicateError], message: Optional[str], fields: Dict[str, Any]
) -> ReplicateError:
    return cls(message, **fields)
