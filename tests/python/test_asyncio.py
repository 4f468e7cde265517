"""Event loops: cancelling, time limits, groups of tasks, many loops, and a loop that is not held up."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from conftest import TOKEN, Emulator, python
from test_faults import canceled, eventually

import replicant

ENDLESS = "emulator/endless"
LLAMA = "meta/meta-llama-3-8b-instruct"
TEXT = {"prompt": "x", "max_tokens": 40, "seed": 7}


def cancels(emulator: Emulator) -> int:
    return sum(request["path"].endswith("/cancel") for request in emulator.requests())


async def whole_run(client: replicant.AsyncClient) -> None:
    await client.run(ENDLESS, {}, wait=False)


async def whole_stream(client: replicant.AsyncClient) -> None:
    async for _ in client.stream(ENDLESS, {}):
        pass


Work = Callable[[replicant.AsyncClient], Coroutine[Any, Any, None]]


async def by_wait_for(work: Coroutine[Any, Any, None]) -> None:
    await asyncio.wait_for(work, 0.4)


async def by_timeout(work: Coroutine[Any, Any, None]) -> None:
    if sys.version_info < (3, 11):
        work.close()
        pytest.skip("asyncio.timeout is newer")
    async with asyncio.timeout(0.4):
        await work


async def by_group(work: Coroutine[Any, Any, None]) -> None:
    if sys.version_info < (3, 11):
        work.close()
        pytest.skip("asyncio.TaskGroup is newer")

    async def fail() -> None:
        await asyncio.sleep(0.4)
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
async def test_time_limits_of_asyncio_cancel_once(
    emulator: Emulator,
    work: Work,
    limit: Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]],
) -> None:
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    before = canceled(emulator)
    emulator.forget()
    start = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await limit(work(client))
    assert time.monotonic() - start < 1, "it ends when it is told to, not when the API answers"
    await asyncio.to_thread(eventually, lambda: canceled(emulator) == before + 1, 2.0)
    await asyncio.sleep(0.3)
    assert cancels(emulator) == 1


async def test_a_save_that_is_cancelled_leaves_nothing(
    async_client: replicant.AsyncClient, emulator: Emulator, tmp_path: Path
) -> None:
    output = await async_client.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})
    path = output[0].url.removeprefix(emulator.origin)
    emulator.fault(match={"path": path}, action={"stall_body_at": 1000})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(output[0].asave(tmp_path / "x"), 0.3)
    await asyncio.to_thread(eventually, lambda: not list(tmp_path.iterdir()))
    with pytest.raises(TypeError):
        os.fspath(output[0])


async def test_siblings_of_a_cancelled_call_go_on(async_client: replicant.AsyncClient) -> None:
    calls = [
        asyncio.ensure_future(async_client.run("emulator/echo", {"value": n, "delay": 0.2}))
        for n in range(6)
    ]
    await asyncio.sleep(0.1)
    calls[2].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results.pop(2), asyncio.CancelledError)
    assert results == [0, 1, 3, 4, 5]


async def test_a_thousand_cancelled_reads_lose_nothing(emulator: Emulator) -> None:
    """Cancelled at random moments; between them the stream goes on where it was."""
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    chance = random.Random(20)
    input = {"chunks": ["a", "b", "c", "d"], "pause": 0.004, "repeat": 200}
    stream = client.stream("emulator/stream", input)
    pieces: list[str] = []
    cancelled = 0
    while True:
        reading = asyncio.ensure_future(stream.__anext__())
        if cancelled < 1000:
            await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.002]))
            cancelled += reading.cancel()
        try:
            pieces.append(str(await reading))
        except asyncio.CancelledError:
            continue
        except StopAsyncIteration:
            break
    assert cancelled == 1000
    assert "".join(pieces) == "abcd" * 200


async def test_closing_at_any_moment_ends_the_reading(emulator: Emulator) -> None:
    """`aclose` while a read is pending, before it, after it, twice, and from another task."""
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    chance = random.Random(4)

    async def once(moment: float, twice: bool) -> None:
        stream = client.stream(ENDLESS, {})

        async def read() -> int:
            return len([event async for event in stream])

        reading = asyncio.create_task(read())
        await asyncio.sleep(moment)
        await stream.aclose()
        if twice:
            await asyncio.gather(stream.aclose(), stream.aclose())
        await asyncio.wait_for(reading, 10)
        assert [event async for event in stream] == []

    moments = [(chance.random() * 0.05, chance.random() < 0.5) for _ in range(100)]
    await asyncio.gather(*(once(*moment) for moment in moments))
    await asyncio.to_thread(eventually, lambda: emulator.state()["active_streams"] == 0, 10.0)
    # Those whose create was sent are cancelled.
    await asyncio.to_thread(
        eventually, lambda: not emulator.state()["predictions"].get("processing"), 10.0
    )


async def test_text_alone(
    client: replicant.Client, async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    whole = "".join(await async_client.run(LLAMA, TEXT))
    assert "".join([text async for text in async_client.stream(LLAMA, TEXT).text()]) == whole
    assert "".join(client.stream(LLAMA, TEXT).text()) == whole
    text = async_client.stream(LLAMA, TEXT).text()
    assert text.prediction is None
    first = await text.__anext__()
    assert whole.startswith(first)
    assert text.prediction.id
    assert isinstance(text.prediction, replicant.AsyncPrediction)
    await text.aclose()
    assert [piece async for piece in text] == []
    for piece in client.stream(LLAMA, TEXT).text():
        assert piece == first
        break
    gc.collect()
    await asyncio.to_thread(eventually, lambda: emulator.state()["active_streams"] == 0)


def test_one_client_in_a_hundred_loops(emulator: Emulator) -> None:
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    left: list[asyncio.Future[Any]] = []

    async def use(value: int) -> None:
        assert await client.run("emulator/echo", {"value": value}) == value
        left.append(asyncio.ensure_future(client.run(ENDLESS, {}, wait=False)))
        await asyncio.sleep(0)

    for value in range(100):
        asyncio.run(use(value))
    assert all(task.cancelled() for task in left)
    under_way = ("starting", "processing")
    eventually(lambda: not any(emulator.state()["predictions"].get(s) for s in under_way), 10.0)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts as Linux does")
def test_a_loop_that_is_closed_leaves_nothing_open(emulator: Emulator) -> None:
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    one, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    for loop in (one, other):
        loop.run_until_complete(client.accounts.current())
    before = descriptors()
    for _ in range(20):
        for loop in (one, other):
            loop.run_until_complete(client.accounts.current())
        asyncio.run(client.accounts.current())
    # The connections of the pool, of which there are a few, may come and go.
    assert descriptors() < before + 10
    for loop in (one, other):
        loop.close()


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts as Linux does")
def test_a_loop_that_runs_in_many_threads_is_watched_once(emulator: Emulator) -> None:
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    loop = asyncio.new_event_loop()
    counts: list[int] = []
    for _ in range(30):
        run = lambda: loop.run_until_complete(client.accounts.current())  # noqa: E731
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        counts.append(descriptors())
    assert counts[-1] < counts[2] + 10
    loop.close()


def test_a_loop_that_watches_no_sockets(emulator: Emulator) -> None:
    """As asyncio's own on Windows, and those that only run simulations."""

    class Loop(asyncio.SelectorEventLoop):
        def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
            raise NotImplementedError

    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    seen: list[str] = []

    async def main() -> list[Any]:
        calls = (client.run("emulator/echo", {"value": value}) for value in range(20))
        await client.run("emulator/echo", {"value": 0}, on_update=lambda p: seen.append(p.status))
        return await asyncio.gather(*calls)

    loop = Loop()
    assert loop.run_until_complete(main()) == list(range(20))
    assert seen[-1] == "succeeded"
    loop.close()


async def test_an_observer_is_in_the_context_of_its_own_call(
    async_client: replicant.AsyncClient,
) -> None:
    user = contextvars.ContextVar("user", default="nobody")
    user.set("the first")
    seen: list[str] = []
    for _ in range(2):
        await async_client.run(
            "emulator/echo", {"value": 1}, on_update=lambda _: seen.append(user.get())
        )
        user.set("the second")
    assert sorted(set(seen)) == ["the first", "the second"]
    assert seen == sorted(seen)


async def test_what_an_observer_sets_is_not_seen_by_the_next(
    async_client: replicant.AsyncClient,
) -> None:
    last = contextvars.ContextVar("last", default="none")
    seen: list[str] = []

    def observe(prediction: Any) -> None:
        seen.append(last.get())
        last.set(prediction.id)

    for _ in range(3):
        await async_client.run("emulator/echo", {"value": 1}, on_update=observe)
    assert set(seen) == {"none"}


def test_an_observer_may_run_the_loop_again(emulator: Emulator) -> None:
    script = """
import asyncio, sys, time, nest_asyncio, replicant
nest_asyncio.apply()
client = replicant.AsyncClient("r8_x", base_url=sys.argv[1])
names = []
def observe(prediction):
    # What a helper for notebooks does.
    loop = asyncio.get_event_loop()
    names.append(loop.run_until_complete(asyncio.wait_for(client.accounts.current(), 20)).username)
print(asyncio.run(client.run("emulator/echo", {"value": 1}, on_update=observe)), bool(names))
"""
    done = python(script, emulator.base_url)
    assert (done.stdout, done.stderr) == ("1 True\n", "")


@pytest.mark.skipif(sys.version_info < (3, 10), reason="`anext` came with Python 3.10")
async def test_a_read_with_a_default_can_be_cancelled(
    async_client: replicant.AsyncClient,
) -> None:
    from builtins import anext  # type: ignore[attr-defined, unused-ignore]

    stream = async_client.stream(ENDLESS, {})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(drain(anext, stream), 0.2)
    # The reader of a loop comes last: cancelled, it closes the stream.
    for reader in (stream, stream.__aiter__()):
        task = asyncio.ensure_future(drain(anext, reader))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def drain(anext: Any, reader: Any) -> None:
    while await anext(reader, None) is not None:
        pass


async def test_reads_at_once_lose_nothing(async_client: replicant.AsyncClient) -> None:
    async with async_client.stream("emulator/stream", {"chunks": ["a", "b", "c"]}) as stream:
        reads = (asyncio.ensure_future(stream.__anext__()) for _ in range(8))
        read = await asyncio.gather(*reads, return_exceptions=True)
        rest = [event async for event in stream]
    # A read may find that another took what came, but not that the stream is over when it is not.
    ended = any(isinstance(event, StopAsyncIteration) for event in read)
    assert not (ended and rest)
    events = [event for event in read if not isinstance(event, BaseException)] + rest
    assert [str(event) for event in events if event.event == "output"] == ["a", "b", "c"]


async def test_a_read_that_was_never_awaited_leaves_the_stream_as_it_is(
    async_client: replicant.AsyncClient,
) -> None:
    async with async_client.stream("emulator/stream", {"chunks": ["a", "b"]}) as stream:
        reader = stream.__aiter__()
        unread = reader.__anext__()
        del unread
        assert [str(event) async for event in stream if event.event == "output"] == ["a", "b"]


async def test_a_read_is_awaited_once(async_client: replicant.AsyncClient) -> None:
    async with async_client.stream("emulator/stream", {"chunks": ["a", "b"]}) as stream:
        first = stream.__anext__()
        assert str(await first) == "a"
        with pytest.raises(RuntimeError):
            await first


async def test_a_task_that_nobody_holds_goes_on(async_client: replicant.AsyncClient) -> None:
    done: list[Any] = []

    async def call() -> None:
        done.append(await async_client.run("emulator/echo", {"value": 1, "delay": 0.2}))

    asyncio.ensure_future(call())  # noqa: RUF006
    for _ in range(100):
        await asyncio.sleep(0.02)
        gc.collect()
        if done:
            break
    assert done == [1]


def test_the_loop_is_free_while_a_large_file_goes_up(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(90 * 1024 * 1024)
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)

    async def lags(work: asyncio.Task[Any]) -> list[float]:
        found = []
        while not work.done():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            found.append(time.perf_counter() - before)
        return sorted(found)

    async def main() -> None:
        idle = await lags(asyncio.create_task(asyncio.sleep(0.5)))
        with path.open("rb") as file:
            upload = asyncio.create_task(client.files.create(file))
            busy = await lags(upload)
        assert (await upload).size == 90 * 1024 * 1024
        # Compared with an idle loop of the same moment, as the machine may be busy with other work.
        assert busy[len(busy) // 2] < idle[len(idle) // 2] + 0.02
        assert busy[-1] < idle[-1] + 0.1

    asyncio.run(main())
