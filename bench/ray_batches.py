"""Runs a model over rows with `replicant.ray`, on one machine: rows per second by the number of actors.

    python bench/ray_batches.py [ROWS]

Run by `make bench-ray` with the interpreter of `make test-tables`, which has Ray. Builds a release package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

MODEL = "acme/fast"
AT_ONCE = 64


def child(rows: int, actors: int) -> None:
    """Runs a job on a cluster of its own, and prints how long it took, without the start of the cluster."""
    import ray

    import replicant.ray

    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    table = ray.data.range(rows, override_num_blocks=max(rows // 500, actors)).materialize()
    began = time.monotonic()
    results = replicant.ray.predict(
        table,
        MODEL,
        input=lambda row: {"value": row["id"]},
        actors=actors,
        concurrency=AT_ONCE,
    )
    failed = sum(row["error"] is not None for row in results.iter_rows())
    print(json.dumps({"seconds": time.monotonic() - began, "failed": failed}))


def main() -> None:
    import prepare

    from replicant.testing import Emulator

    prepare.build_python()
    prepare.command("cargo", "build", "--quiet", "--release", "--bin", "replicant-emulator")
    os.environ["REPLICANT_EMULATOR"] = str(prepare.TARGET / "release/replicant-emulator")
    package = prepare.command(
        prepare.python_of("replicant"),
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
    )
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for actors in (1, 2):
        with Emulator(keep=20_000, keep_requests=1) as emulator:
            emulator.script(MODEL, output="a heron")
            environment = {
                **os.environ,
                "PYTHONPATH": package.strip(),
                "RAY_USAGE_STATS_ENABLED": "0",
                "REPLICATE_API_TOKEN": "r8_bench",
                "REPLICATE_BASE_URL": emulator.base_url,
            }
            ran = subprocess.run(
                [sys.executable, __file__, "--child", str(rows), str(actors)],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        result = json.loads(ran.stdout.splitlines()[-1])
        print(
            f"{rows:7,} rows, {AT_ONCE} in flight, {actors} actors on Ray: {rows / result['seconds']:5.0f} rows/s"
            + (f", {result['failed']} failed" if result["failed"] else ""),
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
