"""Batches of table rows: plain rows out of a batch, and a batch with the columns of their results."""

from __future__ import annotations

import importlib
import json
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
    cast,
)

from ._errors import InvalidArgumentError
from ._map import MapItem

COLUMNS = ("prediction_id", "status", "output", "error", "seconds")
"""The columns that a batch receives, without their prefix."""

# A bool is an int, so it comes first.
_KINDS: Tuple[Any, ...] = (bool, str, bytes, int, float)

Key = Union[str, int]

Reader = Union[Callable[[Dict[str, Any]], Any], str, None]
"""How to read something of a row: a function, or the name of a column."""


def plain(value: Any) -> Any:
    """Returns a value of a batch without types of numpy and pyarrow."""
    if value is None or type(value) in _KINDS:
        return value
    for kind in _KINDS:
        # numpy.float64 is a float, and numpy.str_ a str.
        if isinstance(value, kind):
            return kind(value)
    members: Any = value
    if isinstance(value, Mapping):
        return {plain(name): plain(member) for name, member in members.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast(Iterable[Any], value)]
    # numpy arrays have `tolist`, numpy scalars too, pyarrow scalars have `as_py`.
    for name in ("tolist", "as_py"):
        convert = getattr(value, name, None)
        if convert is not None:
            converted = convert()
            return converted if converted is value else plain(converted)
    return value


def rows_of(batch: Any) -> List[Dict[str, Any]]:
    """Returns the rows of a batch: a dict of arrays, a pandas DataFrame, or a pyarrow Table."""
    if isinstance(batch, Mapping):
        arrays = cast(Dict[str, Any], batch)
        columns = [[plain(value) for value in column] for column in arrays.values()]
        names = [str(name) for name in arrays]
        return [dict(zip(names, values)) for values in zip(*columns)]
    if hasattr(batch, "to_pylist"):
        return [cast(Dict[str, Any], plain(row)) for row in batch.to_pylist()]
    if hasattr(batch, "to_dict"):
        return [cast(Dict[str, Any], plain(row)) for row in batch.to_dict("records")]
    raise InvalidArgumentError(
        "a batch must be a dict of arrays, a pandas DataFrame or a pyarrow Table, not "
        f"{type(batch).__name__}; choose `batch_format`",
        argument="batch_format",
    )


def output_text(output: Any) -> Optional[str]:
    """Returns an output as the text of a column: a string as it is, anything else as JSON."""
    if output is None or isinstance(output, str):
        return output
    return json.dumps(output, ensure_ascii=False, separators=(",", ":"), default=str)


def results_of(items: Sequence[MapItem[Any]]) -> Dict[str, List[Any]]:
    """Returns the values of `COLUMNS` for the results of the rows."""
    return {
        "prediction_id": [item.prediction and item.prediction.id for item in items],
        "status": [item.status for item in items],
        "output": [output_text(item.output) for item in items],
        "error": [None if item.error is None else _error_text(item.error) for item in items],
        "seconds": [item.seconds for item in items],
    }


def _error_text(error: Any) -> str:
    return f"{error.code}: {error.message or error}"


def check_names(names: Iterable[str], prefix: str) -> None:
    """Checks that a batch has no column with the name of a result."""
    taken = sorted({prefix + column for column in COLUMNS}.intersection(names))
    if taken:
        raise InvalidArgumentError(
            f"`prefix`: the rows have a column {taken[0]!r} already; pass `prefix`, such as 'caption_'",
            argument="prefix",
        )


def with_columns(batch: Any, results: Mapping[str, List[Any]], prefix: str) -> Any:
    """Returns a new batch of the same kind, with the columns of the results."""
    named = {prefix + name: values for name, values in results.items()}
    if isinstance(batch, Mapping):
        given = cast(Dict[str, Any], batch)
        check_names([str(name) for name in given], prefix)
        numpy: Any = importlib.import_module("numpy")
        arrays = {
            name: numpy.array(values, dtype=float if name == f"{prefix}seconds" else object)
            for name, values in named.items()
        }
        return {**given, **arrays}
    if hasattr(batch, "append_column"):
        check_names(batch.column_names, prefix)
        pyarrow: Any = importlib.import_module("pyarrow")
        for name, values in named.items():
            kind = pyarrow.float64() if name == f"{prefix}seconds" else pyarrow.string()
            batch = batch.append_column(name, pyarrow.array(values, type=kind))
        return batch
    check_names([str(name) for name in batch.columns], prefix)
    pandas: Any = importlib.import_module("pandas")
    return batch.assign(
        **{
            name: pandas.Series(
                values, index=batch.index, dtype=float if name == f"{prefix}seconds" else object
            )
            for name, values in named.items()
        }
    )
