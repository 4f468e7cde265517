"""A process ends soon after its last statement, whatever the API does."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from processes import (
    Emulator,
    Program,
    canceled,
    emulator,
    environment,
    eventually,
    shared_emulator,
    silent_server,
    within,
)

__all__ = ["emulator", "environment", "shared_emulator"]

# Less than the hold of a create, 5 s, and than the patience for a response. An exit takes 1 s.
QUICK = 3.0

HEAD = """
import asyncio, signal, sys, threading, time, replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
"""

BLOCKING = """
try:
    client.run("emulator/endless", {})
except KeyboardInterrupt:
    print(time.time(), flush=True)
"""

TASK = """
async def main():
    task = asyncio.ensure_future(client.async_run("emulator/endless", {}))
    await asyncio.sleep(0.7)
    task.cancel()
asyncio.run(main())
print(time.time(), flush=True)
"""


@pytest.mark.alone
def test_ctrl_c_ends_a_process_whose_create_is_held(emulator: Emulator) -> None:
    def creates() -> list[dict[str, Any]]:
        return [r for r in emulator.requests() if r["path"].endswith("/endless/predictions")]

    def attempt() -> float:
        emulator.forget()
        program = Program(HEAD + BLOCKING, emulator.base_url)
        eventually(creates)
        sent = time.time()
        program.process.send_signal(signal.SIGINT)
        code, errors, end = program.end()
        assert (code, errors) == (0, "")
        (create,) = creates()
        # The id was not known yet, so the API ends the prediction.
        assert create["headers"]["cancel-after"] == "86400s"
        return end - sent

    within(QUICK, attempt)
    emulator.forget()


@pytest.mark.parametrize("script", [BLOCKING, TASK], ids=["Ctrl-C", "a canceled task"])
def test_a_silent_server_delays_no_exit(script: str) -> None:
    def attempt() -> float:
        with silent_server() as server:
            program = Program(HEAD + script, server.base_url)
            eventually(lambda: server.heads)
            if script is BLOCKING:
                program.process.send_signal(signal.SIGINT)
            stopped = float(program.line())
            code, errors, end = program.end()
        assert (code, errors) == (0, "")
        return end - stopped

    within(QUICK, attempt)


def test_a_second_ctrl_c_ends_the_process_at_once() -> None:
    took: dict[int, list[float]] = {1: [], 2: []}
    with silent_server() as server:
        for times in [1, 2] * 4:
            server.heads.clear()
            program = Program(HEAD + BLOCKING, server.base_url)
            eventually(lambda: server.heads)
            program.process.send_signal(signal.SIGINT)
            assert program.line()
            time.sleep(0.1)
            sent = time.time()
            if times == 2:
                program.process.send_signal(signal.SIGINT)
            code, errors, end = program.end()
            assert (code, errors) == (0, "")
            took[times].append(end - sent)
    # The wait for cancels, which the second one ends, takes 0.5 s more.
    assert min(took[2]) < min(took[1]) - 0.25


@pytest.mark.alone
def test_the_exit_sends_the_cancel_of_a_known_prediction(emulator: Emulator) -> None:
    before, created = canceled(emulator), emulator.created()
    script = BLOCKING.replace("{})", "{}, wait=False)")
    program = Program(HEAD + script, emulator.base_url)
    eventually(lambda: emulator.created() > created)
    program.process.send_signal(signal.SIGINT)
    assert program.end()[:2] == (0, "")
    eventually(lambda: canceled(emulator) == before + 1)


EXIT_AT_SIGTERM = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
"""
RUNS = {
    "blocking": 'client.run("emulator/endless", {}, wait=False)',
    "asyncio": 'asyncio.run(client.async_run("emulator/endless", {}, wait=False))',
}


@pytest.mark.alone
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_program_that_exits_at_sigterm_cancels_its_prediction(
    emulator: Emulator, run: str
) -> None:
    before, created = canceled(emulator), emulator.created()
    program = Program(HEAD + EXIT_AT_SIGTERM + run, emulator.base_url)
    eventually(lambda: emulator.created() > created)
    program.process.send_signal(signal.SIGTERM)
    assert program.end()[0] == 143
    eventually(lambda: canceled(emulator) == before + 1)


BATCH = """
rows = [{}] * 200
for item in client.map("emulator/endless", rows, concurrency=len(rows), wait=False):
    pass
"""


@pytest.mark.alone
def test_the_exit_sends_all_cancels_as_long_as_the_api_responds(emulator: Emulator) -> None:
    before = len(emulator.get(f"{emulator.origin}/_emulator/predictions"))
    head = HEAD.replace("base_url", "rate_limit=None, base_url")
    program = Program(head + BATCH, emulator.base_url)

    def statuses() -> list[str]:
        predictions = emulator.get(f"{emulator.origin}/_emulator/predictions")[before:]
        return [prediction["status"] for prediction in predictions]

    eventually(lambda: statuses() == ["processing"] * 200)
    path = "/v1/predictions/*/cancel"
    emulator.fault(match={"path": path}, times=0, action={"delay_ms": 300})
    program.process.send_signal(signal.SIGINT)
    program.end()
    # 64 at a time, each of which takes 300 ms.
    assert statuses() == ["canceled"] * 200
    emulator.remove_faults()
    emulator.forget()


PATCHES = {
    "gevent": "import gevent.monkey; gevent.monkey.patch_all(); from gevent import sleep, spawn",
    "eventlet": "import eventlet; eventlet.monkey_patch(); from eventlet import sleep, spawn",
}
WAITS = {
    "a run": "client.run('emulator/endless', {}, wait=False)",
    "a stream": "list(client.stream('emulator/stream', {'chunks': ['a'], 'pause': 0.1, 'repeat': 1000}))",
    "a batch": "list(client.map('emulator/endless', [{}], wait=False))",
}


@pytest.mark.alone
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("package", PATCHES)
def test_the_exit_cancels_the_predictions_of_greenlets(
    emulator: Emulator, package: str, wait: str
) -> None:
    pytest.importorskip(package)
    before, created = canceled(emulator), emulator.created()
    script = f"{PATCHES[package]}\n{HEAD}\nspawn(lambda: {wait})\nsleep(1.5)\n"
    # eventlet warns that it is deprecated.
    program = Program(script, emulator.base_url, PYTHONWARNINGS="ignore")
    eventually(lambda: emulator.created() > created)
    assert program.end()[:2] == (0, "")
    eventually(lambda: canceled(emulator) == before + 1)
