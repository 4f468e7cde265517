"""Waits for what other processes do."""

from __future__ import annotations

import time
from typing import Callable


def within(limit: float, attempt: Callable[[], float]) -> None:
    """Calls `attempt` until what it returns is less than `limit` seconds, at most five times.

    What is slow is so each time; a machine that pauses is not.
    """
    times: list[float] = []
    while not times or times[-1] >= limit:
        assert len(times) < 5, f"took {times} s, not less than {limit}"
        times.append(attempt())


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    """Waits until a condition holds. The limit is for machines that are busy: nothing may depend on it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)
