"""Batches: a model over many inputs."""

from __future__ import annotations

from contextlib import suppress
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generic,
    Iterable,
    Iterator,
    List,
    Literal,
    NamedTuple,
    Optional,
    Sized,
    Tuple,
    Union,
)
from weakref import ref

from ._arguments import check_function
from ._dumps import Dumps
from ._errors import InvalidArgumentError, from_fields
from ._map_rows import AsyncInput, Calling, RowSource, getter
from ._map_rows import Row as Row
from ._native import Stream, compute

if TYPE_CHECKING:
    from asyncio import Task
    from types import TracebackType
    from typing import Type

    from ._client_base import AnyClient
    from ._exception import ReplicateException
    from ._object import Json
    from ._options import Status


class MapStats(NamedTuple):
    """The progress of a batch."""

    rows: int
    """Rows that were read."""
    total: Optional[int]
    """All rows; None if `rows` has no length."""
    succeeded: int
    """Rows with an output, including those from the checkpoint."""
    failed: int
    """Rows that failed, including those from the checkpoint."""
    resumed: int
    """Rows whose result came from the checkpoint."""
    running: int
    """Rows that are being run."""
    predictions: int
    """Predictions that were created."""
    seconds: float
    """Seconds of predict time that the API metered."""
    elapsed: float
    """Seconds since the batch began."""
    per_minute: float
    """Finished rows per minute, without those from the checkpoint."""
    remaining: Optional[float]
    """Estimated seconds until the last row has finished; None if it is unknown, or the batch has stopped."""
    stopped: Optional[str]
    """Why the batch ended before its last row: `max_predictions`, `max_seconds`, `error_rate`, `requested`, or `refused` if the
    API refused the token or the model, or the account has no credit."""


_NO_STATS = MapStats(0, None, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, None, None)

ShowMap = Union[bool, Callable[[MapStats], object], None]
"""True for a bar on stderr, or a function that is called with the progress, at most ten times per second."""


class MapItem(Dumps, Generic[Row]):
    """The result of one row of a batch."""

    __slots__ = (
        "attempts",
        "error",
        "index",
        "input",
        "key",
        "output",
        "prediction",
        "resumed",
        "row",
        "seconds",
        "status",
    )

    key: Union[str, int]
    """The key of the row, or its index."""
    index: int
    """The position of the row, from 0."""
    row: Row
    """The row."""
    input: Any
    """The input of the row."""
    status: Union[Status, Literal["unknown", "rejected"]]
    """The status of the prediction; `unknown` if it may exist, `rejected` if none was created."""
    output: Any
    """The output, with a `FileOutput` for each file, or its path with `save_to`. None if the row failed."""
    prediction: Any
    """The prediction, without its logs; None if none was created."""
    error: Optional[ReplicateException]
    """Why there is no output."""
    attempts: int
    """The number of predictions that were created for the row."""
    seconds: Optional[float]
    """Seconds of predict time that the API metered for the row."""
    resumed: bool
    """Whether the result comes from the checkpoint."""

    def __init__(self, row: Row, input: Any, **members: Any) -> None:
        self.row = row
        self.input = input
        for name, value in members.items():
            setattr(self, name, value)

    def _members(self) -> Json:
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        result = f"error={self.error!r}" if self.error is not None else f"output={self.output!r}"
        return f"MapItem(key={self.key!r}, status={self.status!r}, {result})"


class MapResults(Generic[Row]):
    """The results of a batch, for `for` and `async for`.

    The batch begins when the first result is requested. Leaving a `with` or `async with` block, `close()` and Ctrl-C
    create no more predictions and cancel the running ones; with `drain=True`, leaving the block waits for them instead.
    """

    def __init__(
        self,
        client: AnyClient,
        params: Json,
        rows: Union[Iterable[Row], AsyncIterable[Row]],
        *,
        name: str,
        input: Union[Callable[[Row], AsyncInput], str, None],
        key: Union[Callable[[Row], Union[str, int]], str, None],
        progress: ShowMap,
        drain: bool,
    ) -> None:
        if not isinstance(drain, bool):
            message = f"`drain` must be True or False, not {type(drain).__name__}"
            raise InvalidArgumentError(message, argument="drain")
        self._client = client
        self._rows = RowSource(rows, getter("input", input), getter("key", key))
        # Failed rows are skipped here: the core does not report skipped rows, so their inputs would be kept until the end.
        self._skips = params.get("errors") == "skip"
        if self._skips:
            params["errors"] = "return"
        params.update(reports=True, keyed=key is not None)
        if isinstance(rows, Sized):
            params["total"] = len(rows)
        native = client._native_for("map")
        self._stream: Stream[Any] = Stream(
            native, "map", client._with_options(params), owner=client, keep=drain
        )
        self._progress = _progress_of(progress, name)
        self._drain = drain
        self._stats = _NO_STATS
        self._number: Optional[int] = None
        self._stopping = False
        self._ended = False
        self._reading: Optional[Task[None]] = None
        self._failure: Optional[BaseException] = None

    @property
    def stats(self) -> MapStats:
        """The progress. Rows whose predictions are canceled at the end count as running."""
        # Not stored: in another thread, a stale value could replace the final one.
        return self._live() or self._stats

    def stop(self) -> None:
        """Creates no more predictions. The results of the running ones follow."""
        self._stopping = True
        if self._number is not None and not self._ended:
            with suppress(InvalidArgumentError):  # It has ended, or its process forked this one.
                compute("map.stop", {"map": self._number})

    # Blocking.

    def __iter__(self) -> Iterator[MapItem[Row]]:
        return self

    def __next__(self) -> MapItem[Row]:
        try:
            while True:
                name, value = self._receive(next(self._stream))
                if name == "item":
                    item = self._item(value)
                    if item is not None:
                        return item
                elif name == "pull":
                    self._push(*self._rows.read(value))
        except BaseException as error:
            self._failed(error)
            raise

    def __enter__(self) -> MapResults[Row]:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if not self._drain:
            self.close()
            return
        try:
            self.stop()
            while not self._ended and self._number is not None:
                self._finish(next(self._stream, None))
        finally:
            self.close()

    def close(self) -> None:
        """Ends the batch: creates no more predictions and cancels the running ones."""
        self._end()
        self._stream.close()

    # Awaited.

    def __aiter__(self) -> AsyncIterator[MapItem[Row]]:
        return self

    async def __anext__(self) -> MapItem[Row]:
        try:
            while True:
                try:
                    message = await self._stream.__anext__()
                except StopAsyncIteration:
                    if self._failure is not None:
                        raise self._failure from None
                    raise
                name, value = self._receive(message)
                if name == "item":
                    item = self._item(value)
                    if item is not None:
                        return item
                elif name == "pull":
                    self._read_beside(value)
        except BaseException as error:
            self._failed(error)
            raise

    async def __aenter__(self) -> MapResults[Row]:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if not self._drain:
            await self.aclose()
            return
        try:
            self.stop()
            while not self._ended and self._number is not None:
                try:
                    self._finish(await self._stream.__anext__())
                except StopAsyncIteration:
                    break
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """The async form of `close`."""
        self._end()
        await self._stream.aclose()

    # Common to both.

    def _receive(self, message: Json) -> Tuple[str, Any]:
        """Receives a message. Returns its name and value; the caller handles `item` and `pull`."""
        ((name, value),) = message.items()
        if name == "map":
            self._number = value
            if self._stopping:
                self.stop()
        elif name in ("progress", "stats"):
            self._ended = name == "stats"
            self._show(value)
        return name, value

    def _finish(self, message: Optional[Json]) -> None:
        """Receives a message while the batch ends. Its results are in the checkpoint."""
        if message is None:
            self._ended = True
        elif self._receive(message)[0] == "pull":
            self._push([], True)

    def _item(self, members: Json) -> Optional[MapItem[Row]]:
        """Returns the result of a row, unless it is to be skipped."""
        row, input = self._rows.taken.pop(members["index"])
        fields, prediction = members["error"], members["prediction"]
        if fields is not None and self._skips:
            return None
        if fields is not None:
            members["error"] = from_fields(fields, self._client)
        if prediction is not None:
            members["prediction"] = self._client._prediction(
                {**prediction, "input": input, "output": members["output"]}
            )
        return MapItem(row, input, **members)

    def _push(self, rows: List[Json], end: bool) -> None:
        if self._ended:
            return
        for row in rows:
            target = {"map": self._number, "key": row.get("key")}
            try:
                compute("map.row", {**target, "input": row["input"]})
            except (TypeError, ValueError) as problem:
                # A value that cannot be sent fails its row only.
                refusal = str(problem)
                if refusal.startswith("`key`"):
                    del target["key"]
                compute("map.row", {**target, "refusal": refusal})
        compute("map.push", {"map": self._number, "end": end})

    def _read_beside(self, wanted: int) -> None:
        """Reads rows. What is awaited is read in a task, so that it does not delay results."""
        from asyncio import ensure_future

        if not self._rows.is_async:
            self._push(*self._rows.read(wanted))
        else:
            self._reading = ensure_future(_read_for(ref(self), self._rows, wanted))

    def _live(self) -> Optional[MapStats]:
        if self._number is not None and not self._ended:
            with suppress(InvalidArgumentError):  # As in `stop`.
                return MapStats(**compute("map.stats", {"map": self._number}))
        return None

    def _show(self, stats: Json) -> None:
        self._stats = MapStats(**stats)
        if self._progress is not None:
            self._progress.show(self._stats)

    def _failed(self, error: BaseException) -> None:
        """Ends the batch after an exception, unless leaving the block is to finish what runs."""
        if not self._drain or isinstance(error, (StopIteration, StopAsyncIteration)):
            self.close()

    def _end(self) -> None:
        self._stats = self._live() or self._stats
        self._ended = True
        if self._reading is not None:
            self._reading.cancel()
        self._rows.close()
        if self._progress is not None:
            self._progress.close()
            self._progress = None


async def _read_for(results: ref[MapResults[Any]], rows: RowSource[Any], wanted: int) -> None:
    """Reads rows for a batch. Does not keep it alive: a batch that nobody reads ends."""
    try:
        read, end = await rows.aread(wanted)
        found = results()
        if found is not None:
            found._push(read, end)
    except BaseException as error:
        found = results()
        # The end of the batch cancels this task.
        if found is not None and not found._ended:
            # Raised by `__anext__` at the end of the stream.
            found._failure = error
            if found._drain:
                found.stop()
                found._push([], True)
            else:
                found._stream.close()


class _Caller:
    def __init__(self, function: Callable[[MapStats], object]) -> None:
        self._function = function

    def show(self, stats: MapStats) -> None:
        with Calling("progress"):
            self._function(stats)

    def close(self) -> None:
        pass


def _progress_of(progress: ShowMap, name: str) -> Any:
    check_function("progress", progress, or_flag=True)
    if not progress:
        return None
    if callable(progress):
        return _Caller(progress)
    from ._bars import RowsBar

    return RowsBar(name)
