"""The rows of a batch: reading them, and the inputs and keys in them."""

from __future__ import annotations

import time
from inspect import iscoroutinefunction
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    Awaitable,
    Callable,
    Dict,
    Generic,
    Iterable,
    List,
    Mapping,
    Optional,
    Tuple,
    TypeVar,
    Union,
    cast,
)

from ._errors import InvalidArgumentError

if TYPE_CHECKING:
    from asyncio import Task

    from ._object import Json

Row = TypeVar("Row")

Input = Mapping[str, Any]
"""The input of a row."""
AsyncInput = Union[Input, Awaitable[Input]]
"""The input of a row for an async client, which may have to be awaited."""

# How long to collect rows before passing on those that have arrived, in seconds.
_COLLECTING = 0.02

_END: Any = object()


class RowSource(Generic[Row]):
    """Reads rows, and keeps those whose results are not known."""

    def __init__(
        self,
        rows: Union[Iterable[Row], AsyncIterable[Row]],
        input: Optional[Callable[[Row], Any]],
        key: Optional[Callable[[Row], Any]],
    ) -> None:
        _check_rows(rows)
        self._input = input
        self._key = key
        self._next = 0
        self._source: Any
        self._is_source_async = not hasattr(rows, "__iter__") and hasattr(rows, "__aiter__")
        # Whether rows have to be awaited.
        self.is_async = self._is_source_async or _is_async(input)
        if self._is_source_async:
            self._source = rows.__aiter__()  # type: ignore[union-attr]
        else:
            self._source = iter(rows)  # type: ignore[arg-type]
        self._pending: Optional[Task[Optional[Tuple[Row, Any]]]] = None
        # The rows and inputs, by index.
        self.taken: Dict[int, Tuple[Row, Any]] = {}

    def read(self, most: int) -> Tuple[List[Json], bool]:
        """Returns the next rows, at most `most`, and whether there are no more."""
        if self._is_source_async:
            raise InvalidArgumentError(
                "`rows` is an async iterable; use `async for`, or pass a list or a generator",
                argument="rows",
            )
        if self.is_async:
            raise InvalidArgumentError(
                "`input` is an async function; use `async for` with an AsyncClient, or pass a plain function",
                argument="input",
            )
        rows: List[Json] = []
        until = time.monotonic() + _COLLECTING
        for row in self._source:
            input: Any = row
            if self._input is not None:
                with Calling("input"):
                    input = self._input(row)
                _check_made("input", input)
            rows.append(self._add(row, input))
            if len(rows) >= most or time.monotonic() > until:
                return rows, False
        return rows, True

    async def aread(self, most: int) -> Tuple[List[Json], bool]:
        """Returns the rows that arrive soon, at least one, and whether there are no more."""
        from asyncio import ensure_future, wait

        rows: List[Json] = []
        until = 0.0
        while len(rows) < most:
            if self._pending is None:
                self._pending = ensure_future(self._anext())
            if len(rows) == 1:
                # From the first row on: rows that trickle in must not wait for each other.
                until = time.monotonic() + _COLLECTING
            await wait({self._pending}, timeout=max(until - time.monotonic(), 0) if rows else None)
            if not self._pending.done():
                break
            ended, self._pending = self._pending, None
            arrived = ended.result()
            if arrived is None:
                return rows, True
            rows.append(self._add(*arrived))
        return rows, False

    def close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()

    async def _anext(self) -> Optional[Tuple[Row, Any]]:
        """Returns the next row and its input; None after the last one."""
        if self._is_source_async:
            try:
                row = await self._source.__anext__()
            except StopAsyncIteration:
                return None
        else:
            row = next(self._source, _END)
            if row is _END:
                return None
        if self._input is None:
            return row, row
        with Calling("input"):
            input = self._input(row)
            return row, await input if hasattr(input, "__await__") else input

    def _add(self, row: Row, input: Any) -> Json:
        # Read before the row is counted: an exception in it leaves nothing behind.
        made: Json = {"input": input if isinstance(input, dict) else _plain(input)}
        if self._key is not None:
            with Calling("key"):
                made["key"] = self._key(row)
            _check_made("key", made["key"])
        self.taken[self._next] = row, input
        self._next += 1
        return made


def _check_rows(rows: object) -> None:
    """Refuses what is iterable, but not over rows."""
    # The attributes of the class: polars warns of an access to the columns of a lazy frame.
    kind = type(rows)
    if isinstance(rows, (str, bytes, Mapping)):
        what, advice = "", "put it into a list"
    # pandas, polars, Dask, Spark and others.
    elif hasattr(kind, "columns") and hasattr(kind, "dtypes"):
        what = ", which has columns"
        advice = (
            "pass `df.to_dict('records')`, or `df.iter_rows(named=True)` for polars; collect or compute "
            "lazy and distributed frames first"
        )
    # A table or a batch of pyarrow.
    elif hasattr(kind, "column_names") and hasattr(kind, "to_pylist"):
        what = ", which has columns"
        advice = (
            "pass `table.to_pylist()`, or the rows of one of `table.to_batches()` after the other"
        )
    elif not any(hasattr(kind, name) for name in ("__iter__", "__aiter__", "__getitem__")):
        what, advice = "", "pass a list or a generator"
    else:
        return
    raise InvalidArgumentError(
        f"`rows` must be an iterable of rows, not {kind.__name__}{what}; {advice}", argument="rows"
    )


class Calling:
    """Calls a function of the program, whose StopIteration must not end the loop over the batch."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: Any, error: Optional[BaseException], _traceback: Any) -> None:
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            raise RuntimeError(f"`{self._name}` raised {type(error).__name__}") from error


def _is_async(function: Any) -> bool:
    if function is None:
        return False
    return iscoroutinefunction(function) or iscoroutinefunction(function.__call__)


def _check_made(name: str, made: Any) -> None:
    """Refuses a coroutine, which would be neither awaited nor sent."""
    if hasattr(made, "__await__"):
        if hasattr(made, "close"):
            made.close()
        advice = (
            "an `async def` function and use `async for`" if name == "input" else "a plain function"
        )
        raise InvalidArgumentError(
            f"`{name}` returned {type(made).__name__}, which has to be awaited; pass {advice}",
            argument=name,
        )


def _plain(input: Any) -> Any:
    return dict(cast(Mapping[str, Any], input)) if isinstance(input, Mapping) else input


def getter(name: str, given: Any) -> Optional[Callable[[Any], Any]]:
    """Returns the function that reads a row; `given` may be the name of a member."""
    if given is None or callable(given):
        return given  # type: ignore[no-any-return]
    if isinstance(given, str):
        return lambda row: _member(row, given, name)
    raise InvalidArgumentError(
        f"`{name}` must be a function or the name of a member, not {type(given).__name__}",
        argument=name,
    )


def _member(row: Any, name: str, argument: str) -> Any:
    members: Any = row if issubclass(type(row), Mapping) else None
    try:
        return getattr(row, name) if members is None else members[name]
    except (KeyError, AttributeError) as error:
        names = ", ".join(map(str, members or ()))
        raise InvalidArgumentError(
            f"`{argument}` names the member {name!r}, which a row does not have; "
            + (f"it has {names}" if names else f"it is of type {type(row).__name__}"),
            argument=argument,
        ) from error
