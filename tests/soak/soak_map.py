"""Kills batches at random moments and checks that they lose no result and pay none twice: part of `make soak`.

    python tests/soak/soak_map.py [KILLS] [LANGUAGE...]

A program runs a batch with a checkpoint and is killed with SIGKILL after a random time, until a run of it reaches the end.
For each row there must then be one result, and at most one prediction. A row whose create was sent when the process was
killed may be `unknown`, if its prediction is not found.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from support import SMALL

from replicant.testing import Emulator

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests/support"
COMMANDS = {
    "python": [sys.executable, str(PROGRAMS / "map_program.py")],
    "node": ["node", str(PROGRAMS / "map_program.mjs")],
    "rust": [str(ROOT / "target/debug/examples/map_program")],
}
ROWS = 150
DELAY = 0.05
# Longer than a program takes to start, so that each run advances.
LONGEST = 1.2


class Totals:
    def __init__(self) -> None:
        self.kills = self.rows = self.predictions = self.unknown = self.resumed = 0


def run(command: list[str], environment: dict[str, str], limit: float) -> list[Any] | None:
    """Returns the results of a run; None if it was killed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    assert process.returncode == 0, f"exit code {process.returncode}"
    return [json.loads(line) for line in output.splitlines()]


def job(language: str, emulator: Emulator, generator: random.Random, totals: Totals) -> None:
    """Runs one batch to its end, with kills."""
    environment = {
        **os.environ,
        "REPLICATE_BASE_URL": emulator.base_url,
        "REPLICATE_API_TOKEN": "r8_soak",
    }
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(Path(folder) / "batch.jsonl"), str(ROWS), str(DELAY)]
        items = None
        kills = 0
        while items is None:
            limit = generator.uniform(0.1, LONGEST) if kills < 40 else 60.0
            items = run([*COMMANDS[language], *arguments], environment, limit)
            kills += items is None
    paid: dict[int, int] = {}
    for prediction in emulator.predictions:
        number = prediction["input"]["value"]
        paid[number] = paid.get(number, 0) + 1
    assert sorted(item["key"] for item in items) == list(range(ROWS)), (
        "rows are missing or repeated"
    )
    for item in items:
        number, times = item["key"], paid.get(item["key"], 0)
        assert times <= 1, f"row {number} was paid {times} times"
        if item["status"] == "unknown":
            totals.unknown += 1
        else:
            assert (item["status"], item["output"], times) == ("succeeded", number, 1), item
    totals.kills += kills
    totals.rows += ROWS
    totals.predictions += sum(paid.values())
    emulator.reset()


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 3 if SMALL else 100
    for language in sys.argv[2:] or list(COMMANDS):
        generator, totals = random.Random(kills), Totals()
        with Emulator() as emulator:
            while totals.kills < kills:
                job(language, emulator, generator, totals)
        print(
            f"{language}: {totals.kills} kills, {totals.rows} rows, {totals.predictions} predictions, none created twice, "
            f"no result lost, {totals.unknown} unknown",
            flush=True,
        )


if __name__ == "__main__":
    main()
