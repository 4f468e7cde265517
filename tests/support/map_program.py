"""Runs a batch with a checkpoint and prints each result as a line of JSON.

python tests/support/map_program.py CHECKPOINT ROWS DELAY [drain]

With `drain`, it prints "interrupted" at a first Ctrl-C.
"""

from __future__ import annotations

import json
import sys

import replicant

path, count, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
rows = ({"id": number, "input": {"value": number, "delay": delay}} for number in range(count))
with replicant.Client().map(
    "emulator/echo",
    rows,
    input="input",
    key="id",
    concurrency=8,
    checkpoint=path,
    drain="drain" in sys.argv,
) as results:
    try:
        for item in results:
            line = {"key": item.key, "status": item.status, "output": item.output}
            print(json.dumps(line), flush=True)
    except KeyboardInterrupt:
        if "drain" in sys.argv:
            print("interrupted", flush=True)
        raise
