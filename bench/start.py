"""Measures how long an emulator takes to start: `make bench-start`.

Each figure is a median over processes in milliseconds: until the program has printed its addresses, and until the
constructor in Python and in Node has returned, the first time in a process and later.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMES = 10

PYTHON = """
import json, time
from replicant.testing import Emulator
times = []
for _ in range(3):
    began = time.perf_counter()
    with Emulator():
        times.append((time.perf_counter() - began) * 1000)
print(json.dumps(times))
"""
NODE = """
const { Emulator } = require("replicant/testing");
const times = [];
for (let n = 0; n < 3; n++) {
  const began = performance.now();
  const emulator = new Emulator();
  times.push(performance.now() - began);
  emulator.close();
}
console.log(JSON.stringify(times));
"""


def program(path: str) -> float:
    began = time.perf_counter()
    process = subprocess.Popen([path, "--child"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    process.stdout.readline()
    took = (time.perf_counter() - began) * 1000
    process.communicate()
    return took


def constructor(*command: str) -> list[float]:
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    times: list[float] = json.loads(done.stdout)
    return times


def main() -> None:
    path = os.environ["REPLICANT_EMULATOR"]
    python = [constructor(sys.executable, "-c", PYTHON) for _ in range(TIMES)]
    node = [constructor("node", "--eval", NODE) for _ in range(TIMES)]
    rows = {
        "program": [program(path) for _ in range(TIMES)],
        "Python, first": [first for first, *_ in python],
        "Python, later": [later for _, *others in python for later in others],
        "Node, first": [first for first, *_ in node],
        "Node, later": [later for _, *others in node for later in others],
    }
    for name, times in rows.items():
        print(f"{name:14} {statistics.median(times):6.1f} ms")
    print(f"{'size':14} {os.path.getsize(path) / 1e6:6.1f} MB")


if __name__ == "__main__":
    main()
