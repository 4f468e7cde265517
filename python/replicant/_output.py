"""The outputs that `run` returns while the model writes them."""

from __future__ import annotations

from itertools import islice
from threading import Lock
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Union,
    cast,
    overload,
)

from ._exception import MisplacedError
from ._generators import LikeAsyncGenerator, LikeGenerator
from ._object import APIObject

if TYPE_CHECKING:
    from typing import SupportsIndex

    from ._client_base import AnyClient
    from ._native import Stream
    from ._object import Json


class _Source:
    """The items of an output that the model is still writing."""

    def __init__(self, client: AnyClient, started: Json) -> None:
        # Cancels the prediction if an exception comes before there is a source.
        guard = started.pop("guard")
        # Keeps the token of a Cog scope that may end before the output is read.
        self._native = client._native
        self._params = client._with_options(started)
        self._client = client
        self.prediction: Json = started["prediction"]
        self.items: List[Any] = []
        # The number of running loops.
        self.loops = 0
        # Why there are no more items: an error, or what has canceled the prediction.
        self._error: Union[Exception, str, None] = None
        self._over = False
        self._stream: Optional[Stream[Any]] = None
        self._turn = Lock()
        self._async_turn: Any = None
        # The event loop whose task began to read, which transports and hooks need.
        self._loop: Any = None
        guard.disarm()

    @property
    def _cancels(self) -> bool:
        cancels: bool = self._params["live"]["cancel"]
        return cancels

    def _opened(self, whole: bool) -> Optional[Stream[Any]]:
        """Returns the stream of the items; None if another thread has ended it."""
        if self._stream is None and not self._over:
            from ._native import Stream

            live = {**self._params["live"], "whole": whole}
            params = {**self._params, "live": live}
            self._stream = Stream(
                self._native,
                "predictions.output_iterator",
                params,
                owner=self._client,
                keep=not self._cancels,
            )
        return self._stream

    def _there(self, index: int) -> Optional[bool]:
        """Returns whether there is an item; None if that is not known yet."""
        if index < len(self.items):
            return True
        if not self._over:
            return None
        if self._error is None:
            return False
        raise self._canceled(self._error) if isinstance(self._error, str) else self._error

    def _end(self, error: Union[Exception, str, None] = None) -> None:
        # Another thread may have ended it during a read.
        if not self._over:
            self._over, self._error, self._stream = True, error, None

    def _fail(self, error: Exception) -> None:
        if isinstance(error, MisplacedError):
            # Another task reads the stream, or this is a forked child.
            raise error
        self._end(error)

    def _canceled(self, how: str) -> Exception:
        from ._errors import PredictionCanceledError, from_fields

        id = self.prediction["id"]
        fields = {
            "code": PredictionCanceledError.code,
            "message": f"the output is incomplete: {how}, which canceled the prediction (prediction {id}); "
            'run the model again, or pass `on_abandon="leave"` to continue reading',
            "prediction": self.prediction,
            "partial": self.items,
        }
        return from_fields(fields, self._client)

    def check_loop(self) -> None:
        """Raises if waiting here would block the event loop that the read needs."""
        if self._loop is not None and not self._over:
            from asyncio import _get_running_loop

            if _get_running_loop() is self._loop:
                raise RuntimeError(
                    "the output is incomplete, and waiting for it here would block the event loop that reads it; "
                    "complete it with `[item async for item in output]` first"
                )

    def reach(self, index: int, whole: bool = False) -> bool:
        """Waits for an item; returns whether there is one."""
        while True:
            with self._turn:
                there = self._there(index)
                if there is not None:
                    return there
                self.check_loop()
                stream = self._opened(whole)
                if stream is None:
                    continue
                try:
                    # In one step, so that Ctrl-C cannot lose an item.
                    self.items.extend(islice(stream, 1))
                    if index >= len(self.items):
                        self._end()
                except Exception as error:
                    self._fail(error)
                except BaseException:
                    # Ctrl-C has closed the stream.
                    if self._cancels:
                        self._end("reading it was interrupted")
                    raise

    async def areach(self, index: int) -> bool:
        """The async form of `reach`."""
        from asyncio import Lock as AsyncLock
        from asyncio import get_running_loop

        if self._async_turn is None:
            self._async_turn = AsyncLock()
        if self._stream is None:
            self._loop = get_running_loop()
        while True:
            async with self._async_turn:
                there = self._there(index)
                if there is not None:
                    return there
                stream = self._opened(False)
                if stream is None:
                    continue
                try:
                    self.items.append(await stream.__anext__())
                except StopAsyncIteration:
                    self._end()
                except Exception as error:
                    self._fail(error)

    def leave(self, how: Optional[str] = None) -> None:
        """Stops reading, which cancels the prediction unless `on_abandon` is `leave`.

        Later reads find the items so far, or are an error if `how` says why.
        """
        stream = self._stream
        if stream is not None and self._cancels:
            self._end(how)
            stream.close()


class _Loop:
    """One loop over an output. Leaving the last loop early cancels the prediction."""

    __slots__ = ("_index", "_output", "_source")

    def __init__(self, output: Output, source: _Source, index: int) -> None:
        self._output = output
        self._source: Optional[_Source] = source
        self._index = index
        source.loops += 1

    def __iter__(self) -> _Loop:
        return self

    def __aiter__(self) -> _Loop:
        return self

    def __next__(self) -> Any:
        source = self._source
        if source is not None and source.reach(self._index):
            return self._next(source)
        self._finish()
        raise StopIteration

    async def __anext__(self) -> Any:
        source = self._source
        try:
            if source is not None and await source.areach(self._index):
                return self._next(source)
        except BaseException as error:
            # Closed here, because the traceback of a canceled task keeps this frame alive.
            if not isinstance(error, Exception):
                self.close()
            raise
        self._finish()
        raise StopAsyncIteration

    def _next(self, source: _Source) -> Any:
        item = source.items[self._index]
        self._index += 1
        return item

    def _finish(self) -> None:
        if self._source is not None:
            self._source = None
            self._output._whole()

    def close(self) -> None:
        """Leaves the loop."""
        source, self._source = self._source, None
        if source is not None:
            source.loops -= 1
            if source.loops == 0:
                source.leave("its loop was left")

    async def aclose(self) -> None:
        """The async form of `close`."""
        self.close()

    def __del__(self) -> None:
        self.close()


class Output(LikeGenerator):
    """The items that a model writes one by one: an iterator and an async iterator, and also a sequence.

    `for`, `async for` and `next()` yield each item as it arrives. Comparisons and list operations, such as `len` and an
    index, wait for the complete output. Leaving a loop early, or Ctrl-C while an item is awaited, cancels the prediction;
    operations that need the complete output then raise `PredictionCanceledError`. Each loop begins with the first item,
    except that a loop after `next()` continues there. A copy and a pickle are lists.
    """

    # Not a list: programs that expect the generator of 1.x test for one, and C code would read an incomplete list. Not a
    # `Sequence` either, which pandas does not convert.
    __slots__ = ("__weakref__", "_cursor", "_items", "_source")

    def __init__(self, items: List[Any], source: Optional[_Source] = None) -> None:
        self._items = items
        self._source = source
        self._cursor = 0

    def _whole(self) -> List[Any]:
        """Waits for the complete output."""
        source = self._source
        if source is not None:
            while source.reach(len(source.items), whole=True):
                pass
            self._source = None
        return self._items

    def _begin(self) -> int:
        begin, self._cursor = self._cursor, 0
        return begin

    def __iter__(self) -> Iterator[Any]:
        source = self._source
        if source is not None:
            # Here, because leaving the loop would cancel the prediction.
            source.check_loop()
            return _Loop(self, source, self._begin())
        return islice(self._items, self._begin(), None)

    def __aiter__(self) -> AsyncIterator[Any]:
        if self._source is not None:
            return _Loop(self, self._source, self._begin())
        return _each(iter(self))

    def __next__(self) -> Any:
        if not self._has(self._cursor):
            raise StopIteration
        return self._take()

    async def __anext__(self) -> Any:
        source = self._source
        there = self._has(self._cursor) if source is None else await source.areach(self._cursor)
        if not there:
            raise StopAsyncIteration
        return self._take()

    def _has(self, index: int) -> bool:
        return index < len(self._items) if self._source is None else self._source.reach(index)

    def _take(self) -> Any:
        self._cursor += 1
        return self._items[self._cursor - 1]

    def close(self) -> None:
        """Stops reading, which cancels the prediction if it is still running. The items that have arrived stay.

        Does nothing before the first item was requested.
        """
        if self._source is not None:
            self._source.leave()

    async def aclose(self) -> None:
        """The async form of `close`."""
        self.close()

    def __bool__(self) -> bool:
        return self._has(0)

    def __len__(self) -> int:
        return len(self._whole())

    @overload
    def __getitem__(self, index: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any]) -> List[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._whole()[index]

    def __contains__(self, item: object) -> bool:
        return item in self._whole()

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._whole()[::-1])

    def index(self, item: Any, *range: SupportsIndex) -> int:
        """Returns the index of the first item that equals `item`."""
        return self._whole().index(item, *range)

    def count(self, item: Any) -> int:
        """Returns how many items equal `item`."""
        return self._whole().count(item)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Output):
            return self._whole() == other._whole()
        return self._whole() == other if isinstance(other, list) else NotImplemented

    __hash__ = object.__hash__

    def __add__(self, other: Sequence[Any]) -> List[Any]:
        return [*self._whole(), *other]

    def __radd__(self, other: Sequence[Any]) -> List[Any]:
        return [*other, *self._whole()]

    def __repr__(self) -> str:
        source = self._source
        if source is None:
            return repr(self._items)
        return f"<output of prediction {source.prediction['id']}: {len(source.items)} items so far>"

    def __reduce__(self) -> Any:
        return list, (self._whole(),)


class AsyncOutput(LikeAsyncGenerator, Output):
    """An output of `async_run`, which `inspect.isasyncgen` takes for an async generator."""

    __slots__ = ()

    def __bool__(self) -> bool:
        # Without waiting for the first item, which would block the event loop.
        return self._source is not None or bool(self._items)


async def _each(items: Iterator[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


# Of a prediction with another status, the core decides whether it has ended.
ENDED = ("succeeded", "failed", "canceled", "aborted")


def incomplete(outputs: Any) -> Iterator[Any]:
    """Yields the live outputs of `run` and the running predictions in outputs."""
    if isinstance(outputs, Output):
        yield outputs
    elif isinstance(outputs, APIObject):
        # The core cannot wait for a training.
        if hasattr(type(outputs), "wait") and outputs.status not in (None, *ENDED):
            yield outputs
    elif isinstance(outputs, dict):
        for item in cast(Dict[str, Any], outputs).values():
            yield from incomplete(item)
    elif isinstance(outputs, (list, tuple)):
        for item in cast(Sequence[Any], outputs):
            yield from incomplete(item)


def unwrapped(outputs: Any) -> Any:
    """Returns complete outputs with the output of each prediction in its place."""
    if isinstance(outputs, Output):
        return outputs._whole()
    if isinstance(outputs, APIObject) and "output" in outputs.__fields__:
        return outputs.output
    if isinstance(outputs, dict):
        members = cast(Dict[str, Any], outputs)
        return {name: unwrapped(item) for name, item in members.items()}
    if isinstance(outputs, (list, tuple)):
        return [unwrapped(item) for item in cast(Sequence[Any], outputs)]
    return outputs


def output_of(client: AnyClient, reply: Json, awaited: bool = False) -> Any:
    """Returns the output in the reply of `run`."""
    kind = AsyncOutput if awaited else Output
    if "live" in reply:
        source = _Source(client, reply)
        return kind(source.items, source)
    return kind(reply["items"]) if "items" in reply else reply["output"]
