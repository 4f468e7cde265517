"""Batches with `map`, apart from what the conformance cases cover."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, eventually, numbers, statuses

import replicant
from replicant.testing import Emulator

PROGRAM = ROOT / "tests/support/map_program.py"


def test_items_have_their_rows_and_inputs(local: Emulator) -> None:
    rows = [{"id": f"row {number}", "number": number} for number in range(50)]
    results = local.client().map(
        "emulator/echo", rows, input=lambda row: {"value": row["number"]}, key="id"
    )
    for item in results:
        assert item.row is rows[item.index]
        assert item.key == item.row["id"]
        assert item.input == {"value": item.output}
        assert isinstance(item.prediction, replicant.Prediction)
        assert item.prediction.output == item.output == item.row["number"]
    assert results.stats.succeeded == results.stats.total == 50
    with pytest.raises(StopIteration):
        next(results)


def test_rows_may_be_objects_and_inputs_their_members(local: Emulator) -> None:
    class Row:
        def __init__(self, number: int) -> None:
            self.name = f"row {number}"
            self.inputs = {"value": number}

    rows = (Row(number) for number in range(3))
    results = local.client().map("emulator/echo", rows, input="inputs", key="name", ordered=True)
    assert [(item.key, item.output) for item in results] == [
        ("row 0", 0),
        ("row 1", 1),
        ("row 2", 2),
    ]


def test_rows_are_read_as_they_are_needed(local: Emulator) -> None:
    read = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal read
        while True:
            read += 1
            yield {"value": read}

    with local.client().map("emulator/echo", rows(), concurrency=4) as results:
        for number, _ in zip(range(20), results):
            assert read <= number + 1 + 3 * 4
    assert next(results, None) is None
    eventually(lambda: "processing" not in statuses(local))


def test_rows_are_read_in_the_thread_of_the_loop(local: Emulator) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for number in range(10):
            assert threading.current_thread() is threading.main_thread()
            yield {"value": number}

    assert len(list(local.client().map("emulator/echo", rows()))) == 10


@pytest.mark.parametrize("where", ["rows", "input", "key"])
def test_an_exception_in_a_row_ends_the_batch(local: Emulator, where: str) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"value": 1}
        yield {"value": 2} if where != "rows" else {}["missing"]

    def second(row: dict[str, Any]) -> Any:
        return row if row["value"] == 1 else {}["missing"]

    options: dict[str, Any] = {}
    if where == "input":
        options["input"] = second
    if where == "key":
        options["key"] = lambda row: str(second(row)["value"])
    with pytest.raises(KeyError, match="missing"):
        list(local.client().map("emulator/echo", rows(), **options))


@pytest.mark.parametrize("argument", ["input", "key"])
def test_a_member_that_a_row_lacks_ends_the_batch(local: Emulator, argument: str) -> None:
    class Row:
        id = 1

    for row, has in [({"value": 1, "seed": 2}, "it has value, seed"), (Row(), "it is of type Row")]:
        with pytest.raises(replicant.InvalidArgumentError) as error:
            list(local.client().map("emulator/echo", [row], **{argument: "other"}))  # type: ignore[arg-type]
        expected = f"`{argument}` names the member 'other', which a row does not have; {has}"
        assert (str(error.value), error.value.argument) == (expected, argument)
    assert not local.predictions


def test_leaving_a_loop_cancels_what_runs(local: Emulator) -> None:
    rows = [{"value": 0}] + [{"value": 1, "delay": 60}] * 10
    for item in local.client().map("emulator/echo", rows, concurrency=5):
        assert item.output == 0
        break
    del item
    gc.collect()
    eventually(lambda: statuses(local).count("canceled") == len(statuses(local)) - 1)


def test_a_block_with_drain_finishes_what_runs(local: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    rows = [{"value": number, "delay": 0.2} for number in range(50)]
    options: Any = {"concurrency": 5, "checkpoint": path, "drain": True}
    with local.client().map("emulator/echo", rows, **options) as results:
        next(results)
    assert results.stats.stopped == "requested"
    assert set(statuses(local)) == {"succeeded"}
    done = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("step") for line in done].count("done") == len(statuses(local)) < 20


def test_a_batch_can_be_stopped_by_its_loop(local: Emulator) -> None:
    results = local.client().map("emulator/echo", numbers(1000), concurrency=4)
    count = 0
    for _ in results:
        count += 1
        if count == 10:
            results.stop()
    assert 10 <= count < 30
    assert results.stats.stopped == "requested"


def test_a_batch_continues_in_the_same_process(local: Emulator, tmp_path: Path) -> None:
    client = local.client()
    options: Any = {"key": "value", "checkpoint": tmp_path / "batch.jsonl", "concurrency": 4}
    with client.map("emulator/echo", numbers(30), **options) as first:
        seen = {item.key for item, _ in zip(first, range(10))}
    items = list(client.map("emulator/echo", numbers(30), **options))
    assert sorted(item.key for item in items) == list(range(30))
    assert {item.key for item in items if item.resumed} >= seen
    assert [item for item in items if item.error] == []
    succeeded = [p for p in local.predictions if p["status"] == "succeeded"]
    assert len(succeeded) == 30


def test_the_progress_is_reported(local: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[replicant.MapStats] = []
    list(local.client().map("emulator/echo", numbers(100), progress=seen.append))
    assert seen[-1].succeeded == seen[-1].total == 100
    assert [stats.succeeded for stats in seen] == sorted(stats.succeeded for stats in seen)
    list(local.client().map("emulator/echo", iter(numbers(3)), progress=True))
    assert "emulator/echo" in capsys.readouterr().err


def test_files_are_saved(local: Emulator, tmp_path: Path) -> None:
    @local.model("acme/painter")
    def paint(name: str) -> Path:
        path = tmp_path / f"drawn-{name}.txt"
        path.write_text(name)
        return path

    rows = [{"name": "heron"}, {"name": "harbor"}]
    results = local.client().map("acme/painter", rows, key="name", save_to=tmp_path / "out")
    for item in results:
        assert Path(item.output).read_text() == item.key
        assert Path(item.output).name == f"{item.key}.txt"


@pytest.mark.parametrize("wrong", ["text", {"a": 1}, b"bytes"])
def test_rows_that_are_no_rows_are_an_error(local: Emulator, wrong: Any) -> None:
    with pytest.raises(replicant.InvalidArgumentError, match="`rows` must be an iterable of rows"):
        local.client().map("emulator/echo", wrong)


def test_asynchronous_rows_need_an_asynchronous_loop(local: Emulator) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"value": 1}

    with pytest.raises(replicant.InvalidArgumentError, match="use `async for`"):
        list(local.client().map("emulator/echo", rows()))


async def client_of(local: Emulator) -> replicant.AsyncClient:
    return replicant.AsyncClient("token", base_url=local.base_url)


async def test_a_slow_source_does_not_delay_results(local: Emulator) -> None:
    release = asyncio.Event()

    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"value": 1}
        yield {"value": 2}
        await release.wait()
        yield {"value": 3}

    client = await client_of(local)
    async with client.map("emulator/echo", rows()) as results:
        first = {(await results.__anext__()).output for _ in range(2)}
        assert first == {1, 2}
        release.set()
        assert [item.output async for item in results] == [3]


async def test_leaving_an_awaited_loop_cancels_what_runs(local: Emulator) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"value": 0}
        yield {"value": 1, "delay": 60}
        await asyncio.sleep(3600)

    client = await client_of(local)
    async for item in client.map("emulator/echo", rows()):
        assert item.output == 0
        await asyncio.to_thread(eventually, lambda: len(statuses(local)) == 2)
        break
    gc.collect()
    await asyncio.to_thread(eventually, lambda: "canceled" in statuses(local))


async def test_a_closed_batch_can_be_iterated_again(local: Emulator) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"value": 0}
        await asyncio.sleep(3600)

    client = await client_of(local)
    async with client.map("emulator/echo", rows()) as results:
        async for item in results:
            assert item.output == 0
            break
    # The reader of the rows is canceled meanwhile.
    await asyncio.sleep(0.1)
    assert [item async for item in results] == []


async def test_an_exception_of_a_slow_source_ends_the_batch(local: Emulator) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"value": 1, "delay": 60}
        await asyncio.sleep(0.2)
        raise ValueError("no more")

    client = await client_of(local)
    with pytest.raises(ValueError, match="no more"):
        async for _ in client.map("emulator/echo", rows()):
            pass
    await asyncio.to_thread(eventually, lambda: statuses(local) == ["canceled"])


async def test_a_canceled_task_cancels_what_runs(local: Emulator) -> None:
    client = await client_of(local)

    async def work() -> None:
        async for _ in client.map("emulator/echo", [{"value": 1, "delay": 60}] * 3):
            pass

    task = asyncio.create_task(work())
    await asyncio.to_thread(eventually, lambda: len(statuses(local)) == 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(eventually, lambda: set(statuses(local)) == {"canceled"})


async def test_an_awaited_block_with_drain_finishes_what_runs(local: Emulator) -> None:
    client = await client_of(local)
    rows = [{"value": number, "delay": 0.2} for number in range(50)]
    async with client.map("emulator/echo", rows, concurrency=5, drain=True) as results:
        await results.__anext__()
    assert set(statuses(local)) == {"succeeded"}


def start(local: Emulator, path: Path, *arguments: str) -> subprocess.Popen[str]:
    """Starts a program that runs a batch with a checkpoint, and prints each result as a line."""
    environment = {
        **os.environ,
        "REPLICATE_BASE_URL": local.base_url,
        "REPLICATE_API_TOKEN": "r8_x",
    }
    command = [sys.executable, str(PROGRAM), str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_cancels_and_the_batch_continues_later(local: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    # Rows end when the clock is advanced.
    process = start(local, path, "40", "60")
    eventually(lambda: len(statuses(local)) == 8)
    local.time.advance(60)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    eventually(lambda: not {"starting", "processing"} & set(statuses(local)))
    process = start(local, path, "40", "60")
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        local.time.advance(60)
        time.sleep(0.05)
    items = [json.loads(line) for line in process.communicate(timeout=60)[0].splitlines()]
    assert sorted(item["key"] for item in items) == list(range(40))
    assert {item["status"] for item in items} == {"succeeded"}, output


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_in_a_block_with_drain_finishes_what_runs(local: Emulator, tmp_path: Path) -> None:
    process = start(local, tmp_path / "batch.jsonl", "200", "0.5", "drain")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert set(statuses(local)) == {"succeeded"}
    # A second one leaves at once.
    local.reset()
    process = start(local, tmp_path / "other.jsonl", "200", "600", "drain")
    eventually(lambda: len(statuses(local)) >= 8)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "interrupted\n"
    # The exit of the block begins to wait.
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    eventually(lambda: set(statuses(local)) == {"canceled"})


def test_a_killed_batch_loses_no_result_and_creates_none_twice(
    local: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "batch.jsonl"
    rows, kills = 120, 0
    generator = random.Random(7)
    while True:
        process = start(local, path, str(rows), "0.1")
        try:
            output, _ = process.communicate(timeout=generator.uniform(0.3, 1.0) * (1 + kills / 10))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            assert kills < 60
            continue
        break
    items = [json.loads(line) for line in output.splitlines()]
    assert kills >= 2
    assert sorted(item["key"] for item in items) == list(range(rows))
    unknown = {item["key"] for item in items if item["status"] == "unknown"}
    paid: dict[int, int] = {}
    for prediction in local.predictions:
        number = prediction["input"]["value"]
        paid[number] = paid.get(number, 0) + 1
    for item in items:
        number = item["key"]
        if number in unknown:
            assert paid.get(number, 0) <= 1
        else:
            assert (item["status"], item["output"], paid[number]) == ("succeeded", number, 1), item
    assert len(unknown) <= kills


@pytest.mark.parametrize("kind", [replicant.Client, replicant.AsyncClient])
def test_the_prediction_of_an_error_belongs_to_the_client(kind: Any, local: Emulator) -> None:
    client = kind("token", base_url=local.base_url)
    results = client.map("emulator/fails", [{"message": "boom"}], errors="raise")
    with pytest.raises(replicant.ModelError) as caught:
        next(results)
    prediction: Any = caught.value.prediction
    assert prediction._bound is client


def test_the_progress_of_a_version_object_shows_its_id(local: Emulator, capsys: Any) -> None:
    client = local.client()
    version = client.models.get("emulator/echo").latest_version
    list(client.map(version, numbers(3), progress=True))
    shown = capsys.readouterr().err
    assert f"{version.id}: " in shown
    assert "openapi" not in shown
