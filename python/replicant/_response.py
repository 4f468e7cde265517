"""Answers with their status and headers."""

from __future__ import annotations

from functools import wraps
from typing import Any, Dict, Generic, List, Optional, Sequence, Tuple, TypeVar, overload

T = TypeVar("T")
V = TypeVar("V")


class Headers(Dict[str, str]):
    """Headers, whose names are looked up without regard to case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header, if it is there."""
        return super().get(name.lower(), default)


class APIResponse(Generic[T]):
    """An answer of the API with its status and headers."""

    __slots__ = ("_parsed", "headers", "status_code")

    status_code: int
    """The HTTP status."""
    headers: Headers
    """The headers."""

    def __init__(self, parsed: T, status: int, headers: Sequence[Tuple[str, str]]) -> None:
        self._parsed = parsed
        self.status_code = status
        self.headers = Headers(headers)

    def parse(self) -> T:
        """What the method gives without `with_raw_response`."""
        return self._parsed

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request, for a support ticket."""
        given: Optional[str] = self.headers.get("x-request-id")
        return given

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code}>"


class RawResponse(APIResponse[bytes]):
    """The answer to a request of one's own."""

    __slots__ = ()

    @property
    def content(self) -> bytes:
        """The body."""
        return self._parsed

    @property
    def text(self) -> str:
        """The body as text."""
        return self._parsed.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, decoded from JSON."""
        import json

        return json.loads(self._parsed)


class RawView(Generic[V]):
    """The attribute `with_raw_response` of a client or of methods that belong together.

    What it gives is made when it is asked for; `V`, its type, is derived by `scripts/unasync.py`.
    """

    __slots__ = ()

    @overload
    def __get__(self, space: None, owner: Any = None) -> RawView[V]: ...
    @overload
    def __get__(self, space: object, owner: Any = None) -> V: ...
    def __get__(self, space: Any, owner: Any = None) -> Any:
        return self if space is None else _RawResponses(space)


class _RawResponses:
    """The methods of `space`, which then give an `APIResponse`.

    It is the answer to the last request that a method made. Methods that are iterated over (`stream`,
    `output_iterator`) have no such answer.
    """

    __slots__ = ("_space",)

    def __init__(self, space: Any) -> None:
        self._space = space

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found: Any = getattr(self._space, name)
        if hasattr(found, "with_raw_response"):
            return found.with_raw_response

        @wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:
            # A client for each call, as calls may be under way at the same time.
            answers: List[Any] = []
            given = getattr(_noting(self._space, answers), name)(*args, **kwargs)
            if hasattr(given, "__anext__"):
                raise TypeError(f"`{name}` is iterated over, so it has no single response")
            return _later(given, answers) if hasattr(given, "__await__") else _now(given, answers)

        return call

    def __dir__(self) -> List[str]:
        return dir(self._space)

    def __repr__(self) -> str:
        return f"{self._space!r}.with_raw_response"


def _noting(space: Any, answers: List[Any]) -> Any:
    """The same client or methods, where answers are put into a list."""
    if hasattr(space, "_differing"):
        return space._differing(type(space), {}, answers)
    return type(space)(_noting(space._client, answers))


def _now(given: Any, answers: List[Any]) -> APIResponse[Any]:
    if not answers:
        raise TypeError("no request was sent, so there is no response")
    return APIResponse(given, *answers)


async def _later(given: Any, answers: List[Any]) -> APIResponse[Any]:
    return _now(await given, answers)
