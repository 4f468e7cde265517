"""The binding of the Rust core. Private: only this package uses it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import GenericAlias
from typing import Any, Final, Generic, TypeVar, final

from typing_extensions import Self, disjoint_base

_T = TypeVar("_T", covariant=True)

__all__ = [
    "COMPUTATIONS",
    "ERROR_CODES",
    "OPERATIONS",
    "STREAMS",
    "Client",
    "Emulator",
    "Stream",
    "__version__",
    "compute",
    "drain",
    "finish",
]

__version__: Final[str]
OPERATIONS: Final[tuple[str, ...]]
STREAMS: Final[tuple[str, ...]]
COMPUTATIONS: Final[tuple[str, ...]]
ERROR_CODES: Final[tuple[str, ...]]

@final
class Client:
    """A client of the core."""
    def __new__(cls, options: dict[str, Any], /, transport: Any = None) -> Client: ...
    def call(
        self,
        name: str,
        params: dict[str, Any],
        /,
        observer: Callable[[Any], object] | None = None,
        raw: bool = False,
        owner: object = None,
    ) -> Any:
        """Carry out an operation and wait for it; with `raw`, gives (value, status, headers).

        Objects of its errors belong to `owner`.
        """
    def call_async(
        self,
        name: str,
        params: dict[str, Any],
        /,
        observer: Callable[[Any], object] | None = None,
        raw: bool = False,
        owner: object = None,
    ) -> Awaitable[Any]:
        """Carry out an operation on the running event loop."""
    def describe(self) -> dict[str, Any]:
        """The options in force, without the token."""

@disjoint_base
class Stream(Generic[_T]):
    """What an operation gives piece by piece. Sends nothing before the first piece is requested."""
    def __new__(
        cls,
        client: Client,
        name: str,
        params: dict[str, Any],
        /,
        *,
        event: Callable[..., object] | None = None,
        value: Callable[[Any], object] | None = None,
        head: bool = False,
    ) -> Self: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    @property
    def head(self) -> Any:
        """The value that came before the first item, if `head` asked to keep it apart."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...
    def __aiter__(self) -> AsyncIterator[_T]: ...
    def __anext__(self) -> Awaitable[_T]: ...
    def start(self) -> Any:
        """Sends the first request, and raises its refusal."""
    def astart(self) -> Awaitable[Any]:
        """The awaitable form of `start`."""
    def close(self) -> None:
        """Frees the connection; the stream is at its end then. Can be called at any time."""
    def aclose(self) -> Awaitable[None]:
        """The awaitable form of `close`."""

def compute(name: str, params: dict[str, Any], /) -> Any:
    """Carry out an operation that needs neither client nor network."""

def drain(seconds: float, /) -> None:
    """Wait for requests that were left running in the background."""

@final
class Emulator:
    """A running emulator of the API."""
    def __new__(cls, arguments: list[str], /) -> Emulator: ...
    def addresses(self) -> str:
        """Where it listens and what it signs with, as JSON."""
    def requests(self) -> str:
        """What it has received, as JSON."""
    def add_faults(self, rules: str) -> None:
        """Make it misbehave, by rules in JSON."""
    def stop(self) -> None:
        """End it."""

def finish() -> None:
    """Close the streams and wait for requests in the background; run at the end of the process."""
