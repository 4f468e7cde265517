"""One client in several event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import Any

import pytest
from conftest import ENDLESS, TOKEN, Emulator, eventually, python

import replicant


def test_one_client_serves_loops_in_several_threads(emulator: Emulator) -> None:
    client = replicant.AsyncClient(base_url=emulator.base_url)

    async def use(value: int) -> None:
        assert await client.run("emulator/echo", {"value": value}) == value

    for value in range(20):
        asyncio.run(use(value))
    failures: list[BaseException] = []

    def in_thread(value: int) -> None:
        try:
            for _ in range(5):
                asyncio.run(use(value))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=in_thread, args=(value,)) for value in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_loop_closed_during_a_call_raises_nothing(emulator: Emulator) -> None:
    client = replicant.AsyncClient(base_url=emulator.base_url)
    for _ in range(10):
        loop = asyncio.new_event_loop()

        async def start() -> Any:
            return asyncio.ensure_future(
                asyncio.wait_for(client.run("emulator/echo", {"value": 1, "delay": 0.05}), 5)
            )

        task = loop.run_until_complete(start())
        loop.run_until_complete(asyncio.sleep(0.01))
        # A careless program closes the loop during a call.
        task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    time.sleep(0.3)
    gc.collect()


def test_many_calls_run_concurrently(emulator: Emulator) -> None:
    client = replicant.AsyncClient(base_url=emulator.base_url)

    async def main() -> None:
        calls = (client.run("emulator/echo", {"value": n}) for n in range(200))
        assert await asyncio.gather(*calls) == list(range(200))

    asyncio.run(main())


@pytest.mark.alone
def test_one_client_serves_a_hundred_loops(emulator: Emulator) -> None:
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
    eventually(lambda: not any(emulator.state()["predictions"].get(s) for s in under_way))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts as Linux does")
def test_a_closed_loop_leaves_no_socket_open(emulator: Emulator) -> None:
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    one, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    for loop in (one, other):
        loop.run_until_complete(client.accounts.current())
    before = descriptors()
    for _ in range(20):
        for loop in (one, other):
            loop.run_until_complete(client.accounts.current())
        asyncio.run(client.accounts.current())
    # The pool may open and close a few connections.
    assert descriptors() < before + 10
    for loop in (one, other):
        loop.close()


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="counts as Linux does")
def test_a_loop_in_several_threads_is_watched_once(emulator: Emulator) -> None:
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


def test_a_loop_that_cannot_watch_sockets_is_woken(emulator: Emulator) -> None:
    """Such as the default loop of Windows, and loops of simulations."""

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


async def test_a_task_without_references_continues(async_client: replicant.AsyncClient) -> None:
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


# The awaitable that the loop never awaits is returned while the loop does not run.
LATE = """
import asyncio, sys, threading, time, replicant
entered, go = threading.Event(), threading.Event()

async def answer():
    return 200, {}, b"{}"

def late():
    entered.set()
    assert go.wait(30)
    return answer()

class File:
    name = "a.txt"
    def read(self, size): return late()

class Body:
    status_code, headers = 200, {}
    def aiter_bytes(self): return self
    iter_bytes = aiter_bytes
    def __aiter__(self): return self
    def __anext__(self): return late()

of, end = sys.argv[1:]

def transport(request):
    if of == "file":
        return 200, {}, request.content
    return late() if of == "response" else Body()

client = replicant.AsyncClient("t", transport=transport, max_retries=0)

async def begin():
    call = client.files.create(File()) if of == "file" else client.predictions.get("p")
    task = asyncio.ensure_future(call)
    while not entered.is_set():
        await asyncio.sleep(0.01)
    if end != "canceled":
        task.cancel()
    return task

def until(done):
    limit = time.monotonic() + 30
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.01)

async def cancel_others():
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    print(len(others))

loop = asyncio.new_event_loop()
task = loop.run_until_complete(begin())
if end == "closed":
    loop.close()
go.set()
if end == "closed":
    time.sleep(0.5)
else:
    until(lambda: "EnsureFuture" in repr(loop._ready))
if end == "canceled":
    loop.run_until_complete(cancel_others())
loop.close()
"""


@pytest.mark.parametrize("of", ["response", "body", "file"])
@pytest.mark.parametrize("end", ["closed", "closed with the call", "canceled"])
def test_a_loop_that_ends_never_warns_about_what_it_did_not_await(of: str, end: str) -> None:
    done = python(LATE, of, end)
    assert (done.returncode, done.stderr) == (0, "")
    # The call and the task of the awaitable.
    assert done.stdout == ("2\n" if end == "canceled" else "")
