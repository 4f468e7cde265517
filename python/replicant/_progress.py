"""Progress: of predictions, read from their logs, and of bytes on their way."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    ContextManager,
    Dict,
    Generator,
    NamedTuple,
    Optional,
    Union,
)

from ._native import compute

if TYPE_CHECKING:
    from ._base import Observer


class Progress(NamedTuple):
    """How far a prediction is."""

    percentage: float
    """From 0 to 1."""
    current: int
    """How many steps are done."""
    total: int
    """How many steps there are."""

    @classmethod
    def parse(cls, logs: str) -> Optional[Progress]:
        """The progress that the last progress bar in `logs` shows, if there is one."""
        found = compute("progress.parse", {"logs": logs})
        return None if found is None else cls(**found)


class Transfer(NamedTuple):
    """How many bytes have moved."""

    loaded: int
    """How many so far."""
    total: Optional[int]
    """How many there are, where that is known."""


ShowProgress = Union[bool, Callable[[Progress], object], None]
"""True for a bar on the standard error output, or a function that is called with each progress."""

ShowTransfer = Union[bool, Callable[[Transfer], object], None]
"""True for a bar on the standard error output, or a function that is called as bytes move."""


def of_prediction(
    progress: ShowProgress, name: str, also: Observer = None
) -> ContextManager[Observer]:
    """An observer of a prediction's data that shows its progress and then tells `also`."""
    return _observer(progress, _PredictionView, name, "step", also)


def of_bytes(progress: ShowTransfer, name: str) -> ContextManager[Observer]:
    """An observer of bytes on their way that shows how many there were."""
    return _observer(progress, _TransferView, name, "B", None)


def name_of(file: Any) -> str:
    """What a file that goes up is called before a bar."""
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else "upload"


def _observer(
    progress: Any, view: Callable[[Any], Any], name: str, unit: str, also: Observer
) -> ContextManager[Observer]:
    if not progress:
        return nullcontext(also)
    return _showing(progress, view, name, unit, also)


@contextmanager
def _showing(
    progress: Any, view: Callable[[Any], Any], name: str, unit: str, also: Observer
) -> Generator[Observer, None, None]:
    bar = None if callable(progress) else _bar(name, unit)
    shown = view(progress if bar is None else bar.show)

    def observe(data: Any) -> None:
        shown(data)
        if also is not None:
            also(data)

    try:
        yield observe
    finally:
        if bar is not None:
            bar.close()


class _PredictionView:
    """Tells of a prediction's progress when that has changed."""

    def __init__(self, show: Callable[[Progress], object]) -> None:
        self._show = show
        self._last: Optional[Progress] = None

    def __call__(self, data: Dict[str, Any]) -> None:
        progress = Progress.parse(data.get("logs") or "")
        if progress is not None and progress != self._last:
            self._last = progress
            self._show(progress)


class _TransferView:
    """Tells of bytes on their way."""

    def __init__(self, show: Callable[[Transfer], object]) -> None:
        self._show = show

    def __call__(self, data: Dict[str, Any]) -> None:
        self._show(Transfer(data["loaded"], data.get("total")))


def _bar(name: str, unit: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Lines(name, unit)
    return _Tqdm(tqdm(desc=name, unit=unit, unit_scale=unit == "B", leave=True))


class _Tqdm:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def show(self, progress: Any) -> None:
        # Progress or Transfer: what is done and what there is, at their ends.
        done, total = progress[-2:]
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """One line that is written over on a terminal; elsewhere a line for each quarter."""

    def __init__(self, name: str, unit: str) -> None:
        self._name = name
        self._unit = unit
        self._file = sys.stderr
        self._over = self._file is not None and self._file.isatty()
        self._last = ""
        self._quarter = -1

    def show(self, progress: Any) -> None:
        if self._file is None:
            return
        done, total = progress[-2:]
        text = f"{self._name}: {self._amount(done)}"
        if total:
            text += f" of {self._amount(total)} ({done / total:.0%})"
        if self._over:
            self._file.write(f"\r{text.ljust(len(self._last))}")
            self._file.flush()
            self._last = text
            return
        quarter = 4 * done // total if total else 0
        if quarter != self._quarter:
            self._quarter = quarter
            self._file.write(f"{text}\n")

    def close(self) -> None:
        if self._last:
            self._file.write("\n")

    def _amount(self, count: int) -> str:
        if self._unit != "B":
            return str(count)
        return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
