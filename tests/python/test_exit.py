"""What the end of a process does to what is still under way."""

from __future__ import annotations

import time

import pytest
from conftest import Emulator, python

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
"""
DAEMON_LOOP = """
run = lambda: asyncio.run(client.async_run("emulator/endless", {}, wait=False))
threading.Thread(target=run, daemon=True).start()
begun()
"""
FORGOTTEN_LOOP = """
loop = asyncio.new_event_loop()
task = loop.create_task(client.async_run("emulator/endless", {}, wait=False))
loop.run_until_complete(asyncio.sleep(0.3))
task._log_destroy_pending = False
"""


def left(emulator: Emulator) -> int:
    jobs = emulator.state()["predictions"]
    return int(jobs.get("processing", 0)) + int(jobs.get("starting", 0))


@pytest.mark.parametrize(
    "script",
    [DAEMON % "False", DAEMON % "None", DAEMON_LOOP, FORGOTTEN_LOOP],
    ids=["a daemon thread", "a held create", "a daemon thread's loop", "a loop that was forgotten"],
)
def test_a_run_that_nobody_waits_for_any_more_is_cancelled(emulator: Emulator, script: str) -> None:
    before = emulator.state()["predictions"].get("canceled", 0)
    assert left(emulator) == 0
    start = time.monotonic()
    done = python(COMMON + script, emulator.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - start < 15
    assert left(emulator) == 0
    assert emulator.state()["predictions"]["canceled"] == before + 1


def test_handlers_of_the_exit_can_still_call(emulator: Emulator) -> None:
    script = """
import atexit
atexit.register(lambda: print(client.run("emulator/echo", {"value": "late"})))
import replicant._native
client.run("emulator/echo", {"value": 1})
"""
    early = "import atexit\n" + COMMON.replace(
        "import asyncio",
        "atexit.register(lambda: print(client.run('emulator/echo', {'value': 'early'})))\nimport asyncio",
    )
    done = python(early + script, emulator.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "late\nearly\n"
