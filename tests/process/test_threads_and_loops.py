"""Many threads, several event loops, uvloop and sub-interpreters."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest
from processes import Emulator, Program, emulator, environment, shared_emulator

import replicant

__all__ = ["emulator", "environment", "shared_emulator"]


def test_64_threads_share_a_client(emulator: Emulator) -> None:
    client = replicant.Client("r8_token", base_url=emulator.base_url)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(5):
                assert client.run("emulator/echo", {"value": number}) == number
                words = client.stream("emulator/stream", {"chunks": ["a"], "repeat": 5})
                assert "".join(map(str, words)) == "aaaaa"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not failures


async def use(client: replicant.AsyncClient, number: int) -> None:
    words = client.stream("emulator/stream", {"chunks": ["a", "b"], "repeat": 50})
    assert "".join([str(word) async for word in words]) == "ab" * 50
    assert await client.run("emulator/echo", {"value": number}) == number


async def use_often(client: replicant.AsyncClient) -> None:
    await asyncio.gather(*(use(client, number) for number in range(16)))


def test_uvloop_runs_calls_and_streams(emulator: Emulator) -> None:
    uvloop = pytest.importorskip("uvloop")
    client = replicant.AsyncClient("r8_token", base_url=emulator.base_url)
    for _ in range(3):
        loop = uvloop.new_event_loop()
        loop.run_until_complete(use_often(client))
        loop.close()


def test_loops_in_several_threads_share_a_client(emulator: Emulator) -> None:
    client = replicant.AsyncClient("r8_token", base_url=emulator.base_url)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(use_often(client))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures


async def test_the_loop_turns_between_the_items_of_a_stream(emulator: Emulator) -> None:
    client = replicant.AsyncClient("r8_token", base_url=emulator.base_url)
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        handles[0] = asyncio.get_running_loop().call_soon(turn)

    items = 0
    longest = since = 0
    handles = [asyncio.get_running_loop().call_soon(turn)]
    before = 0
    async for _ in client.stream("emulator/stream", {"chunks": ["a"] * 100, "repeat": 50}):
        items += 1
        since = since + 1 if turns == before else 0
        before = turns
        longest = max(longest, since)
    handles[0].cancel()
    assert items >= 5000
    assert longest <= 32


SUB_INTERPRETERS = """
import sys, threading, replicant
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
client = replicant.Client("r8_token", base_url=sys.argv[1])
assert client.run("emulator/echo", {"value": 1}) == 1
script = '''
try:
    import replicant
    replicant.Client("r8_token")
except ImportError as error:
    print("refused", flush=True)
else:
    print("loaded", flush=True)
'''
for _ in range(3):
    other = interpreters.create()
    interpreters.run_string(other, script)
    interpreters.destroy(other)
    assert client.run("emulator/echo", {"value": 2}) == 2
    thread = threading.Thread(target=client.models.get, args=("emulator/echo",), daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
print("done", flush=True)
"""


@pytest.mark.skipif(sys.version_info < (3, 10), reason="crashes in older interpreters")
def test_the_end_of_a_sub_interpreter_harms_nothing(emulator: Emulator) -> None:
    program = Program(SUB_INTERPRETERS, emulator.base_url)
    lines = [program.line() for _ in range(4)]
    # Whether the package can be imported there depends on the version of Python.
    assert set(lines[:3]) in ({"refused"}, {"loaded"})
    assert lines[3] == "done"
    assert program.end()[:2] == (0, "")
