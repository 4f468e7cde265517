"""Sends 100,000 mixed requests from Python, awaited and from threads, and checks what the process keeps: `make soak`.

Calls succeed, fail, are retried, resumed, timed out, canceled and abandoned. The server (`server.mjs`) breaks connections on a schedule.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support import REQUESTS, Server, Usage, report, settled

import replicant

TASKS, THREADS = 64, 8


def client(kind: Any, origin: str) -> Any:
    return kind("r8_soak", base_url=f"{origin}/v1", timeout=10, poll_interval=0.02)


async def one_awaited(client: replicant.AsyncClient, number: int) -> None:
    turn = number % 100
    if turn < 70:
        await client.predictions.get("p1")
    elif turn < 78:
        with contextlib.suppress(replicant.NotFoundError):
            await client.predictions.get("missing")
    elif turn < 84:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(client.predictions.get("slow"), 0.01)
    elif turn < 88:
        await client.run("acme/picture", {"prompt": "x", "image": b"content" * 100})
    elif turn < 90:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(client.run("acme/text", {"prompt": "x"}), 0.03)
    elif turn < 93:
        assert len([event async for event in client.stream("acme/text", {})]) == 41
    elif turn < 96:
        async for _ in client.stream("acme/text", {}, on_abandon="cancel"):
            break  # abandoned
    elif turn < 98:
        files = await client.predictions.get("p1")
        assert files.output is not None
        assert len(await replicant.FileOutput(files.output[0], client).aread()) == 256 * 1024
    else:
        task = asyncio.ensure_future(client.predictions.get("slow"))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def one_blocking(client: replicant.Client, number: int) -> None:
    turn = number % 50
    if turn < 40:
        client.predictions.get("p1")
    elif turn < 43:
        with contextlib.suppress(replicant.NotFoundError):
            client.predictions.get("missing")
    elif turn < 45:
        with contextlib.suppress(replicant.ReplicateException):
            client.run("acme/text", {"prompt": "x"}, timeout=0.03)
    elif turn < 47:
        for _ in client.stream("acme/text", {}):
            break
    else:
        with replicant.FileOutput(f"{client.base_url}/files/p1", client).open() as file:
            file.read(1000)


async def awaited(origin: str, server: Server, until: int, pauses: list[float]) -> None:
    own = client(replicant.AsyncClient, origin)
    numbers = itertools.count()
    done = False

    async def work() -> None:
        for number in numbers:
            if done:
                return
            await one_awaited(own, number)

    async def watch() -> None:
        # The CPU time of this thread between two turns of this task, in milliseconds. Unlike the time of day, it does
        # not count the time in which other processes have the processor.
        while not done:
            start = time.thread_time()
            await asyncio.sleep(0.001)
            pauses.append((time.thread_time() - start) * 1000)

    tasks = [asyncio.ensure_future(work()) for _ in range(TASKS)]
    watching = asyncio.ensure_future(watch())
    while (await asyncio.to_thread(server.counts))["requests"] < until:
        await asyncio.sleep(0.2)
    done = True
    await asyncio.gather(*tasks, watching)
    await own.close()


def threaded(origin: str, server: Server, until: int) -> None:
    own = client(replicant.Client, origin)
    numbers: Iterator[int] = itertools.count()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            one_blocking(own, next(numbers))

    with ThreadPoolExecutor(THREADS) as pool:
        working = [pool.submit(work) for _ in range(THREADS)]
        while server.counts()["requests"] < until and not any(task.done() for task in working):
            time.sleep(0.2)
        stop.set()
        for task in working:
            task.result()
    own.close()


def both(server: Server, requests: int, pauses: list[float]) -> None:
    start = server.counts()["requests"]
    asyncio.run(awaited(server.origin, server, start + requests * 2 // 3, pauses))
    threaded(server.origin, server, start + requests)
    replicant._native.drain(10)
    gc.collect()


def main() -> bool:
    with Server() as server:
        both(server, max(REQUESTS // 10, 500), [])
        # Idle connections are closed after a while, so the threads and descriptors of the warm-up are the bound.
        before = Usage()
        pauses: list[float] = []
        both(server, REQUESTS, pauses)
        # Threads that block end after they were idle for a while.
        after = settled(
            "self",
            lambda usage: (
                usage.descriptors <= before.descriptors and usage.threads <= before.threads
            ),
        )
        return report("Python", server.counts(), before, after, pauses)


if __name__ == "__main__":
    sys.exit(not main())
