"""The ends of a batch: stops, exceptions of hooks, refusals and Ctrl-C, and what the progress says then."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually, numbers, statuses

import replicant
from replicant import _native
from replicant.testing import Emulator


def test_a_stop_before_the_first_result_creates_nothing(local: Emulator) -> None:
    with local.client().map("emulator/echo", numbers(50)) as results:
        results.stop()
        assert list(results) == []
    assert local.predictions == []
    assert (results.stats.stopped, results.stats.rows) == ("requested", 0)


def test_rows_can_close_their_batch(local: Emulator) -> None:
    def has_ended() -> bool:
        try:
            _native.compute("map.stats", {"map": results._number})
        except replicant.InvalidArgumentError:
            return True
        return False

    def rows() -> Iterator[dict[str, Any]]:
        yield from numbers(2)
        results.close()
        eventually(has_ended)
        yield from numbers(2)

    results = local.client().map("emulator/echo", rows())
    assert len(list(results)) <= 2


async def test_a_stop_before_the_first_awaited_result_creates_nothing(local: Emulator) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        for row in numbers(50):
            yield row

    client = replicant.AsyncClient("token", base_url=local.base_url)
    async with client.map("emulator/echo", rows()) as results:
        results.stop()
        assert [item async for item in results] == []
    assert local.predictions == []
    assert results.stats.stopped == "requested"


def test_an_exception_of_a_hook_ends_the_batch(local: Emulator, tmp_path: Path) -> None:
    def fail(request: replicant.RequestEvent) -> None:
        if request.body is not None and "bad" in request.body:
            raise KeyError("tenant")

    rows = [{"value": "good"}, {"value": "bad"}, {"value": "other"}]
    options: Any = {"checkpoint": tmp_path / "batch.jsonl", "concurrency": 1}
    hooked = replicant.Client("token", base_url=local.base_url, on_request=fail)
    results = hooked.map("emulator/echo", rows, **options)
    assert next(results).output == "good"
    with pytest.raises(KeyError, match="tenant"):
        next(results)
    assert next(results, None) is None
    assert len(local.predictions) == 1
    # Nothing was sent for the row, so it is not unknown.
    items = list(local.client().map("emulator/echo", rows, **options))
    assert [item.status for item in items] == ["succeeded"] * 3
    assert len(local.predictions) == 3


async def test_an_exception_of_an_awaited_hook_ends_the_batch(local: Emulator) -> None:
    async def fail(request: replicant.RequestEvent) -> None:
        raise KeyError("tenant")

    client = replicant.AsyncClient("token", base_url=local.base_url, on_request=fail)
    with pytest.raises(KeyError, match="tenant"):
        async for _ in client.map("emulator/echo", numbers(10)):
            pass
    assert local.predictions == []


def test_a_refused_token_ends_the_batch() -> None:
    sent: list[str] = []
    with Emulator(token="right") as local:
        client = replicant.Client(
            "wrong", base_url=local.base_url, on_request=lambda request: sent.append(request.method)
        )
        results = client.map("emulator/echo", numbers(500), concurrency=8)
        with pytest.raises(replicant.AuthenticationError):
            list(results)
    assert len(sent) <= 8
    assert results.stats.stopped == "refused"


def test_the_progress_counts_what_was_returned(local: Emulator) -> None:
    results = local.client().map("emulator/echo", numbers(20))
    next(results)
    assert results.stats.succeeded >= 1
    list(results)
    assert results.stats.succeeded == 20


def test_the_progress_is_exact_in_the_loop_and_after_it_was_left(local: Emulator) -> None:
    rows = [{"value": value, "delay": 0 if value < 5 else 600} for value in range(40)]
    results = local.client().map("emulator/echo", rows, concurrency=8)
    with results:
        for count, _ in enumerate(results, 1):
            assert results.stats.succeeded >= count
            if count == 5:
                break
    stats = results.stats
    assert stats.succeeded == 5
    assert stats.predictions >= 5
    assert stats.rows == stats.succeeded + stats.running


def test_a_thread_that_polls_the_progress_keeps_no_old_one(local: Emulator) -> None:
    polled, ended = threading.Event(), threading.Event()
    results = local.client().map("emulator/echo", numbers(20))

    def pause(_frame: Any, event: str, value: Any) -> Any:
        """Stops the thread once it has the progress, until the batch has ended."""
        if event == "return" and isinstance(value, replicant.MapStats) and not polled.is_set():
            polled.set()
            assert ended.wait(30)
        return pause

    def poll() -> None:
        sys.settrace(pause)
        results.stats  # noqa: B018

    poller = threading.Thread(target=poll)
    next(results)
    poller.start()
    assert polled.wait(30)
    assert len(list(results)) == 19
    final = results.stats
    ended.set()
    poller.join()
    assert (final.succeeded, final.running) == (20, 0)
    assert results.stats == final


def test_the_progress_is_complete_after_an_error(local: Emulator) -> None:
    @local.model("acme/broken")
    def broken(value: int) -> int:
        raise ValueError("broken")

    results = local.client().map("acme/broken", numbers(1000), max_error_rate=0.5, concurrency=8)
    failed = 0
    with pytest.raises(replicant.ModelError) as caught:
        for item in results:
            failed += item.error is not None
    assert "max_error_rate" in caught.value.message
    assert (results.stats.stopped, results.stats.failed) == ("error_rate", failed)
    assert failed >= 50


PROGRAM = """
import replicant

rows = [{"value": number, "delay": 600} for number in range(100)]
for item in replicant.Client().map("emulator/echo", rows, concurrency=100):
    print(item)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_without_a_checkpoint_cancels_what_runs(local: Emulator) -> None:
    environment = {
        **os.environ,
        "REPLICATE_BASE_URL": local.base_url,
        "REPLICATE_API_TOKEN": "r8_x",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.DEVNULL
    )
    eventually(lambda: len(local.predictions) == 100)
    # The API holds a create for a second, and its id is not known earlier.
    eventually(lambda: local._control.request("GET", "state")["active_holds"] == 0)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    eventually(lambda: statuses(local) == ["canceled"] * 100)


@pytest.mark.parametrize("place", ["rows", "input"])
async def test_an_awaited_exception_of_the_program_finishes_what_runs_with_drain(
    local: Emulator, place: str
) -> None:
    def fail(number: int, at: str) -> None:
        if number == 4 and at == place:
            raise KeyError("tenant")

    async def rows() -> AsyncIterator[int]:
        for number in range(8):
            if number == 4:
                await asyncio.to_thread(eventually, lambda: len(statuses(local)) == 4)
            fail(number, "rows")
            yield number

    async def input(number: int) -> dict[str, Any]:
        fail(number, "input")
        return {"value": number, "delay": 0.5}

    client = replicant.AsyncClient("token", base_url=local.base_url)
    with pytest.raises(KeyError, match="tenant"):
        async with client.map("emulator/echo", rows(), input=input, drain=True) as results:
            async for _ in results:
                pass
    assert statuses(local) == ["succeeded"] * 4


@pytest.mark.parametrize("awaited", [False, True])
async def test_skipped_rows_are_forgotten(local: Emulator, awaited: bool) -> None:
    class Row:
        pass

    left: weakref.WeakSet[Row] = weakref.WeakSet()

    def rows() -> Iterator[Row]:
        for _ in range(40):
            row = Row()
            left.add(row)
            yield row
            del row
        gc.collect()
        counts.append(len(left))
        yield Row()

    counts: list[int] = []
    options: Any = {"input": lambda row: {}, "errors": "skip", "concurrency": 2}
    if awaited:
        client = replicant.AsyncClient("token", base_url=local.base_url)
        assert [item async for item in client.map("emulator/fail", rows(), **options)] == []
    else:
        assert list(local.client().map("emulator/fail", rows(), **options)) == []
    (count,) = counts
    assert count < 20


FULL_DISK = """
import resource, sys, replicant
rows = [{"value": i, "delay": 600 if i < 4 else 0} for i in range(100)]
results = replicant.Client().map("emulator/echo", rows, checkpoint=sys.argv[1], concurrency=8)
# Writes fail then, as on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    list(results)
except replicant.FileNotWrittenError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_leaves_what_runs_to_the_next_batch(local: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    environment = {
        **os.environ,
        "REPLICATE_BASE_URL": local.base_url,
        "REPLICATE_API_TOKEN": "r8_x",
    }
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "cannot write the checkpoint" in ended.stdout, ended
    before = statuses(local)
    assert "canceled" not in before
    assert before.count("processing") >= 4
    local.time.advance("20m")
    rows = [{"value": number, "delay": 600 if number < 4 else 0} for number in range(100)]
    # The create of a row whose intent was the last record may not have been sent.
    options: Any = {"checkpoint": path, "concurrency": 8, "retry_unknown": True}
    items = list(local.client().map("emulator/echo", rows, **options))
    assert [item.status for item in items] == ["succeeded"] * 100
    assert len(local.predictions) == 100
