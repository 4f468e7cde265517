"""Progress: of predictions, read from their logs, and of bytes on their way."""

from __future__ import annotations

import os
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
"""True for bars on the standard error output, or a function that is called with each progress."""

ShowTransfer = Union[bool, Callable[[Transfer], object], None]
"""True for a bar on the standard error output, or a function that is called as bytes move."""


def of_prediction(
    progress: ShowProgress, name: str, also: Observer = None
) -> ContextManager[Observer]:
    """An observer of a prediction's data that shows its progress and then tells `also`."""
    if not progress:
        return nullcontext(also)
    if callable(progress):
        return _shown(_Teller(progress), also)
    from ._bars import PredictionBars

    return _shown(PredictionBars(name), also)


def of_bytes(progress: ShowTransfer, name: str) -> ContextManager[Observer]:
    """An observer of bytes on their way that shows how many there were."""
    if not progress:
        return nullcontext(None)
    if callable(progress):
        tell = progress
        return nullcontext(lambda data: tell(Transfer(data["loaded"], data["total"])))
    from ._bars import BytesBar

    return _shown(BytesBar(name), None)


def name_of(file: Any) -> str:
    """What a file that goes up is called before a bar."""
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else "upload"


@contextmanager
def _shown(view: Any, also: Observer) -> Generator[Observer, None, None]:
    def observe(data: Any) -> None:
        view.show(data)
        # The files that go up are no state of the prediction.
        if also is not None and "upload" not in data:
            also(data)

    try:
        yield observe
    finally:
        view.close()


class _Teller:
    """Calls a function with a prediction's progress when that has changed."""

    def __init__(self, tell: Callable[[Progress], object]) -> None:
        self._tell = tell
        self._last: Optional[Progress] = None

    def show(self, data: Dict[str, Any]) -> None:
        progress = Progress.parse(data.get("logs") or "")
        if progress is not None and progress != self._last:
            self._last = progress
            self._tell(progress)

    def close(self) -> None:
        pass
