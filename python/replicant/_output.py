"""The lists that `run` returns."""

from __future__ import annotations

from functools import wraps
from threading import Lock
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    cast,
)

from ._object import APIObject

if TYPE_CHECKING:
    from ._client_base import AnyClient
    from ._native import Stream
    from ._object import Json


class _Pending:
    """Fills an incomplete list, so that C code that reads it directly fails instead of seeing an empty list."""

    def __repr__(self) -> str:
        return "<incomplete output; call list(output) first>"


class _Source:
    """The items of an output that the model is still writing."""

    def __init__(self, client: AnyClient, started: Json) -> None:
        # Keeps the token of a Cog scope that may end before the output is read.
        self._native = client._native
        self._params = client._with_options(started)
        self.prediction: Json = started["prediction"]
        self.items: List[Any] = []
        # The number of running loops.
        self.loops = 0
        self._error: Optional[Exception] = None
        self._over = False
        self._stream: Optional[Stream[Any]] = None
        self._turn = Lock()
        self._async_turn: Any = None

    def _opened(self, whole: bool) -> Stream[Any]:
        if self._stream is None:
            from ._native import Stream

            live = {**self._params["live"], "whole": whole}
            params = {**self._params, "live": live}
            self._stream = Stream(self._native, "predictions.output_iterator", params)
        return self._stream

    def _there(self, index: int) -> Optional[bool]:
        """Returns whether there is an item; None if that is not known yet."""
        if index < len(self.items):
            return True
        if not self._over:
            return None
        if self._error is not None:
            raise self._error
        return False

    def _end(self, error: Optional[Exception] = None) -> None:
        self._over, self._error, self._stream = True, error, None

    def reach(self, index: int, whole: bool = False) -> bool:
        """Waits for an item; returns whether there is one."""
        while True:
            with self._turn:
                there = self._there(index)
                if there is not None:
                    return there
                try:
                    self.items.append(next(self._opened(whole)))
                except StopIteration:
                    self._end()
                except Exception as error:
                    self._end(error)

    async def areach(self, index: int) -> bool:
        """The awaitable form of `reach`."""
        from asyncio import Lock as AsyncLock

        if self._async_turn is None:
            self._async_turn = AsyncLock()
        while True:
            async with self._async_turn:
                there = self._there(index)
                if there is not None:
                    return there
                try:
                    self.items.append(await self._opened(False).__anext__())
                except StopAsyncIteration:
                    self._end()
                except Exception as error:
                    self._end(error)

    def leave(self) -> None:
        """Stops reading, which cancels the prediction unless `on_abandon` is `leave`."""
        if self._stream is not None and self._params["live"]["cancel"]:
            stream = self._stream
            self._end()
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
            self._source.loops -= 1
            self._source = None
            self._output._whole()

    def close(self) -> None:
        """Leaves the loop."""
        source, self._source = self._source, None
        if source is not None:
            source.loops -= 1
            if source.loops == 0:
                source.leave()

    async def aclose(self) -> None:
        """The awaitable form of `close`."""
        self.close()

    def __del__(self) -> None:
        self.close()


class Output(List[Any]):
    """A list that a model wrote, which also supports `async for`, `next()` and `anext()`.

    If the model writes its output item by item, `for` and `async for` yield each item as it arrives; everything
    else, such as `len`, an index or a comparison, waits for the complete output. Leaving a loop early cancels the
    prediction. Each loop begins with the first item, except that a loop after `next()` continues there.
    """

    __slots__ = ("_cursor", "_source", "_was_live")

    def __init__(self, items: Any = (), source: Optional[_Source] = None) -> None:
        super().__init__(items if source is None else (_Pending(),))
        self._source = source
        self._was_live = source is not None
        self._cursor = 0

    def _whole(self) -> None:
        """Waits for the complete output."""
        source = self._source
        if source is not None:
            while source.reach(len(source.items), whole=True):
                pass
            self._source = None
            super().__init__(source.items)

    def _begin(self) -> int:
        if not self._was_live:
            return 0
        begin, self._cursor = self._cursor, 0
        return begin

    def __iter__(self) -> Iterator[Any]:
        begin, source = self._begin(), self._source
        if source is not None:
            return _Loop(self, source, begin)
        items = super().__iter__()
        for _ in range(begin):
            next(items, None)
        return items

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
        return index < len(self) if self._source is None else self._source.reach(index)

    def _take(self) -> Any:
        index = self._cursor
        self._cursor += 1
        return super().__getitem__(index) if self._source is None else self._source.items[index]

    def close(self) -> None:
        """Stops reading, which cancels the prediction if it is still running."""
        if self._source is not None:
            self._source.leave()

    async def aclose(self) -> None:
        """The awaitable form of `close`."""
        self.close()

    def __bool__(self) -> bool:
        return self._has(0)

    def __radd__(self, other: List[Any]) -> List[Any]:
        self._whole()
        return [*other, *self]

    def __repr__(self) -> str:
        source = self._source
        if source is None:
            return super().__repr__()
        return f"<output of prediction {source.prediction['id']}: {len(source.items)} items so far>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._whole()
        return list, (self[:],)


def _waiting(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def whole(self: Output, *args: Any, **options: Any) -> Any:
        for output in (self, *args):
            if isinstance(output, Output):
                output._whole()
        return method(self, *args, **options)

    return whole


for _name in [
    "__len__",
    "__getitem__",
    "__setitem__",
    "__delitem__",
    "__contains__",
    "__reversed__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__add__",
    "__iadd__",
    "__mul__",
    "__rmul__",
    "__imul__",
    "append",
    "clear",
    "copy",
    "count",
    "extend",
    "index",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
]:
    setattr(Output, _name, _waiting(getattr(list, _name)))


async def _each(items: Iterator[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def incomplete(outputs: Any) -> Iterator[Any]:
    """Yields the lists of `run` and the running predictions in outputs."""
    if isinstance(outputs, Output):
        yield outputs
    elif isinstance(outputs, APIObject):
        # The core cannot wait for a training.
        if hasattr(type(outputs), "wait") and outputs.status in ("starting", "processing"):
            yield outputs
    elif isinstance(outputs, dict):
        for item in cast(Dict[str, Any], outputs).values():
            yield from incomplete(item)
    elif isinstance(outputs, (list, tuple)):
        for item in cast(Sequence[Any], outputs):
            yield from incomplete(item)


def unwrapped(outputs: Any) -> Any:
    """Returns outputs with the output of each prediction in its place."""
    if isinstance(outputs, Output):
        return outputs
    if isinstance(outputs, APIObject) and "output" in outputs.__fields__:
        return outputs.output
    if isinstance(outputs, dict):
        members = cast(Dict[str, Any], outputs)
        return {name: unwrapped(item) for name, item in members.items()}
    if isinstance(outputs, (list, tuple)):
        return [unwrapped(item) for item in cast(Sequence[Any], outputs)]
    return outputs


def output_of(client: AnyClient, reply: Json) -> Any:
    """Returns the output in the reply of `run`."""
    if "live" in reply:
        return Output(source=_Source(client, reply))
    output = reply["output"]
    return Output(output) if output.__class__ is list else output
