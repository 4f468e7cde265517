"""Jobs on Ray that lose an actor, are interrupted and continue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
from conftest import creates, environment, new_emulator
from waiting import eventually

from replicant.testing import Emulator

pytest.importorskip("ray")

PROGRAM = Path(__file__).with_name("ray_program.py")
MODEL = "acme/captioner"


class Job:
    """A running job."""

    all: List[Job] = []

    def __init__(self, emulator: Emulator, folder: Path, variables: Dict[str, str], **more: Any):
        folder.mkdir(exist_ok=True)
        self.emulator = emulator
        self.folder = folder
        self.all.append(self)
        given = {"model": MODEL, "pids": str(folder), **more}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(given)],
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
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

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def finish(self) -> Any:
        # Ends the standard input, too.
        output, errors = self.process.communicate(timeout=180)
        assert self.process.returncode == 0, errors
        return json.loads(output) if output.strip() else None


@pytest.fixture(autouse=True)
def no_job_remains() -> Iterator[None]:
    yield
    for job in Job.all:
        # Ray's processes end with their driver.
        job.process.kill()
    Job.all.clear()


def statuses(emulator: Emulator) -> Counter[str]:
    return Counter(one["status"] for one in emulator.predictions)


def succeeded(emulator: Emulator) -> Counter[int]:
    """Returns the number of predictions that succeeded for each row."""
    ended = [one for one in emulator.predictions if one["status"] == "succeeded"]
    return Counter(one["input"]["value"] for one in ended)


def test_no_row_is_lost_and_none_is_created_twice(tmp_path: Path) -> None:
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
        before = len(list(job.folder.iterdir()))
        job.kill_actor()
        job.until(lambda: created() > 2500)
        # The actor that replaced it runs rows.
        job.until(lambda: len(list(job.folder.iterdir())) > before)
        assert created() < count - 1000
        job.interrupt()
        # What ran when the driver was interrupted is canceled, and only this is created again.
        interrupted = statuses(emulator)
        assert interrupted.keys() == {"succeeded", "canceled"}
        assert interrupted["canceled"] <= common["concurrency"]
        # Cut into other batches than before.
        job = Job(emulator, tmp_path / "2", variables, blocks=7, batch_size=200, **common)
        summary = job.finish()
        assert summary["ids"] == list(range(count))
        assert statuses(emulator)["canceled"] == interrupted["canceled"]
        counted = succeeded(emulator)
        assert set(counted.values()) == {1}
        # Rows whose creates were about to be sent in the moment of a kill. Each prediction that exists is found.
        unknown = set(summary["unknown"])
        assert not unknown & counted.keys()
        assert len(unknown) <= common["concurrency"]
        expected = {"succeeded": count - len(unknown), "unknown": len(unknown)}
        assert summary["statuses"] == {name: rows for name, rows in expected.items() if rows}
        assert len(counted) == count - len(unknown)
        assert creates(emulator) <= 1.05 * count + interrupted["canceled"]


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
        interrupted = statuses(emulator)
        assert interrupted.keys() <= {"succeeded", "canceled"}
        assert interrupted["canceled"] <= 64
        written = pyarrow.parquet.read_table(out).num_rows
        assert 0 < written < count
        Job(emulator, tmp_path / "2", variables, **common).finish()
        table = pyarrow.parquet.read_table(out)
        assert sorted(table["id"].to_pylist()) == list(range(count))
        assert table["output"].to_pylist() == [str(value) for value in table["id"].to_pylist()]
        assert succeeded(emulator) == dict.fromkeys(range(count), 1)
        assert statuses(emulator)["canceled"] == interrupted["canceled"]


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
            lambda: {one["status"] for one in emulator.predictions} <= {"canceled", "aborted"}, 60
        )
        assert len(emulator.predictions) == before


@pytest.mark.parametrize("then", [None, "stay"])
def test_ctrl_c_cancels_what_runs(tmp_path: Path, then: Optional[str]) -> None:
    with new_emulator() as emulator:
        variables = environment(emulator)
        more = {} if then is None else {"then": then}
        job = Job(
            emulator,
            tmp_path / "1",
            variables,
            model="emulator/endless",
            rows=400,
            blocks=20,
            batch_size=10,
            concurrency=40,
            timeout=3600,
            **more,
        )
        job.until(lambda: statuses(emulator) == {"processing": 40})
        if then is None:
            job.interrupt()
            # Sent before the driver ended.
            assert statuses(emulator) == {"canceled": 40}
        else:
            # As in a notebook, where the driver goes on.
            job.process.send_signal(signal.SIGINT)
            eventually(lambda: statuses(emulator) == {"canceled": 40})
            assert job.line() == "interrupted\n"
            time.sleep(2)
            assert job.process.poll() is None
            assert statuses(emulator) == {"canceled": 40}, "the waiting batches must not begin"
            job.finish()


def test_leaving_the_results_cancels_what_runs(tmp_path: Path) -> None:
    with new_emulator() as emulator:
        variables = environment(emulator)
        job = Job(
            emulator,
            tmp_path / "1",
            variables,
            model="emulator/echo",
            rows=100,
            blocks=10,
            batch_size=10,
            slow_from=10,
            slow=3600.0,
            timeout=7200,
            then="leave",
        )
        assert job.line() == "first\n"
        job.until(lambda: statuses(emulator)["processing"] > 20)
        assert job.process.stdin is not None
        job.process.stdin.write("\n")
        job.process.stdin.flush()
        eventually(lambda: statuses(emulator).keys() == {"succeeded", "canceled"})
        assert statuses(emulator)["succeeded"] == 10
        assert job.process.poll() is None
        job.finish()
