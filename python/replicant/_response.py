"""Responses with their status and headers."""

from __future__ import annotations

from functools import wraps
from typing import (
    Any,
    Dict,
    Generic,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
    Union,
    overload,
)

T = TypeVar("T")
V = TypeVar("V")


class Headers(Dict[str, str]):
    """Headers, whose names are case-insensitive. The values of a header that occurs twice are joined by commas."""

    def __init__(self, headers: Union[Mapping[str, str], Iterable[Tuple[str, str]]] = ()) -> None:
        self._values: Dict[str, List[str]] = {}
        pairs: Any = headers
        for name, value in pairs.items() if hasattr(pairs, "items") else pairs:
            self._values.setdefault(name.lower(), []).append(value)
        super().__init__({name: ", ".join(values) for name, values in self._values.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Returns the value of a header, or `default`."""
        return super().get(name.lower(), default)

    def pop(self, name: str, *default: Any) -> Any:
        """Removes a header and returns its value, or `default`."""
        return super().pop(name.lower(), *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Returns the value of a header, which is set to `default` if it is missing."""
        return super().setdefault(name.lower(), default)

    def update(self, *headers: Any, **named: str) -> None:
        """Sets headers: a mapping, or pairs of names and values."""
        super().update({name.lower(): value for name, value in dict(*headers, **named).items()})

    def get_list(self, name: str) -> List[str]:
        """Returns the values of a header, one for each time it occurs."""
        value = self.get(name)
        if value is None:
            return []
        values = self._values.get(name.lower(), [])
        # A hook may have changed the header.
        return list(values) if ", ".join(values) == value else [value]

    def multi_items(self) -> List[Tuple[str, str]]:
        """Returns the names and values, with a name once for each of its values."""
        return [(name, value) for name in self for value in self.get_list(name)]


class RateLimit(NamedTuple):
    """The rate limit that a response reports. A value that it does not report is None."""

    limit: Optional[int] = None
    """The number of requests allowed in the current window."""
    remaining: Optional[int] = None
    """The number of requests that remain in the current window."""
    reset: Optional[float] = None
    """Seconds until the window ends."""


class APIResponse(Generic[T]):
    """A response of the API with its status and headers."""

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
        """Returns what the method returns without `with_raw_response`."""
        return self._parsed

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request, for support tickets."""
        id: Optional[str] = self._described()["request_id"]
        return id

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        """The rate limit that the response reports; None if it reports none."""
        found = self._described()["rate_limit"]
        return None if found is None else RateLimit(**found)

    def _described(self) -> Dict[str, Any]:
        from ._native import compute

        # The core, too, reads the first value.
        headers = {name: self.headers.get_list(name)[0] for name in self.headers}
        described: Dict[str, Any] = compute("response.describe", {"headers": headers})
        return described

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code}>"


class RawResponse(APIResponse[bytes]):
    """The response to `client.request()`."""

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
        """Returns the body, decoded from JSON."""
        import json

        return json.loads(self._parsed)


class RawView(Generic[V]):
    """The attribute `with_raw_response` of a client or namespace.

    `V` is its type, derived by `scripts/unasync.py`; the object itself is built at run time.
    """

    __slots__ = ()

    @overload
    def __get__(self, space: None, owner: Any = None) -> RawView[V]: ...
    @overload
    def __get__(self, space: object, owner: Any = None) -> V: ...
    def __get__(self, space: Any, owner: Any = None) -> Any:
        return self if space is None else _RawResponses(space)


class _RawResponses:
    """The methods of `space`, each returning the `APIResponse` to the last request that it sent.

    Methods that return an iterator (`stream`, `output_iterator`) have no single response.
    """

    __slots__ = ("_space",)

    def __init__(self, space: Any) -> None:
        self._space = space

    def __getattr__(self, name: str) -> Any:
        # A view of a view would have views without end.
        if name.startswith("_") or name == "with_raw_response":
            raise AttributeError(name)
        found: Any = getattr(self._space, name)
        if hasattr(found, "with_raw_response"):
            return found.with_raw_response
        if not callable(found):
            return found

        @wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:
            # A client for each call, because calls may run concurrently.
            response: List[Any] = []
            result = getattr(_recording(self._space, response), name)(*args, **kwargs)
            if hasattr(result, "__anext__"):
                raise TypeError(
                    f"`{name}` is iterated over, so it has no single response; call it without `with_raw_response`"
                )
            if hasattr(result, "__await__"):
                return _awaited(result, response)
            return _with_response(result, response)

        return call

    def __dir__(self) -> List[str]:
        return [name for name in dir(self._space) if name != "with_raw_response"]

    def __repr__(self) -> str:
        return f"{self._space!r}.with_raw_response"


def _recording(space: Any, response: List[Any]) -> Any:
    """Returns a copy of a client or namespace that stores the status and headers of its last response."""
    if hasattr(space, "_derive"):
        return space._derive(type(space), {}, response)
    copy = type(space)(_recording(space._client, response))
    space._copy_replaced(copy)
    return copy


def _with_response(result: Any, response: List[Any]) -> APIResponse[Any]:
    if not response:
        raise TypeError(
            "no request was sent, so there is no response; call the method without `with_raw_response`"
        )
    return APIResponse(result, *response)


async def _awaited(result: Any, response: List[Any]) -> APIResponse[Any]:
    return _with_response(await result, response)
