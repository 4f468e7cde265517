"""What the soak programs share: their server, and the resources of a process."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

# A full run has 100,000 requests. SOAK=small takes seconds.
SMALL = os.environ.get("SOAK") == "small"
REQUESTS = 1_000 if SMALL else 100_000
GROWTH = 8  # MiB
PAUSE = 50 if SMALL else 20  # milliseconds of CPU time


class Server:
    """The server of the soak runs, in a child process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", str(Path(__file__).with_name("server.mjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.origin: str = json.loads(self._process.stdout.readline())["origin"]

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.origin}/counts") as response:
            counts: dict[str, int] = json.load(response)
        return counts

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Usage:
    """The memory, descriptors and threads of a process."""

    def __init__(self, pid: int | str = "self") -> None:
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        self.memory = int(fields["VmRSS"].split()[0]) / 1024
        self.threads = int(fields["Threads"])
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))


def settled(pid: int | str, condition: Callable[[Usage], bool], seconds: float = 60) -> Usage:
    """Returns the resources once `condition` holds, or after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        usage = Usage(pid)
        if condition(usage) or time.monotonic() > end:
            return usage
        time.sleep(0.1)


def report(
    language: str,
    counts: dict[str, int],
    before: Usage,
    after: Usage,
    pauses: Sequence[float] = (),
) -> bool:
    """Prints the figures and returns whether they are within the bounds.

    `pauses` are those of the event loop, in milliseconds of CPU time.
    """
    growth = after.memory - before.memory
    print(f"{language}: {counts['requests']} requests, {counts['faults']} faults")
    print(
        f"  memory {before.memory:.1f} MiB after the warm-up, grew by {growth:+.1f} MiB (at most {GROWTH})"
    )
    print(f"  descriptors {before.descriptors} before, {after.descriptors} after")
    print(f"  threads {before.threads} before, {after.threads} after")
    ordered = sorted(pauses) or [0.0]
    most = ordered[(len(ordered) - 1) * 999 // 1000]
    if pauses:
        print(
            f"  pauses of the event loop, CPU time: {most:.1f} ms in 99.9 % (at most {PAUSE}),"
            f" the longest {ordered[-1]:.1f} ms"
        )
    fine = (
        growth < GROWTH
        and after.descriptors <= before.descriptors
        and after.threads <= before.threads
        and most < PAUSE
    )
    print("  within the bounds" if fine else "  NOT within the bounds")
    return fine
