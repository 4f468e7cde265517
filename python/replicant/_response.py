"""Answers with their status and headers."""

from __future__ import annotations

from typing import Any, Callable, Dict, Generic, List, Sequence, Tuple, TypeVar

T = TypeVar("T")


class APIResponse(Generic[T]):
    """An answer of the API with its status and headers."""

    __slots__ = ("_parsed", "headers", "status_code")

    status_code: int
    """The HTTP status."""
    headers: Dict[str, str]
    """The headers, with names in lower case."""

    def __init__(self, parsed: T, status: int, headers: Sequence[Tuple[str, str]]) -> None:
        self._parsed = parsed
        self.status_code = status
        self.headers = dict(headers)

    def parse(self) -> T:
        """What the method gives without `with_raw_response`."""
        return self._parsed

    @property
    def request_id(self) -> Any:
        """The id of the request, for a support ticket."""
        return self.headers.get("x-request-id")

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


class RawResponses:
    """The methods of a client or a namespace, which then give an `APIResponse`.

    It is the answer to the last request that a method made. Methods that are iterated over (`stream`,
    `output_iterator`) have no such answer.
    """

    __slots__ = ("_client", "_view")

    def __init__(self, client: Any, view: Callable[[Any], Any]) -> None:
        self._client = client
        self._view = view

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        answers: List[Any] = []
        client = self._client._differing(type(self._client), {}, answers)
        method = getattr(self._view(client), name)

        def call(*args: Any, **kwargs: Any) -> Any:
            given = method(*args, **kwargs)
            if hasattr(given, "__anext__"):
                raise TypeError(f"{name} has no one answer: it is iterated over")
            return _later(given, answers) if hasattr(given, "__await__") else _now(given, answers)

        return call


def _now(given: Any, answers: List[Any]) -> APIResponse[Any]:
    if not answers:
        raise TypeError("nothing was sent, so there is no answer")
    return APIResponse(given, *answers)


async def _later(given: Any, answers: List[Any]) -> APIResponse[Any]:
    return _now(await given, answers)
