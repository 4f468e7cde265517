"""Runs a model over many rows of the emulator: `map` beside the official client, and the memory by the number of rows.

    python bench/batches.py [ROWS...]

Builds release packages. Each measurement is a process of its own. With the default, 10,000 and 200,000 rows, it takes about a
quarter of an hour.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MODEL = "acme/fast"
ROUNDS = 3
# Each program gets the number of rows, how many are in flight, and the path of a checkpoint or "". It prints a JSON object. A
# result is dropped at once, as in a program that writes it to a file.
MEASURE = """
import json, resource, sys, time
rows, concurrency, checkpoint = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
inputs = ({"value": number} for number in range(rows))
def report(began, failed):
    scale = 1 if sys.platform == "darwin" else 1024
    took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale
    print(json.dumps({"seconds": took, "failed": failed, "peak": peak, "cpu": time.process_time()}))
"""
THREADS = """
from concurrent.futures import ThreadPoolExecutor
began = time.monotonic()
def run(value):
    try:
        return client.run("acme/fast", input=value) is None
    except Exception:
        return True
with ThreadPoolExecutor(concurrency) as pool:
    report(began, sum(pool.map(run, inputs)))
"""
PROGRAMS = {
    "map": """
import replicant
client = replicant.Client("r8_bench")
options = {"checkpoint": checkpoint} if checkpoint else {}
began = time.monotonic()
results = client.map("acme/fast", inputs, concurrency=concurrency, **options)
report(began, sum(item.error is not None for item in results))
""",
    "threads": 'import replicant\nclient = replicant.Client("r8_bench")\n' + THREADS,
    "official": 'import replicate\nclient = replicate.Client(api_token="r8_bench")\n' + THREADS,
}


def measure(program: str, rows: int, concurrency: int, checkpoint: bool = False) -> dict[str, Any]:
    """Runs a program with an emulator of its own."""
    import prepare

    from replicant.testing import Emulator

    with (
        Emulator(keep=20_000, keep_requests=1) as emulator,
        tempfile.TemporaryDirectory() as folder,
    ):
        emulator.script(MODEL, output="a heron")
        path = Path(folder) / "batch.jsonl"
        arguments = [str(rows), str(concurrency), str(path) if checkpoint else ""]
        official = program == "official"
        python = prepare.python_of("replicate1" if official else "replicant")
        # The official client adds the version itself.
        base_url = emulator.base_url.removesuffix("/v1") if official else emulator.base_url
        ran = subprocess.run(
            [python, "-c", MEASURE + PROGRAMS[program], *arguments],
            env={**os.environ, "REPLICATE_BASE_URL": base_url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        result: dict[str, Any] = json.loads(ran.stdout)
        result["size"] = path.stat().st_size / rows if checkpoint else 0
    if result["failed"]:
        sys.exit(f"{program}: {result['failed']} of {rows} rows failed")
    return result


def compare(rows: int, concurrency: int) -> None:
    """Lets the programs take turns, and prints their medians beside those of the official client."""
    results: dict[str, list[dict[str, Any]]] = {program: [] for program in PROGRAMS}
    for _ in range(ROUNDS):
        for program, measured in results.items():
            measured.append(measure(program, rows, concurrency))

    def median(program: str, what: str) -> float:
        return statistics.median(one[what] for one in results[program])

    for program in PROGRAMS:
        faster = median("official", "seconds") / median(program, "seconds")
        cheaper = median("official", "cpu") / median(program, "cpu")
        print(
            f"{rows:7,} rows, {concurrency:5,} in flight, {program:8}: "
            f"{rows / median(program, 'seconds'):5.0f} rows/s ({faster:.1f}x), "
            f"{median(program, 'cpu') / rows * 1e6:5.0f} us of CPU time a row ({cheaper:.1f}x), "
            f"{median(program, 'peak') / 1e6:4.0f} MB",
            flush=True,
        )


def grow(rows: int, concurrency: int, checkpoint: bool) -> None:
    result = measure("map", rows, concurrency, checkpoint)
    print(
        f"{rows:7,} rows, {concurrency:5,} in flight, {'checkpoint' if checkpoint else 'none':10}: "
        f"{rows / result['seconds']:5.0f} rows/s, {result['peak'] / 1e6:4.0f} MB"
        + (f", {result['size']:.0f} bytes of the file for each row" if checkpoint else ""),
        flush=True,
    )


def main() -> None:
    import prepare

    prepare.install_official()
    prepare.build_python()
    prepare.command("cargo", "build", "--quiet", "--release", "--bin", "replicant-emulator")
    os.environ["REPLICANT_EMULATOR"] = str(prepare.TARGET / "release/replicant-emulator")
    counts = [int(count) for count in sys.argv[1:]] or [10_000, 200_000]
    compare(counts[0], 64)
    for rows in counts:
        for concurrency in (64, 1000) if rows == counts[0] else (64,):
            for checkpoint in (False, True):
                grow(rows, concurrency, checkpoint)


if __name__ == "__main__":
    main()
