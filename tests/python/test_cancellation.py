"""Cancellation: Ctrl-C, canceled tasks and the end of the process cancel predictions."""

from __future__ import annotations

import asyncio
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import ENDLESS, TOKEN, Emulator, canceled, eventually, python, within

import replicant

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("wait", ["False", "60"], ids=["polling", "held"])
def test_ctrl_c_cancels_the_prediction_of_a_run(emulator: Emulator, wait: str) -> None:
    script = f"""
import sys, time, replicant
client = replicant.Client(base_url=sys.argv[1])
try:
    client.run("emulator/endless", {{}}, wait={wait})
except KeyboardInterrupt:
    print("interrupted", time.time(), flush=True)
"""

    def attempt() -> float:
        before, created = canceled(emulator), emulator.created()
        child = subprocess.Popen(
            [sys.executable, "-c", script, emulator.base_url], stdout=subprocess.PIPE, text=True
        )
        eventually(lambda: emulator.created() > created)
        sent = time.time()
        child.send_signal(signal.SIGINT)
        assert child.stdout is not None
        word, when = child.stdout.readline().split()
        assert word == "interrupted"
        # The exit waits for 0.6 s, so it can send the cancel if the response arrives by then.
        emulator.advance(60)
        assert child.wait(timeout=60) == 0
        if canceled(emulator) != before + 1:
            assert not missed, "two cancels were not sent"
            missed.append(created)
            leave_none(emulator)
            return math.inf
        return float(when) - sent

    # A machine may pause while the process exits.
    missed: list[int] = []

    # Takes 50 ms; the documentation promises 200 ms. The margin is for busy machines.
    within(0.5, attempt)


def leave_none(emulator: Emulator) -> None:
    """Cancels what still runs."""
    client = replicant.Client(base_url=emulator.base_url)
    for prediction in client.predictions.list().results:
        prediction.cancel()


def test_ctrl_c_cancels_the_prediction_of_a_stream(emulator: Emulator) -> None:
    script = """
import sys, replicant
client = replicant.Client(base_url=sys.argv[1])
stream = client.stream("emulator/endless", {})
print("waiting", flush=True)
try:
    for event in stream: pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    before = canceled(emulator)
    child = subprocess.Popen(
        [sys.executable, "-c", script, emulator.base_url], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "waiting\n"
    eventually(lambda: emulator.state()["active_streams"] > 0)
    child.send_signal(signal.SIGINT)
    assert child.stdout.readline() == "interrupted\n"
    assert child.wait(timeout=60) == 0
    assert canceled(emulator) == before + 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("begin", [replicant.EventStream.start, next], ids=["start", "next"])
@pytest.mark.parametrize("is_late", [False, True], ids=["during the create", "with its response"])
def test_ctrl_c_during_the_start_of_a_stream_cancels_its_prediction(
    begin: Any, is_late: bool
) -> None:
    canceled: list[str] = []
    interrupted = threading.Event()
    if is_late:
        interrupted.set()

    def transport(request: Any) -> Any:
        if request.url.endswith("/cancel"):
            canceled.append(request.url)
        elif request.method == "GET":
            return 200, {"content-type": "text/event-stream"}, b"event: output\ndata: x\n\n"
        else:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupted.wait(60)
        urls = {"stream": "https://stream.replicate.com/p1"}
        return 201, {}, {"id": "p1", "status": "starting", "urls": urls}

    # Kept: dropping it would cancel the prediction, too.
    stream = replicant.Client("r8_x", transport=transport).stream("a/b", {})
    with pytest.raises(KeyboardInterrupt):
        begin(stream)
    interrupted.set()
    eventually(lambda: len(canceled) == 1)
    assert list(stream) == []


def test_the_end_of_the_process_cancels_an_open_stream(emulator: Emulator) -> None:
    script = """
import sys, replicant
client = replicant.Client(base_url=sys.argv[1])
stream = client.stream("emulator/stream", {"chunks": ["a"] * 100, "pause": 0.1})
print(next(stream))
"""
    before = canceled(emulator)
    done = python(script, emulator.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert canceled(emulator) == before + 1


async def test_a_canceled_task_cancels_its_prediction(
    async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    before = canceled(emulator)
    # A cancel that is not answered would take a minute.
    emulator.fault(match={"path": "/v1/predictions/*/cancel"}, action={"stall_body_at": 0})
    seen = asyncio.Event()
    task = asyncio.create_task(
        async_client.run(ENDLESS, {}, wait=False, on_update=lambda _: seen.set())
    )
    await asyncio.wait_for(seen.wait(), 30)
    task.cancel()
    start = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - start < 20
    await asyncio.to_thread(eventually, lambda: canceled(emulator) == before + 1)


async def test_on_abandon_leave_keeps_the_prediction_running(
    async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    before = canceled(emulator)
    found: list[Any] = []
    task = asyncio.create_task(
        async_client.run(ENDLESS, {}, wait=False, on_abandon="leave", on_update=found.append)
    )
    await asyncio.to_thread(eventually, lambda: bool(found))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.2)
    assert canceled(emulator) == before
    await found[0].cancel()
    assert found[0].status == "canceled"


COMMON = """
import asyncio, sys, threading, time, replicant
client = replicant.Client(base_url=sys.argv[1])
def begun():
    while not client.predictions.list().results: time.sleep(0.01)
    while client.predictions.list()[0].status not in ("starting", "processing"): time.sleep(0.01)
"""


DAEMON = """
run = lambda: client.run("emulator/endless", {}, wait=%s)
threading.Thread(target=run, daemon=True).start()
begun()
time.sleep(0.4)
"""


DAEMON_LOOP = """
run = lambda: asyncio.run(client.async_run("emulator/endless", {}, wait=False))
threading.Thread(target=run, daemon=True).start()
begun()
"""


FORGOTTEN_LOOP = """
loop = asyncio.new_event_loop()
task = loop.create_task(client.async_run("emulator/endless", {}, wait=False))
loop.run_until_complete(asyncio.to_thread(begun))
task._log_destroy_pending = False
"""


# The loop is closed by the time its cancel is sent.
CLOSED_LOOP = """
import httpx
async def main():
    created = asyncio.Event()
    of_httpx = replicant.Client(base_url=sys.argv[1], %s)
    run = of_httpx.async_run("emulator/endless", {}, wait=False, on_update=lambda _: created.set())
    task = asyncio.create_task(run)
    await created.wait()
    task.cancel()
asyncio.run(main())
end = time.monotonic() + 10
while client.predictions.list()[0].status != "canceled" and time.monotonic() < end: time.sleep(0.05)
"""


def left(emulator: Emulator) -> int:
    jobs = emulator.state()["predictions"]
    return int(jobs.get("processing", 0)) + int(jobs.get("starting", 0))


@pytest.mark.parametrize(
    "script",
    [
        DAEMON % "False",
        DAEMON % "1",
        DAEMON_LOOP,
        FORGOTTEN_LOOP,
        CLOSED_LOOP % "transport=httpx.AsyncHTTPTransport()",
        CLOSED_LOOP % "http_client=httpx.AsyncClient()",
    ],
    ids=[
        "a daemon thread",
        "a held create",
        "a daemon thread's loop",
        "a loop that was forgotten",
        "an async transport of a closed loop",
        "an async client of a closed loop",
    ],
)
def test_the_end_of_the_process_cancels_abandoned_runs(emulator: Emulator, script: str) -> None:
    assert left(emulator) == 0

    def attempt() -> float:
        before = canceled(emulator)
        start = time.monotonic()
        done = python(COMMON + script, emulator.base_url)
        assert (done.returncode, done.stderr) == (0, "")
        took = time.monotonic() - start
        # The exit waits for 0.6 s.
        if left(emulator) != 0:
            assert not missed, "two cancels were not sent"
            missed.append(before)
            leave_none(emulator)
            return math.inf
        assert canceled(emulator) == before + 1
        return took

    # A machine may pause while the process exits.
    missed: list[int] = []
    within(15, attempt)


def cancels(emulator: Emulator) -> int:
    return sum(request["path"].endswith("/cancel") for request in emulator.requests())


async def whole_run(client: replicant.AsyncClient) -> None:
    await client.run(ENDLESS, {}, wait=False)


async def whole_stream(client: replicant.AsyncClient) -> None:
    async for _ in client.stream(ENDLESS, {}):
        pass


Work = Callable[[replicant.AsyncClient], Coroutine[Any, Any, None]]


# Longer than a create takes on a busy machine.
LIMIT = 2.0


async def by_wait_for(work: Coroutine[Any, Any, None]) -> None:
    await asyncio.wait_for(work, LIMIT)


async def by_timeout(work: Coroutine[Any, Any, None]) -> None:
    if sys.version_info < (3, 11):
        work.close()
        pytest.skip("asyncio.timeout is newer")
    async with asyncio.timeout(LIMIT):
        await work


async def by_group(work: Coroutine[Any, Any, None]) -> None:
    if sys.version_info < (3, 11):
        work.close()
        pytest.skip("asyncio.TaskGroup is newer")

    async def fail() -> None:
        await asyncio.sleep(LIMIT)
        raise asyncio.TimeoutError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(work)
            group.create_task(fail())
    except Exception as error:
        (cause,) = getattr(error, "exceptions", ())
        raise cause from None


@pytest.mark.parametrize("work", [whole_run, whole_stream])
@pytest.mark.parametrize("limit", [by_wait_for, by_timeout, by_group])
async def test_a_timeout_of_asyncio_cancels_once(
    emulator: Emulator,
    work: Work,
    limit: Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]],
) -> None:
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    before = canceled(emulator)
    emulator.forget()
    emulator.fault(match={"path": "/v1/predictions/*/cancel"}, action={"stall_body_at": 0})
    start = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await limit(work(client))
    assert time.monotonic() - start < 20, "it ends when it is canceled, not when the API responds"
    await asyncio.to_thread(eventually, lambda: canceled(emulator) == before + 1)
    await asyncio.sleep(0.3)
    assert cancels(emulator) == 1


async def test_a_canceled_save_leaves_no_file(
    async_client: replicant.AsyncClient, emulator: Emulator, tmp_path: Path
) -> None:
    output = await async_client.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})
    path = output[0].url.removeprefix(emulator.origin)
    emulator.fault(match={"path": path}, action={"stall_body_at": 1000})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(output[0].asave(tmp_path / "x"), 0.3)
    await asyncio.to_thread(eventually, lambda: not list(tmp_path.iterdir()))


async def test_a_canceled_call_does_not_affect_the_others(
    async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    created = emulator.created()
    calls = [
        asyncio.ensure_future(async_client.run("emulator/echo", {"value": n, "delay": 600}))
        for n in range(6)
    ]
    await asyncio.to_thread(eventually, lambda: emulator.created() == created + 6)
    calls[2].cancel()
    await asyncio.to_thread(emulator.advance, 600)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results.pop(2), asyncio.CancelledError)
    assert results == [0, 1, 3, 4, 5]


async def test_canceled_reads_lose_no_events(emulator: Emulator) -> None:
    """Reads are canceled at random moments; the next read continues where the stream was."""
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    chance = random.Random(20)
    input = {"chunks": ["a", "b", "c", "d"], "pause": 0.004, "repeat": 200}
    canceled_reads = 0
    # Events that have already arrived leave no read to cancel.
    while canceled_reads < 1000:
        stream = client.stream("emulator/stream", input)
        pieces: list[str] = []
        while True:
            reading = asyncio.ensure_future(stream.__anext__())
            if canceled_reads < 1000:
                await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.002]))
                canceled_reads += reading.cancel()
            try:
                pieces.append(str(await reading))
            except asyncio.CancelledError:
                continue
            except StopAsyncIteration:
                break
        assert "".join(pieces) == "abcd" * 200


@pytest.mark.skipif(sys.version_info < (3, 10), reason="`anext` came with Python 3.10")
async def test_anext_with_a_default_can_be_canceled(
    async_client: replicant.AsyncClient,
) -> None:
    from builtins import anext  # type: ignore[attr-defined, unused-ignore]

    stream = async_client.stream(ENDLESS, {})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(drain(anext, stream), 0.2)
    # The reader of a loop comes last, because its cancellation closes the stream.
    for reader in (stream, stream.__aiter__()):
        task = asyncio.ensure_future(drain(anext, reader))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def drain(anext: Any, reader: Any) -> None:
    while await anext(reader, None) is not None:
        pass
