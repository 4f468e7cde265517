"""A job on Ray that a test interrupts.

python ray_program.py SETTINGS

SETTINGS is JSON: `model`, `rows`, `blocks`, options of `predict`, `pids`, a folder with a file for each actor that has begun, and
maybe `out`, a folder for files in Parquet with Ray's own checkpoint. Otherwise it prints a summary of the rows. With `then`, which
is `leave` or `stay`, it stays until its standard input ends: after it has left the results at a line of it, or after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from typing import Any, Dict

import ray
from ray.data import DataContext
from ray.data.checkpoint import CheckpointConfig

import replicant.ray

settings = json.loads(sys.argv[1])


def row_input(row: Dict[str, Any]) -> Dict[str, Any]:
    path = f"{settings['pids']}/{os.getpid()}"
    if not os.path.exists(path):
        open(path, "w").close()
    # Rows from this one on take longer.
    slow = row["id"] >= settings.get("slow_from", sys.maxsize)
    return {"value": row["id"], "delay": settings.get("slow", 4.0) if slow else 0.1}


ray.init(
    num_cpus=settings.get("cpus", 2),
    include_dashboard=False,
    log_to_driver=False,
    logging_level="ERROR",
)
context = DataContext.get_current()
context.enable_progress_bars = False
if "out" in settings:
    context.checkpoint_config = CheckpointConfig(
        id_column="id",
        checkpoint_path=settings["out"] + "-checkpoint",
        delete_checkpoint_on_success=False,
    )
rows = ray.data.range(settings["rows"], override_num_blocks=settings["blocks"])
names = ("batch_size", "checkpoint", "timeout", "concurrency")
results = replicant.ray.predict(
    rows,
    settings["model"],
    input=row_input,
    key=None if "out" in settings else "id",
    actors=2,
    **{name: settings[name] for name in names if name in settings},
)
if "out" in settings:
    results.write_parquet(settings["out"])
elif "then" in settings:
    try:
        for _ in results.iter_batches(batch_size=1, prefetch_batches=0):
            if settings["then"] == "leave":
                print("first", flush=True)
                sys.stdin.readline()
                break
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    sys.stdin.read()
else:
    found = results.take_all()
    summary = {
        "ids": sorted(row["id"] for row in found),
        "statuses": Counter(row["status"] for row in found),
        "unknown": [row["id"] for row in found if row["status"] == "unknown"],
        "errors": [row["error"] for row in found if row["error"]][:5],
    }
    print(json.dumps(summary), flush=True)
