"""Measures this SDK beside the official clients and plain reqwest, in one go and in turn: `make bench`.

    run.py [--only PART] [--rounds N] [--seconds S] [--quick] [--no-build] [--write]

PART is a part of a work's name, such as `create_64`, `python` or `node/stream`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import report
from prepare import NODES, PROGRAM, ROOT, prepare, python_of
from works import CORE, FETCH, NODE1, OURS, PLAIN, PYTHON1, PYTHON2, SYNCED, WORKS, Work

CASES = ROOT / "bench/cases"
UPLOAD = 90 << 20
# A process that takes longer is broken; work that takes longer than `ENOUGH` is measured once.
LIMIT, ENOUGH = 300, 30


class Server:
    """The server of the benchmarks, in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [str(PROGRAM), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.origin = self.process.stdout.readline().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def words(work: Work, client: str) -> tuple[list[Any], dict[str, str]]:
    """The command that does `work` with `client`, and what its environment needs besides."""
    programs = {PLAIN: "plain", SYNCED: "synced", CORE: "sdk"}
    if client in programs:
        return [PROGRAM, programs[client]], {}
    if work.language == "python":
        name = {OURS: "replicant", PYTHON1: "replicate1", PYTHON2: "replicate2"}[client]
        return [python_of(name), CASES / "cases.py", name], {}
    name = {OURS: "replicant", NODE1: "replicate", FETCH: "fetch"}[client]
    modules = NODES["replicant" if client == OURS else "replicate"]
    return ["node", CASES / "cases.mjs", name], {"BENCH_MODULES": str(modules)}


def measure(work: Work, client: str, server: Server, file: Path, seconds: float) -> Any:
    """What one process measured, or in a few words why it could not."""
    command, environment = words(work, client)
    command = [str(word) for word in (*command, work.key, server.origin, seconds)]
    environment = {**os.environ, **environment, "BENCH_FILE": str(file), "PYTHONWARNINGS": "ignore"}
    environment["BENCH_EQUAL"] = str(work.equal)
    environment.pop("REPLICATE_API_TOKEN", None)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return f"took more than {LIMIT} s"
    if done.returncode == 3:
        return done.stderr.strip()
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        return f"fails: {last[:120]}"
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures this SDK beside others.")
    parser.add_argument("--only", default="", help="measure only works with this in their name")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=0.6, help="how long one process repeats short works"
    )
    parser.add_argument("--quick", action="store_true", help="one short round, to try things out")
    parser.add_argument("--no-build", action="store_true", help="measure what was built before")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.3
    works = [work for work in WORKS if options.only in work.name]
    if not works:
        print(
            f"no work has {options.only!r} in its name; there are:", *(work.name for work in WORKS)
        )
        return 2
    prepare(build=not options.no_build)
    results: dict[str, dict[str, list[Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "upload.bin"
        file.write_bytes(os.urandom(1 << 20) * (UPLOAD >> 20))
        server = Server()
        for work in works:
            print(f"{work.name} ...", file=sys.stderr, flush=True)
            measured = results[work.name] = defaultdict(list)
            for _ in range(options.rounds):
                for client in work.clients:
                    before = measured[client]
                    # What cannot be done once is not tried again.
                    if not any(isinstance(run, str) or run["wall"] > ENOUGH for run in before):
                        before.append(measure(work, client, server, file, options.seconds))
            print("\n".join(report.lines(work, measured)), flush=True)
        server.close()
    text = report.document(works, results, options.rounds, options.seconds)
    if options.write:
        (ROOT / "bench/RESULTS.md").write_text(text)
    print(report.summary(works, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
