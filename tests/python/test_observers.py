"""Observers and callbacks."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import ENDLESS, Emulator, eventually, python

import replicant


def test_an_observer_can_use_the_client(client: Any) -> None:

    seen: list[Any] = []

    def observe(prediction: replicant.Prediction) -> None:
        seen.append(client.predictions.get(prediction.id).status)

    client.run("emulator/echo", {"value": 1, "delay": 0.1}, wait=False, on_update=observe)
    assert "succeeded" in seen


def test_an_exception_of_an_observer_ends_the_call(client: Any) -> None:
    def observe(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.run(ENDLESS, {}, wait=False, on_update=observe)


def test_what_is_no_function_is_refused_before_anything_is_sent(
    local: Emulator, tmp_path: Path
) -> None:
    client = local.client()
    prediction = client.predictions.create("emulator/echo", {"value": 1})
    sent = len(local.requests)
    calls: dict[str, Any] = {
        "on_update": lambda given: client.run("emulator/echo", {}, on_update=given),
        "on_update of wait": lambda given: prediction.wait(on_update=given),
        "progress": lambda given: client.run("emulator/echo", {}, progress=given),
        "progress of map": lambda given: client.map("emulator/echo", [{}], progress=given),
        "progress of files": lambda given: client.files.create(b"x", progress=given),
        "progress of saves": lambda given: client.save_all([], tmp_path, progress=given),
        "drain": lambda given: client.map("emulator/echo", [{}], drain=given),
    }
    for name, call in calls.items():
        argument = name.split()[0]
        with pytest.raises(replicant.InvalidArgumentError) as refused:
            call("no")
        expected = {"on_update": "a function", "drain": "True or False"}
        wanted = expected.get(argument, "True, False or a function")
        assert str(refused.value) == f"`{argument}` must be {wanted}, not str"
        assert refused.value.argument == argument
    assert len(local.requests) == sent


async def test_an_exception_of_an_observer_ends_the_awaited_call(
    client: replicant.Client, async_client: replicant.AsyncClient
) -> None:
    def observe(_: Any) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        await async_client.run(ENDLESS, {}, wait=False, on_update=observe)
    await asyncio.to_thread(eventually, lambda: client.predictions.list()[0].status == "canceled")
    prediction = await async_client.predictions.create(model=ENDLESS, input={})
    with pytest.raises(ZeroDivisionError, match="mine"):
        await prediction.wait(on_update=observe)
    await prediction.cancel()


@pytest.mark.parametrize(
    "error", [StopIteration({"output": "forged"}), StopIteration(), StopAsyncIteration()]
)
async def test_an_observer_cannot_end_the_coroutine_of_its_call(
    client: Any, async_client: Any, error: Exception
) -> None:
    def observe(_: Any) -> None:
        raise error

    name = type(error).__name__
    with pytest.raises(RuntimeError, match=name):
        client.run("emulator/echo", {"value": 1}, on_update=observe)
    with pytest.raises(RuntimeError, match=name) as raised:
        await async_client.run("emulator/echo", {"value": 1}, on_update=observe)
    assert raised.value.__cause__ is error
    # One that has ended before the wait is not observed.
    prediction = await async_client.predictions.create(model=ENDLESS, input={})
    with pytest.raises(RuntimeError, match=name):
        await prediction.wait(on_update=observe)
    await prediction.cancel()


async def test_an_observer_runs_in_the_context_of_its_call(
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


async def test_a_variable_set_by_an_observer_is_invisible_to_the_next(
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


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="nest_asyncio supports no newer Python")
def test_an_observer_can_run_the_loop_again(emulator: Emulator) -> None:
    script = """
import asyncio, sys, time, nest_asyncio, replicant
nest_asyncio.apply()
client = replicant.AsyncClient("r8_x", base_url=sys.argv[1])
names = []
def observe(prediction):
    # As helpers for notebooks do.
    loop = asyncio.get_event_loop()
    names.append(loop.run_until_complete(asyncio.wait_for(client.accounts.current(), 20)).username)
print(asyncio.run(client.run("emulator/echo", {"value": 1}, on_update=observe)), bool(names))
"""
    done = python(script, emulator.base_url)
    assert (done.stdout, done.stderr) == ("1 True\n", "")


def test_a_slow_observer_delays_no_other_call(
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
            # This thread has just driven the runtime.
            seen.append(answered.wait(20))
            thread.join()

    client.run("emulator/echo", {"value": 1}, on_update=observe)
    assert seen == [True]
