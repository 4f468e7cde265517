"""Event streams."""

from __future__ import annotations

from enum import Enum
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Awaitable,
    Iterator,
    Optional,
    Union,
)

from ._dumps import Dumps
from ._generators import LikeAsyncGenerator, LikeGenerator
from ._native import Stream
from ._ready import Later

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Type

    from typing_extensions import TypeAlias

    from ._client_base import AnyClient
    from ._files import FileOutput
    from ._object import Json


class EventType(str, Enum):
    """The types of events that the API sends. Other text makes a type with that value."""

    OUTPUT = "output"
    LOGS = "logs"
    ERROR = "error"
    DONE = "done"

    @classmethod
    def _missing_(cls, value: object) -> Optional[EventType]:
        # A type that the API adds has `value` and `name`, too, which programs for 1.x read.
        if not isinstance(value, str):
            return None
        kind = str.__new__(cls, value)
        kind._name_ = kind._value_ = value
        return kind

    # Enums with a mixed-in type print differently from Python 3.11 on.
    def __str__(self) -> str:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


_EventType = EventType
_KINDS = {kind.value: kind for kind in EventType}


class ServerSentEvent(Dumps):
    """An event of a prediction's stream; `str(event)` is the text of an `output` event."""

    __slots__ = ("data", "event", "id", "retry")

    EventType: TypeAlias = _EventType

    event: _EventType
    """The type of the event, which is also its text."""
    data: str
    """The text of the event; for a file, its URL, which is also a `FileOutput`."""
    id: str
    """The id of the event, from which a stream can be resumed."""
    retry: Optional[int]
    """Milliseconds to wait before reconnecting."""

    def __init__(
        self,
        event: Union[_EventType, str],
        data: Union[str, FileOutput] = "",
        id: Optional[str] = None,
        retry: Optional[int] = None,
    ) -> None:
        self.event = _KINDS.get(event) or _EventType(event)
        if not isinstance(data, str):
            from ._files import FileURL

            data = FileURL(data)
        self.data = data
        self.id = id or ""
        self.retry = retry

    def _members(self) -> Json:
        return {"event": self.event, "data": self.data, "id": self.id, "retry": self.retry}

    def __iter__(self) -> Iterator[Any]:
        # Like a pydantic model, so that `dict(event)` works.
        return iter(self._members().items())

    @property
    def file(self) -> Optional[FileOutput]:
        """The file that the model wrote; None if the event is text."""
        return getattr(self.data, "_file", None)

    def __str__(self) -> str:
        return self.data if self.event == "output" else ""

    def __repr__(self) -> str:
        return f"ServerSentEvent(event={str(self.event)!r}, data={self.data!r}, id={self.id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerSentEvent) and (
            (self.event, self.data, self.id, self.retry)
            == (other.event, other.data, other.id, other.retry)
        )


class EventStream(LikeGenerator, Stream[ServerSentEvent]):
    """The events of a prediction, for `for` and `async for`.

    Iterating creates the prediction when the first event is requested; `with`, `async with` and `start()`
    create it at once. A broken stream is resumed where it broke. Leaving the loop early, `close()`, the end of
    a `with` block, and canceling a task in its `async for` free the connection. A single `__anext__()` can be
    canceled and repeated. `inspect.isgenerator` takes it for a generator.
    """

    # Not awaitable: asyncio takes what has `__await__`, `send`, `throw` and `close` for a coroutine.

    _client: AnyClient

    def __new__(cls, client: AnyClient, operation: str, params: Json) -> EventStream:
        stream: EventStream = super().__new__(
            cls,
            client._native_for(operation),
            operation,
            client._with_options(params),
            owner=client,
            event=ServerSentEvent,
            head=True,
        )
        stream._client = client
        return stream

    @property
    def prediction(self) -> Any:
        """The prediction as it was created; None before the first event is requested."""
        head = self.head
        return None if head is None else self._client._prediction(head)

    def start(self) -> EventStream:
        """Creates the prediction without waiting for its first event. Entering a `with` block does the same.

        Raises if the input is refused, so a web server can still respond with an error status.

        Raises:
            UnprocessableEntityError: The API refused the input.
            APIError: The prediction could not be created.
        """
        super().start()
        return self

    async def astart(self) -> EventStream:
        """The async form of `start`. Entering an `async with` block does the same."""
        await super().astart()
        return self

    def __enter__(self) -> EventStream:
        return self.start()

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    async def __aenter__(self) -> EventStream:
        return await self.astart()

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        prediction = self.prediction
        return f"<EventStream{'' if prediction is None else f' of prediction {prediction.id}'}>"

    def text(self) -> TextStream:
        """Returns the output only, as text, for `for` and `async for`."""
        return TextStream(self)


class AsyncEventStream(LikeAsyncGenerator, EventStream):
    """An event stream of an awaited call, which `inspect.isasyncgen` takes for an async generator."""


class AwaitableStream(Later[EventStream]):
    """The events of a prediction, for `async for`, `async with` and `await`.

    Awaiting it returns the `EventStream`. It is a separate class because asyncio accepts no coroutine that can
    also be iterated over with `for`.
    """

    __slots__ = ("_stream",)

    def __init__(self, client: AnyClient, operation: str, params: Json) -> None:
        self._stream = AsyncEventStream(client, operation, params)

    async def _work(self) -> EventStream:
        return self._stream

    @property
    def prediction(self) -> Any:
        """The prediction as it was created; None before the first event is requested."""
        return self._stream.prediction

    def __aiter__(self) -> AsyncIterator[ServerSentEvent]:
        return self._stream.__aiter__()

    def __anext__(self) -> Awaitable[ServerSentEvent]:
        return self._stream.__anext__()

    async def __aenter__(self) -> EventStream:
        return await self._stream.__aenter__()

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self._stream.__aexit__(kind, error, trace)

    def __repr__(self) -> str:
        return repr(self._stream)

    async def start(self) -> EventStream:
        """Creates the prediction without waiting for its first event. Entering an `async with` block does the same."""
        return await self._stream.astart()

    def text(self) -> TextStream:
        """Returns the output only, as text."""
        return self._stream.text()

    async def aclose(self) -> None:
        """Frees the connection."""
        await self._stream.aclose()


class TextStream(LikeGenerator):
    """The output of a prediction as text, in chunks, for `for` and `async for`."""

    __slots__ = ("_events",)

    def __init__(self, events: EventStream) -> None:
        self._events = events

    @property
    def prediction(self) -> Any:
        """The prediction as it was created; None before the first chunk is requested."""
        return self._events.prediction

    def __repr__(self) -> str:
        return f"<TextStream of {self._events!r}>"

    def __iter__(self) -> TextStream:
        return self

    def __next__(self) -> str:
        for event in self._events:
            if event.event == "output":
                return str(event)
        raise StopIteration

    async def __aiter__(self) -> AsyncIterator[str]:
        async for event in self._events:
            if event.event == "output":
                yield str(event)

    async def __anext__(self) -> str:
        while True:
            event = await self._events.__anext__()
            if event.event == "output":
                return str(event)

    def close(self) -> None:
        """Frees the connection."""
        self._events.close()

    async def aclose(self) -> None:
        """The async form of `close`."""
        await self._events.aclose()
