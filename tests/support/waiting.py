"""Waits for what other processes do."""

from __future__ import annotations

import time
from typing import Callable


def eventually(condition: Callable[[], object], seconds: float = 30) -> None:
    """Waits until a condition holds. The limit is for machines that are busy: nothing may depend on it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)
