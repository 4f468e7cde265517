"""Measures this SDK, the official clients and plain reqwest in turn: `make bench`.

    run.py [--only PART] [--rounds N] [--seconds S] [--warm S] [--quick] [--no-build] [--beside FOLDER] [--write]

PART is part of a workload's name, such as `create_64`, `python` or `node/stream`. FOLDER is a copy of
`target/bench/replicant-node` that an earlier version of this repository has made.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import report
from prepare import NODES, PROGRAM, ROOT, prepare, python_of
from workloads import (
    CORE,
    EARLIER,
    FETCH,
    NODE1,
    OURS,
    PLAIN,
    PYTHON1,
    PYTHON2,
    SYNCED,
    WORKLOADS,
    Workload,
)

CASES = ROOT / "bench/cases"
UPLOAD = 90 << 20
# In seconds: the time limit of a process, and the time from which a workload is measured only once.
LIMIT, ENOUGH = 300, 30


class Server:
    """The server of the benchmarks, as a child process."""

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


def command_of(workload: Workload, client: str) -> tuple[list[Any], dict[str, str]]:
    """Returns the command that runs a workload with `client`, and variables for its environment."""
    programs = {PLAIN: "plain", SYNCED: "synced", CORE: "sdk"}
    if client in programs:
        return [PROGRAM, programs[client]], {}
    if workload.language == "python":
        name = {OURS: "replicant", PYTHON1: "replicate1", PYTHON2: "replicate2"}[client]
        return [python_of(name), CASES / "cases.py", name], {}
    name = {NODE1: "replicate", FETCH: "fetch"}.get(client, "replicant")
    if workload.language.startswith("web-"):
        modules = NODES["replicate" if client == NODE1 else "replicant"]
        program = CASES / f"{workload.language}.mjs"
        return ["node", program, name], {
            "BENCH_MODULES": str(modules),
            "BENCH_TOOLS": str(NODES["replicate"]),
        }
    modules = NODES["replicant" if client == OURS else "replicate"]
    if client == EARLIER:
        modules = Path(os.environ["BENCH_EARLIER"])
    return ["node", CASES / "cases.mjs", name], {"BENCH_MODULES": str(modules)}


def measure(workload: Workload, client: str, server: Server, file: Path, seconds: float) -> Any:
    """Returns what one process measured, or a short reason why it could not."""
    command, environment = command_of(workload, client)
    command = [str(word) for word in (*command, workload.key, server.origin, seconds)]
    environment = {**os.environ, **environment, "BENCH_FILE": str(file), "PYTHONWARNINGS": "ignore"}
    environment["BENCH_EQUAL"] = str(workload.equal)
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
    parser = argparse.ArgumentParser(description="Measures this SDK and other clients.")
    parser.add_argument(
        "--only", default="", help="measure only workloads whose name contains this"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=0.6, help="how long one process repeats short workloads"
    )
    parser.add_argument(
        "--warm", default="0", help="seconds that JavaScript runs before it is measured"
    )
    parser.add_argument("--quick", action="store_true", help="one short round, as a smoke test")
    parser.add_argument("--no-build", action="store_true", help="use the existing build")
    parser.add_argument(
        "--beside", metavar="FOLDER", help="measure an earlier build of the Node package too"
    )
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.3
    workloads = [workload for workload in WORKLOADS if options.only in workload.name]
    if not workloads:
        print(
            f"no workload name contains {options.only!r}; the names are:",
            *(workload.name for workload in WORKLOADS),
        )
        return 2
    os.environ["BENCH_WARM"] = options.warm
    if options.beside:
        os.environ["BENCH_EARLIER"] = os.path.realpath(options.beside)
        workloads = [
            replace(workload, others=(*workload.others, EARLIER))
            if workload.language == "node"
            else workload
            for workload in workloads
        ]
    prepare(build=not options.no_build)
    results: dict[str, dict[str, list[Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "upload.bin"
        file.write_bytes(os.urandom(1 << 20) * (UPLOAD >> 20))
        server = Server()
        for workload in workloads:
            print(f"{workload.name} ...", file=sys.stderr, flush=True)
            measured = results[workload.name] = defaultdict(list)
            for _ in range(options.rounds):
                for client in workload.clients:
                    before = measured[client]
                    # A client that failed once is not run again.
                    if not any(isinstance(run, str) or run["wall"] > ENOUGH for run in before):
                        before.append(measure(workload, client, server, file, options.seconds))
            print("\n".join(report.lines(workload, measured)), flush=True)
        server.close()
    text = report.document(workloads, results, options.rounds, options.seconds)
    if options.write:
        (ROOT / "bench/RESULTS.md").write_text(text)
    print(report.summary(workloads, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
