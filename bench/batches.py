"""Runs `map` over many rows of the emulator: the rows per second, and the memory by the number of rows.

    python bench/batches.py [ROWS...]

Each measurement is a process of its own. The default, 10,000 and 200,000 rows, takes about half an hour with a development build.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from replicant.testing import Emulator

MODEL = "acme/fast"


def child(rows: int, concurrency: int, checkpoint: str) -> None:
    """Runs a batch, and prints its time and the most memory that the process has had."""
    import replicant

    client = replicant.Client("token")
    inputs = ({"value": number} for number in range(rows))
    options = {"checkpoint": checkpoint} if checkpoint else {}
    began = time.monotonic()
    # A result is dropped at once, as in a program that writes it to a file.
    failed = sum(
        item.error is not None
        for item in client.map(MODEL, inputs, concurrency=concurrency, **options)  # type: ignore[arg-type]
    )
    took = time.monotonic() - began
    scale = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    print(json.dumps({"seconds": took, "failed": failed, "peak": peak}))


def measure(rows: int, concurrency: int, checkpoint: bool) -> None:
    with (
        Emulator(keep=20_000, keep_requests=1) as emulator,
        tempfile.TemporaryDirectory() as folder,
    ):
        emulator.script(MODEL, output="a heron")
        path = Path(folder) / "batch.jsonl"
        arguments = [str(rows), str(concurrency), str(path) if checkpoint else ""]
        ran = subprocess.run(
            [sys.executable, __file__, "--child", *arguments],
            env={**os.environ, "REPLICATE_BASE_URL": emulator.base_url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        result = json.loads(ran.stdout)
        size = path.stat().st_size / rows if checkpoint else 0
    print(
        f"{rows:7,} rows, {concurrency:5,} in flight, {'checkpoint' if checkpoint else 'none':10}: "
        f"{rows / result['seconds']:5.0f} rows/s, {result['peak'] / 1e6:4.0f} MB"
        + (f", {size:.0f} bytes of the file for each row" if checkpoint else "")
        + (f", {result['failed']} failed" if result["failed"] else ""),
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
        return
    counts = [int(count) for count in sys.argv[1:]] or [10_000, 200_000]
    for checkpoint in (False, True):
        for concurrency in (64, 1000):
            measure(counts[0], concurrency, checkpoint)
    for rows in counts[1:]:
        for checkpoint in (False, True):
            measure(rows, 64, checkpoint)


if __name__ == "__main__":
    main()
