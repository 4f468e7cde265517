"""The runtime is driven by whoever waits: nothing that goes on elsewhere may stand still for that."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import replicant

ECHO = {"model": "meta/meta-llama-3-8b-instruct", "input": {"prompt": "x", "seed": 7}}


def test_an_observer_that_takes_long_holds_up_nobody_else(
    client: replicant.Client, async_client: replicant.AsyncClient
) -> None:
    answered = threading.Event()
    seen: list[bool] = []

    def ask() -> None:
        asyncio.run(async_client.account.get())
        answered.set()

    def observe(_: Any) -> None:
        if not seen:
            thread = threading.Thread(target=ask)
            thread.start()
            # This thread is the one that drove the runtime a moment ago.
            seen.append(answered.wait(20))
            thread.join()

    client.predictions.create(**ECHO).wait(on_update=observe)
    assert seen == [True]


def test_calls_of_both_kinds_at_the_same_time(
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


def test_what_is_awaited_goes_on_after_blocking_calls(
    client: replicant.Client, async_client: replicant.AsyncClient
) -> None:
    async def both() -> None:
        # The loop itself is blocked for the time of each call, and drives the runtime then.
        asked = [asyncio.ensure_future(async_client.account.get()) for _ in range(4)]
        for _ in range(20):
            client.account.get()
        accounts = await asyncio.wait_for(asyncio.gather(*asked), 30)
        assert len(accounts) == 4

    asyncio.run(both())
