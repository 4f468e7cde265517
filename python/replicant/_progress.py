"""Progress, read from the logs of a prediction."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ._native import compute


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
