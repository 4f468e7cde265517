"""Answers with their status and headers."""

from __future__ import annotations

from typing import Any, Dict, Generic, Sequence, Tuple, TypeVar

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
