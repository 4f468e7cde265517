"""Waiting calls, threads and the event loop run concurrently."""

from __future__ import annotations

import asyncio
import threading
import time

from conftest import Emulator

import replicant


def test_other_threads_run_while_a_call_or_a_stream_waits(emulator: Emulator) -> None:
    client = replicant.Client(base_url=emulator.base_url)
    stream = client.stream("emulator/echo", {"value": "x", "delay": 0.4})
    for wait in (lambda: next(stream), lambda: client.run("emulator/echo", {"delay": 0.4})):
        thread = threading.Thread(target=wait)
        thread.start()
        ticks = 0
        while thread.is_alive():
            ticks += 1
            time.sleep(0.001)
        assert ticks > 100


def test_blocking_and_awaited_calls_run_concurrently(
    client: replicant.Client, async_client: replicant.AsyncClient
) -> None:
    failed: list[BaseException] = []

    def block() -> None:
        try:
            for _ in range(50):
                assert client.account.get().type
        except BaseException as error:
            failed.append(error)

    async def ask() -> None:
        for _ in range(20):
            accounts = await asyncio.gather(*(async_client.account.get() for _ in range(8)))
            assert all(account.type for account in accounts)

    threads = [threading.Thread(target=block) for _ in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(asyncio.wait_for(ask(), 60))
    for thread in threads:
        thread.join(60)
    assert not failed
    assert not any(thread.is_alive() for thread in threads)


def test_awaited_calls_continue_after_blocking_calls(
    client: replicant.Client, async_client: replicant.AsyncClient
) -> None:
    async def both() -> None:
        # Each blocking call blocks the loop and drives the runtime.
        asked = [asyncio.ensure_future(async_client.account.get()) for _ in range(4)]
        for _ in range(20):
            client.account.get()
        accounts = await asyncio.wait_for(asyncio.gather(*asked), 30)
        assert len(accounts) == 4

    asyncio.run(both())
