"""Context variables of callbacks, and programs that do not run on asyncio."""

from __future__ import annotations

import contextvars
from typing import Any

import httpx
import pytest
from conftest import Emulator, python

import replicant

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")


class Watching(httpx.BaseTransport):
    def __init__(self) -> None:
        self.seen: list[str] = []
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(WHO.get())
        return self._inner.handle_request(request)


def test_a_blocking_transport_sees_the_context_of_the_caller(emulator: Emulator) -> None:
    transport = Watching()
    client = replicant.Client("r8_x", base_url=emulator.base_url, transport=transport)
    for who in ("A", "B"):
        WHO.set(who)
        client.run("emulator/stream", {"chunks": ["a"]})
        assert set(transport.seen) == {who}
        transport.seen.clear()


async def test_an_awaited_transport_sees_the_context_of_the_caller(emulator: Emulator) -> None:
    transport = Watching()
    client = replicant.AsyncClient("r8_x", base_url=emulator.base_url, transport=transport)
    WHO.set("C")
    seen: list[str] = []
    await client.run("emulator/echo", {"value": 1}, on_update=lambda _: seen.append(WHO.get()))
    assert set(seen) == {"C"}
    assert set(transport.seen) == {"C"}


async def test_an_observer_sees_the_context_of_the_caller(async_client: Any) -> None:
    WHO.set("D")
    seen: list[str] = []
    await async_client.run("emulator/echo", {}, on_update=lambda _: seen.append(WHO.get()))
    assert set(seen) == {"D"}


GREENLETS = """
import gevent.monkey
gevent.monkey.patch_all()
import sys, time, gevent, replicant
client = replicant.Client("r8_x", base_url=sys.argv[1])
client.models.list()
slow = {"chunks": ["a"], "pause": 1.5}
began = time.monotonic()
others = 0
def other():
    global others
    while True:
        gevent.sleep(0.01)
        others += 1
gevent.spawn(other)
jobs = [gevent.spawn(client.run, "emulator/stream", slow) for _ in range(8)]
gevent.joinall(jobs, raise_error=True)
took = time.monotonic() - began
assert all(list(job.value) == ["a"] for job in jobs)
assert took < 8, took
assert others > 20, others
try:
    with gevent.Timeout(3.0):
        client.run("emulator/stream", {"chunks": ["a"], "pause": 0.2, "repeat": 10000})
except gevent.Timeout:
    print("timed out")
replicant._native.drain(5.0)
print(client.predictions.list()[0].status)
"""


def test_other_greenlets_run_during_a_call(emulator: Emulator) -> None:
    pytest.importorskip("gevent")
    done = python(GREENLETS, emulator.base_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["timed", "out", "canceled"]


MANY_GREENLETS = """
import gevent.monkey
gevent.monkey.patch_all()
import statistics, sys, time, gevent, replicant
client = replicant.Client("r8_x", base_url=sys.argv[1])
slow = {"value": 1, "delay": 4.0}
gaps = []
def other():
    while True:
        began = time.monotonic()
        gevent.sleep(0.005)
        gaps.append(time.monotonic() - began)
jobs = [gevent.spawn(client.run, "emulator/echo", slow, wait=False, interval=30) for _ in range(100)]
gevent.sleep(2.0)
ticker = gevent.spawn(other)
gevent.sleep(2.0)
print(statistics.median(gaps))
gevent.killall(jobs)
"""


def test_greenlets_that_wait_do_not_hold_up_others(emulator: Emulator) -> None:
    pytest.importorskip("gevent")
    done = python(MANY_GREENLETS, emulator.base_url)
    assert done.returncode == 0, done.stderr
    # In turn, each of them would block for a millisecond.
    assert float(done.stdout) < 0.09


SHARED_BATCH = """
import gevent.monkey
gevent.monkey.patch_all()
import sys, gevent, replicant
client = replicant.Client("r8_x", base_url=sys.argv[1])
results = client.map("emulator/echo", [{"value": value} for value in range(6)], concurrency=2)
seen = []
readers = [gevent.spawn(lambda: seen.extend(item.output for item in results)) for _ in range(2)]
gevent.joinall(readers, timeout=20, raise_error=True)
print(sorted(seen), all(reader.dead for reader in readers))
"""


def test_greenlets_that_share_a_batch_end_with_it(emulator: Emulator) -> None:
    pytest.importorskip("gevent")
    done = python(SHARED_BATCH, emulator.base_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 1, 2, 3, 4, 5] True\n"


TRIO = """
import sys, trio, replicant
async def main():
    client = replicant.AsyncClient("r8_x", base_url=sys.argv[1])
    for call in (lambda: client.models.get("emulator/echo"), lambda: client.run("emulator/echo", {})):
        try:
            await call()
        except RuntimeError as error:
            print(error)
    blocking = replicant.Client("r8_x", base_url=sys.argv[1])
    print((await trio.to_thread.run_sync(blocking.models.get, "emulator/echo")).name)
trio.run(main)
"""


def test_a_call_under_trio_is_refused_with_advice(emulator: Emulator) -> None:
    pytest.importorskip("trio")
    done = python(TRIO, emulator.base_url)
    assert done.returncode == 0, done.stderr
    first, second, name = done.stdout.splitlines()
    assert "require asyncio" in first and "trio.to_thread.run_sync" in first
    assert second == first
    assert name == "echo"
