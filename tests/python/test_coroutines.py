"""Awaitables are accepted wherever asyncio takes coroutines."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Coroutine
from typing import Any, Callable

import pytest
from conftest import TOKEN, Emulator

import replicant


def awaited(client: replicant.Client) -> replicant.AsyncClient:
    return replicant.AsyncClient(TOKEN, base_url=client.base_url)


AWAITED: dict[str, Callable[[Any], Any]] = {
    "a list": lambda client: client.predictions.async_list(),
    "an object": lambda client: client.models.async_get("emulator/echo"),
    "a run": lambda client: client.async_run("emulator/echo", {"value": 1}),
    "a stream": lambda client: client.async_stream("emulator/echo", {"value": 1}),
    "a stream of AsyncClient": lambda client: awaited(client).stream("emulator/echo", {"value": 1}),
    "a list of AsyncClient": lambda client: awaited(client).predictions.list(),
    "a request": lambda client: client._async_request("GET", "/v1/models"),
    "a file": lambda client: replicant.FileOutput("data:,x", client).aread(),
    "saving": lambda client: client.async_search("echo"),
}


@pytest.mark.parametrize("name", AWAITED)
def test_awaitables_are_accepted_as_coroutines(client: Any, name: str) -> None:
    async def main() -> None:
        thing = AWAITED[name](client)
        assert asyncio.iscoroutine(thing)
        assert isinstance(thing, Coroutine)
        assert inspect.isawaitable(thing)
        assert await asyncio.wait_for(asyncio.create_task(thing), 30) is not None
        task = asyncio.ensure_future(AWAITED[name](client))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            # A call without a request may already be done.
            await task
            raise asyncio.CancelledError

    asyncio.run(main())
    assert asyncio.run(AWAITED[name](client)) is not None


def test_coroutines_cross_threads(emulator: Emulator) -> None:
    client = replicant.Client(TOKEN, base_url=emulator.base_url)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        for make in AWAITED.values():
            assert asyncio.run_coroutine_threadsafe(make(client), loop).result(30) is not None
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
