"""Waiting calls, threads and the event loop run concurrently."""

from __future__ import annotations

import asyncio
import ctypes
import io
import signal
import sys
import textwrap
import threading
import time

import pytest
from conftest import Emulator, canceled, eventually, python

import replicant
from replicant.testing import Emulator as LocalEmulator


@pytest.mark.alone
def test_other_threads_run_while_a_call_or_a_stream_waits(emulator: Emulator) -> None:
    client = replicant.Client(base_url=emulator.base_url)
    stream = client.stream("emulator/echo", {"value": "x", "delay": 60})
    for wait in (lambda: next(stream), lambda: client.run("emulator/echo", {"delay": 60})):
        created = emulator.created()
        thread = threading.Thread(target=wait)
        thread.start()
        eventually(lambda created=created: emulator.created() > created)
        ticks = 0
        while thread.is_alive():
            ticks += 1
            time.sleep(0.001)
            if ticks == 200:
                # Until then, nothing but the end of the delay ends the call.
                emulator.advance(60)
        assert ticks >= 200


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


def test_an_exception_that_another_thread_sets_ends_a_call(local: LocalEmulator) -> None:
    """As the time limits of task queues do."""
    client = local.client()
    raised: list[BaseException] = []

    class TimeLimitExceeded(BaseException):
        pass

    def work() -> None:
        try:
            client.run("emulator/endless", wait=False)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    eventually(lambda: [each["status"] for each in local.predictions] == ["processing"])
    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert (
        set_exception(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeLimitExceeded)) == 1
    )
    thread.join(20)
    assert [type(error) for error in raised] == [TimeLimitExceeded]
    eventually(lambda: [each["status"] for each in local.predictions] == ["canceled"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_signals_that_the_program_blocks_reach_none_of_our_threads(
    emulator: Emulator, tmp_path: object
) -> None:
    script = """
        import os, pathlib, signal, sys, threading, time
        import replicant

        client = replicant.Client(base_url=sys.argv[1])
        # Also threads that write files.
        client.run("black-forest-labs/flux-schnell", {"prompt": "x"})[0].save(sys.argv[2])
        # A thread that has just been started blocks nothing for a moment.
        def blocks(thread):
            try:
                status = (thread / "status").read_text()
            except OSError:
                return True
            return int(status.partition("SigBlk:")[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1
        others = lambda: [task for task in pathlib.Path("/proc/self/task").iterdir() if task.name != str(os.getpid())]
        if sys.platform == "linux":
            while not all(map(blocks, others())):
                time.sleep(0.01)
        else:
            time.sleep(1)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        print(signal.sigwait({signal.SIGTERM}) == signal.SIGTERM)
    """
    done = python(textwrap.dedent(script), emulator.base_url, f"{tmp_path}/file")
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_code_of_the_program_in_our_threads_has_its_signals(client: replicant.Client) -> None:
    """A process that it starts inherits what is blocked."""
    blocked: list[set[signal.Signals | int]] = []

    class Content(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))
            return super().read(size)

    client.files.create(Content(b"abc"))
    assert blocked == [signal.pthread_sigmask(signal.SIG_BLOCK, [])] * len(blocked) != []


@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="uses exit handlers of the C library")
def test_an_interpreter_that_ends_in_exit_handlers_of_c_sends_its_cancels(
    emulator: Emulator,
) -> None:
    """As in uWSGI: thread-local values are gone then."""
    before = canceled(emulator)
    script = """
        import ctypes, sys
        import replicant

        client = replicant.Client(base_url=sys.argv[1])
        stream = client.stream("emulator/endless", {})
        stream.start()
        libc = ctypes.PyDLL(None)
        libc.__cxa_atexit(ctypes.pythonapi.Py_FinalizeEx, None, None)
        libc.exit(0)
    """
    done = python(textwrap.dedent(script), emulator.base_url)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    eventually(lambda: canceled(emulator) == before + 1)
