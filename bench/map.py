"""Measures batches with `map`: rows per second beside the official client, and memory.

    python bench/map.py [--no-build] [ROWS]

Each figure is from a process of its own with a release build, against the emulator without a rate limit, whose model ends at once. The official
client runs in a pool of 64 threads, because it has no batches. The memory is the growth of the resident set from a tenth of the
rows to all of them (default 200,000), which shows what a batch keeps for each row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import prepare

from replicant.testing import Emulator

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--no-build"]
ROWS = int(ARGUMENTS[0]) if ARGUMENTS else 200_000
# Rows for the speed: enough for some seconds.
SPEED = 5_000

OURS = """
import json, sys, time
import replicant

url, count, concurrency, checkpoint = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0

rows = ({"id": number, "value": number} for number in range(count))
options = {"checkpoint": checkpoint, "key": "id"} if checkpoint else {}
client = replicant.Client("r8_bench", base_url=url)
began, early, seen = time.monotonic(), 0.0, 0
for item in client.map(
    "emulator/echo", rows, input=lambda row: {"value": row["value"]}, concurrency=concurrency, **options
):
    seen += 1
    if seen == count // 10:
        early = resident()
assert seen == count
print(json.dumps({"seconds": time.monotonic() - began, "early": early, "late": resident()}))
"""

OFFICIAL = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
import replicate

count = int(sys.argv[2])
client = replicate.Client(api_token="r8_bench")
def run(value):
    return client.run("emulator/echo", input={"value": value})
began = time.monotonic()
with ThreadPoolExecutor(int(sys.argv[3])) as pool:
    assert len(list(pool.map(run, range(count)))) == count
print(json.dumps({"seconds": time.monotonic() - began}))
"""


def measure(
    python: Any, program: str, rows: int, concurrency: int, checkpoint: bool
) -> dict[str, float]:
    with Emulator() as emulator, tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "batch.jsonl") if checkpoint else ""
        arguments = [emulator.base_url, str(rows), str(concurrency), path]
        command = [python, "-c", program, *arguments]
        environment = {"REPLICATE_BASE_URL": emulator.base_url.removesuffix("/v1")}
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=environment,
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    prepare.install_official()
    if "--no-build" not in sys.argv:
        prepare.build_python()
    ours = prepare.python_of("replicant")
    official = prepare.python_of("replicate1")
    base = SPEED / measure(official, OFFICIAL, SPEED, 64, False)["seconds"]
    print(f"official client, 64 threads: {base:.0f} rows/s", flush=True)
    for concurrency in (64, 1000):
        for checkpoint in (False, True):
            rate = SPEED / measure(ours, OURS, SPEED, concurrency, checkpoint)["seconds"]
            name = "with a checkpoint" if checkpoint else "without a checkpoint"
            print(
                f"map, {concurrency:4} at a time, {name}: {rate:.0f} rows/s, {rate / base:.1f}x the official client",
                flush=True,
            )
    for checkpoint in (False, True):
        figures = measure(ours, OURS, ROWS, 64, checkpoint)
        growth = figures["late"] - figures["early"]
        name = "with keys and a checkpoint" if checkpoint else "without a checkpoint"
        print(
            f"map of {ROWS:,} rows, {name}: {figures['late']:.0f} MiB at the end, {growth:+.1f} MiB since row "
            f"{ROWS // 10:,}, {ROWS / figures['seconds']:.0f} rows/s",
            flush=True,
        )


if __name__ == "__main__":
    main()
