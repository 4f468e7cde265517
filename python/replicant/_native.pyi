"""The binding of the Rust core, private to this package."""

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
    "CheckpointFolder",
    "Client",
    "Secret",
    "Stream",
    "Turns",
    "__version__",
    "command_line",
    "compute",
    "conceal",
    "drain",
    "finish",
    "forked",
    "is_secret",
]

__version__: Final[str]
OPERATIONS: Final[tuple[str, ...]]
STREAMS: Final[tuple[str, ...]]
COMPUTATIONS: Final[tuple[str, ...]]
ERROR_CODES: Final[tuple[str, ...]]

@final
class Turns:
    """Hands out turns for creates to other processes. `per_minute` is a known limit."""
    def __new__(cls, per_minute: float | None = None, /) -> Turns: ...
    def take(self) -> tuple[int | None, float]:
        """Returns the number of a turn and 0, or None and the seconds to wait before asking again."""
    def responded(
        self,
        turn: int,
        status: int,
        headers: dict[str, str],
        age: float,
        /,
        delay: float | None = None,
    ) -> None:
        """Learns from the response to the create of a turn, which was sent `age` seconds ago."""
    def state(self) -> tuple[float | None, int | None, float]:
        """Returns the pace in creates per minute, the remaining creates, and the seconds of the pause."""

@final
class CheckpointFolder:
    """A folder of checkpoints for batches with `retries` and `retry_unknown`, one for each batch that another program cuts."""
    def __new__(
        cls, path: str, /, retries: int = 0, retry_unknown: bool = False
    ) -> CheckpointFolder: ...
    def prepare(self, keys: list[str | int], /) -> str:
        """Returns the path of the checkpoint of a batch, which has what any file of the folder has of its rows."""
    def needs_create(self, key: str | int, /) -> bool:
        """Returns True if a row of a prepared batch needs a create."""

@final
class Client:
    """A client of the core. It keeps `keep` alive."""
    def __new__(
        cls,
        options: dict[str, Any],
        /,
        transport: Any = None,
        hooks: Any = None,
        keep: object = None,
    ) -> Client: ...
    def call(
        self,
        name: str,
        params: dict[str, Any],
        /,
        observer: Callable[[Any], object] | None = None,
        raw: bool = False,
        owner: object = None,
    ) -> Any:
        """Runs an operation and waits for it; with `raw`, returns (value, status, headers).

        The predictions of its errors belong to `owner`.
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
        """Runs an operation on the running event loop."""
    def describe(self) -> dict[str, Any]:
        """Returns the options in force, without the token."""
    def rate_limit(self) -> dict[str, dict[str, Any]] | None:
        """Returns what is known of the rate limits, or None if requests do not wait for them."""
    @property
    def warnings(self) -> list[str]:
        """The warnings about the options."""

@disjoint_base
class Stream(Generic[_T]):
    """The items of a stream operation. Sends nothing before the first item is requested.

    The predictions of its errors belong to `owner`.
    """
    def __new__(
        cls,
        client: Client,
        name: str,
        params: dict[str, Any],
        /,
        *,
        owner: object = None,
        event: Callable[..., object] | None = None,
        value: Callable[[Any], object] | None = None,
        head: bool = False,
        keep: bool = False,
    ) -> Self: ...
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    @property
    def head(self) -> Any:
        """The value before the first item, kept apart with `head`."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...
    def __aiter__(self) -> AsyncIterator[_T]: ...
    def __anext__(self) -> Awaitable[_T]: ...
    def start(self) -> Any:
        """Sends the first request and raises its error."""
    def astart(self) -> Awaitable[Any]:
        """The async form of `start`."""
    def close(self) -> None:
        """Frees the connection and ends the stream. May be called at any time."""
    def aclose(self) -> Awaitable[None]:
        """The async form of `close`."""

def compute(name: str, params: dict[str, Any], /) -> Any:
    """Runs an operation that needs neither client nor network."""

@final
class Secret:
    """A text that `repr` and the locals of a traceback do not show."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def reveal(self) -> str:
        """Returns the text."""

def conceal(value: Any, /) -> Any:
    """Returns a text as a `Secret`, and anything else unchanged."""

def is_secret(name: str, value: str, /) -> bool:
    """Returns True if a header or query parameter is likely to be a secret."""

def drain(seconds: float, /) -> None:
    """Waits for background requests."""

def command_line(arguments: list[str], find_emulator: Callable[[], str], /) -> int:
    """Runs the command-line program and returns its exit code."""

def forked() -> None:
    """Forgets the threads of the parent in a forked child."""

def finish() -> None:
    """Ends all work at the end of the process: closes streams and waits for background requests."""
