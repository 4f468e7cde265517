"""The base class of all exceptions of the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional, Tuple, Type, TypeVar, cast

if TYPE_CHECKING:
    from ._client_base import AnyClient

E = TypeVar("E", bound="ReplicateException")

FailureReason = Literal[
    "content_filter", "out_of_memory", "queue_timeout", "invalid_input", "unknown"
]
"""The reasons why a model can fail."""

REPORT = ("type", "title", "status", "detail", "instance")
_SHOWN = ("message", "status", "type", "title", "detail", "instance", "request_id")


class MisplacedError(RuntimeError):
    """A call in a task, thread or process where it is impossible. It has changed nothing."""


class ReplicateException(Exception):
    """The base class of every exception that this package raises about Replicate.

    Attributes that do not apply to an error are None, or empty.
    """

    args: Tuple[Any, ...]
    """The arguments of the exception: its message, if it has one; for a `ModelError`, the error text of the model."""
    code: str = "internal"
    """The kind of error, a short name that does not change between releases."""
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
    argument: Optional[str] = None
    """The argument or option that was refused, such as `max_retries` or `input.image`."""
    reason: Optional[FailureReason] = None
    """The reason why a model failed, read from its error text; None if no model failed."""
    hint: Optional[str] = None
    """The advice at the end of `message`."""
    status_text: Optional[str] = None
    """The text of the HTTP status, such as `Not Found`."""
    request_id: Optional[str] = None
    """The id of the request, for support tickets."""
    retry_after: Optional[float] = None
    """Seconds to wait before the next attempt, as requested by the API."""
    method: Optional[str] = None
    """The HTTP method of the request that failed."""
    url: Optional[str] = None
    """The URL of the request that failed."""
    body: Any = None
    """The first 64 KiB of the response body, as text."""
    partial: Any = None
    """The results before the failure: the output of a stream, the paths of `save_all`."""
    outcome_unknown: bool = False
    """Whether a create may have been processed although no response confirms it."""
    invalid_fields: List[Dict[str, Any]]
    """The inputs that the API refused: `type`, `field` and `description` of each."""
    headers: Dict[str, str]
    """The headers of the response, with names in lower case."""

    _prediction: Any = None
    # The message, where `args` has something else, as in 1.x.
    _message: Optional[str] = None
    _owner: Optional[AnyClient] = None

    def __init__(self, message: Any = None, *more: Any, **members: Any) -> None:
        super().__init__(*([] if message is None else [message]), *more)
        self.invalid_fields = []
        self.headers = {}
        self._set(members)

    def _set(self, members: Mapping[str, Any]) -> None:
        # Set on the instance only, so that `vars(error)` holds the known members.
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
        """The problem and how to solve it."""
        if self._message is not None:
            return self._message
        return str(self.args[0]) if self.args else ""

    @message.setter
    def message(self, message: str) -> None:
        self._message, self.args = None, (message,)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        shown = [(name, getattr(self, name)) for name in _SHOWN]
        inside = ", ".join(f"{name}={value!r}" for name, value in shown if value not in (None, ""))
        return f"{self.__class__.__name__}({inside})"

    @property
    def status_code(self) -> Optional[int]:
        """An alias of `status`."""
        return self.status

    @status_code.setter
    def status_code(self, status: Optional[int]) -> None:
        self.status = status

    @property
    def prediction(self) -> Any:
        """The last known state of the prediction that this error is about: a `Prediction`, or of an `AsyncClient` an
        `AsyncPrediction`; None if there is none.
        """
        found = self._prediction
        # Built on first use: most errors are handled without their prediction.
        if isinstance(found, dict):
            data = cast(Dict[str, Any], found)
            found = self._prediction = self._build_prediction(data)
        return found

    @prediction.setter
    def prediction(self, prediction: Any) -> None:
        self._prediction = prediction

    def _build_prediction(self, data: Dict[str, Any]) -> Any:
        if self._owner is not None:
            return self._owner._prediction(data)
        from ._sync.prediction import Prediction

        return Prediction(data)

    def to_dict(self) -> Dict[str, Any]:
        """Returns the members of the API's problem report that are known."""
        found = {name: getattr(self, name) for name in REPORT}
        return {name: value for name, value in found.items() if value is not None}


def _restore(
    cls: Type[ReplicateException], args: Tuple[Any, ...], members: Dict[str, Any]
) -> ReplicateException:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(members)
    return error
