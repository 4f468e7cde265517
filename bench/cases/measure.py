"""Measures one workload in this process, as `measure.mjs` and `server/src/measure.rs` do."""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import Any, Awaitable, Callable


def peak() -> int:
    """Returns the peak resident memory in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        # Not on Linux. The figure may include the parent process.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


# Memory is read after this many rounds: a client that does more rounds has more garbage.
EQUAL = int(os.environ.get("BENCH_EQUAL", "1"))


class Clock:
    """Measures from its creation to `stop`, which prints the figures."""

    def __init__(self) -> None:
        self.memory, self.after_equal = peak(), 0
        self.cpu = time.process_time()
        self.wall = time.perf_counter()

    def passed(self) -> float:
        return time.perf_counter() - self.wall

    def round(self, number: int) -> None:
        if number == EQUAL:
            self.after_equal = peak()

    def stop(self, items: int, **more: Any) -> None:
        wall, cpu = self.passed(), time.process_time() - self.cpu
        memory = self.after_equal or peak()
        measured = {"items": items, "wall": wall, "cpu": cpu, "rss": memory}
        print(json.dumps({**measured, "grown": peak() - self.memory, **more}))


def report(seconds: float, work: Callable[[], int]) -> None:
    """Measures `work`, which returns its number of items, repeatedly after one unmeasured round."""
    work()
    clock, items, rounds = Clock(), 0, 0
    while rounds < EQUAL or clock.passed() < seconds:
        items, rounds = items + work(), rounds + 1
        clock.round(rounds)
    clock.stop(items)


async def report_async(seconds: float, work: Callable[[], Awaitable[int]]) -> None:
    """Does the same as `report` for a coroutine function."""
    await work()
    clock, items, rounds = Clock(), 0, 0
    while rounds < EQUAL or clock.passed() < seconds:
        items, rounds = items + await work(), rounds + 1
        clock.round(rounds)
    clock.stop(items)


def once(work: Callable[[], int], **more: Any) -> None:
    """Measures one round of `work`."""
    clock = Clock()
    clock.stop(work(), **more)
