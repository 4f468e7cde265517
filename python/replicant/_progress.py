"""The progress of predictions, read from their logs, and of transfers."""

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

from ._arguments import check_function
from ._native import compute

if TYPE_CHECKING:
    from ._options import Observer


class Progress(NamedTuple):
    """The progress of a prediction."""

    percentage: float
    """From 0 to 1."""
    current: int
    """The number of completed steps."""
    total: int
    """The number of steps."""

    @classmethod
    def parse(cls, logs: str) -> Optional[Progress]:
        """Returns the progress that the last progress bar in `logs` shows; None without a bar.

        Args:
            logs: The logs of a prediction.
        """
        found = compute("progress.parse", {"logs": logs})
        return None if found is None else cls(**found)


class Transfer(NamedTuple):
    """The progress of an upload or download."""

    loaded: int
    """The bytes transferred so far."""
    total: Optional[int]
    """The size in bytes; None if it is unknown."""


ShowProgress = Union[bool, Callable[[Progress], object], None]
"""True for bars on stderr, or a function that is called with each new progress."""

ShowTransfer = Union[bool, Callable[[Transfer], object], None]
"""True for a bar on stderr, or a function that is called as bytes are transferred."""


def of_prediction(
    progress: ShowProgress, name: str, also: Observer = None
) -> ContextManager[Observer]:
    """Returns an observer that shows the progress of a prediction and passes its data on to `also`."""
    check_function("progress", progress, or_flag=True)
    if not progress:
        return nullcontext(also)
    if callable(progress):
        return _showing(_Caller(progress), also)
    from ._bars import PredictionBars

    return _showing(PredictionBars(name), also)


def of_bytes(progress: ShowTransfer, name: str) -> ContextManager[Observer]:
    """Returns an observer that shows the progress of a transfer."""
    check_function("progress", progress, or_flag=True)
    if not progress:
        return nullcontext(None)
    if callable(progress):
        function = progress
        return nullcontext(lambda data: function(Transfer(data["loaded"], data["total"])))
    from ._bars import BytesBar

    return _showing(BytesBar(name), None)


def name_of(file: Any) -> str:
    """Returns the label of an upload's bar."""
    name = getattr(file, "name", None)
    return os.path.basename(name) if isinstance(name, str) else "upload"


@contextmanager
def _showing(view: Any, also: Observer) -> Generator[Observer, None, None]:
    def observe(data: Any) -> None:
        view.show(data)
        # The progress of an upload is not a state of the prediction.
        if also is not None and "upload" not in data:
            also(data)

    try:
        yield observe
    finally:
        view.close()


class _Caller:
    """Calls a function with a prediction's progress when it has changed."""

    def __init__(self, function: Callable[[Progress], object]) -> None:
        self._function = function
        self._last: Optional[Progress] = None

    def show(self, data: Dict[str, Any]) -> None:
        progress = Progress.parse(data.get("logs") or "")
        if progress is not None and progress != self._last:
            self._last = progress
            self._function(progress)

    def close(self) -> None:
        pass
