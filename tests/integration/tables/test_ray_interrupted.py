"""Jobs on Ray that lose an actor, are interrupted and continue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from conftest import creates, environment, eventually, new_emulator, paid

from replicant.testing import Emulator

pytest.importorskip("ray")

PROGRAM = Path(__file__).with_name("ray_program.py")
MODEL = "acme/captioner"


class Job:
    """A running job."""

    def __init__(self, emulator: Emulator, folder: Path, variables: Dict[str, str], **more: Any):
        folder.mkdir(exist_ok=True)
        self.emulator = emulator
        self.folder = folder
        given = {"model": MODEL, "pids": str(folder), **more}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(given)],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def until(self, condition: Callable[[], bool]) -> None:
        def reached() -> bool:
            assert self.process.poll() is None, self.process.communicate()[1]
            return condition()

        eventually(reached, 120)

    def kill_actor(self) -> None:
        pid = int(next(self.folder.iterdir()).name)
        os.kill(pid, signal.SIGKILL)

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        assert self.process.returncode != 0

    def finish(self) -> Any:
        try:
            output, errors = self.process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            # Ray's processes end with their driver.
            self.process.kill()
            raise
        assert self.process.returncode == 0, errors
        return json.loads(output) if output.strip() else None


def test_no_row_is_lost_and_none_is_paid_twice(tmp_path: Path) -> None:
    count = 5000
    with new_emulator(rate_limit=9000, rate_burst=150) as emulator:
        emulator.script(MODEL, output="a heron", delay=0.2)
        variables = environment(emulator)
        common: Dict[str, Any] = {
            "rows": count,
            "checkpoint": str(tmp_path / "checkpoint"),
            "concurrency": 128,
        }

        def created() -> int:
            return len(emulator.predictions)

        job = Job(emulator, tmp_path / "1", variables, blocks=10, batch_size=256, **common)
        job.until(lambda: created() > 1000)
        job.kill_actor()
        job.until(lambda: created() > 2500)
        job.interrupt()
        # Cut into other batches than before.
        job = Job(emulator, tmp_path / "2", variables, blocks=7, batch_size=200, **common)
        summary = job.finish()
        assert summary["ids"] == list(range(count))
        counted = paid(emulator, "value")
        assert set(counted.values()) == {1}
        # Rows whose creates were about to be sent in the moment of a kill. Each prediction that exists is found.
        unknown = set(summary["unknown"])
        assert not unknown & counted.keys()
        assert len(unknown) <= common["concurrency"]
        statuses = {"succeeded": count - len(unknown), "unknown": len(unknown)}
        assert summary["statuses"] == {name: rows for name, rows in statuses.items() if rows}
        assert creates(emulator) <= 1.05 * count


def test_the_checkpoints_of_ray_and_of_this_package_work_together(tmp_path: Path) -> None:
    import pyarrow.parquet

    count = 600
    with new_emulator() as emulator:
        variables = environment(emulator)
        out = tmp_path / "out"
        common: Dict[str, Any] = {
            "rows": count,
            "blocks": 6,
            "out": str(out),
            "checkpoint": str(tmp_path / "checkpoint"),
            "batch_size": 50,
            "model": "emulator/echo",
            "slow_from": 400,
            # Ray's filter of finished rows reserves one for itself, and reading needs the other.
            "cpus": 2,
        }
        job = Job(emulator, tmp_path / "1", variables, **common)
        # Some blocks are written, and some are not.
        job.until(lambda: any(out.glob("*.parquet")))
        job.interrupt()
        written = pyarrow.parquet.read_table(out).num_rows
        assert 0 < written < count
        Job(emulator, tmp_path / "2", variables, **common).finish()
        table = pyarrow.parquet.read_table(out)
        assert sorted(table["id"].to_pylist()) == list(range(count))
        assert table["output"].to_pylist() == [str(value) for value in table["id"].to_pylist()]
        assert set(paid(emulator, "value").values()) == {1}


def test_the_api_cancels_the_predictions_of_a_job_that_was_killed(tmp_path: Path) -> None:
    with new_emulator() as emulator:
        variables = environment(emulator)
        job = Job(
            emulator,
            tmp_path / "1",
            variables,
            model="emulator/endless",
            rows=20,
            blocks=2,
            timeout=20,
        )
        job.until(lambda: len(emulator.predictions) == 20)
        for pid in job.folder.iterdir():
            os.kill(int(pid.name), signal.SIGKILL)
        job.interrupt()
        before = len(emulator.predictions)
        emulator.time.advance(30)
        eventually(
            lambda: {one["status"] for one in emulator.predictions} <= {"canceled", "aborted"}
        )
        assert len(emulator.predictions) == before
