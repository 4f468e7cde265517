"""Processes that are forked or spawned, and pools of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import (
    Emulator,
    Program,
    canceled,
    clean_environment,
    emulator,
    environment,
    shared_emulator,
    silent_server,
    within,
)

import replicant

__all__ = ["emulator", "environment", "shared_emulator"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# The parent has a create in flight; the child uses the client and ends.
IN_FLIGHT = """
import os, sys, threading, time, replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
other = replicant.Client("r8_token", base_url=sys.argv[2])
work = threading.Thread(target=lambda: client.run("acme/text", {}), daemon=True)
work.start()
time.sleep(0.3)
child = os.fork()
if child == 0:
    assert other.run("emulator/echo", {"value": 2}) == 2
    print(time.time(), flush=True)
    sys.exit(7)
_, status = os.waitpid(child, 0)
print(time.time(), os.WEXITSTATUS(status), flush=True)
os._exit(0)
"""


def test_a_forked_child_does_not_wait_for_the_calls_of_its_parent(emulator: Emulator) -> None:
    def attempt() -> float:
        with silent_server() as server:
            program = Program(IN_FLIGHT, server.base_url, emulator.base_url)
            began = float(program.line())
            ended, code = program.line().split()
            assert program.end()[:2] == (0, "")
        assert code == "7"
        return float(ended) - began

    within(0.8, attempt)


# Threads of the parent use the client while it forks, and the children exit in the usual way.
BUSY_PARENT = """
import os, sys, threading, time, replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
def repeat():
    while True:
        client.run("emulator/echo", {"value": 1})
for _ in range(3):
    threading.Thread(target=repeat, daemon=True).start()
time.sleep(0.2)
slow = 0
for number in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        assert client.run("emulator/echo", {"value": number}) == number
        threading.Thread(target=repeat, daemon=True).start()
        time.sleep(0.02)
        sys.exit(number % 7)
    began = time.monotonic()
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == number % 7, status
    slow = max(slow, time.monotonic() - began)
print(slow, flush=True)
"""


def test_children_of_a_busy_parent_end_as_they_mean(emulator: Emulator) -> None:
    def attempt() -> float:
        program = Program(BUSY_PARENT, emulator.base_url, "12")
        slowest = float(program.line())
        assert program.end(120)[:2] == (0, "")
        return slowest

    within(5, attempt)


ITERATORS = """
import os, sys, replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
rows = [{"value": value} for value in range(20)]
batch = client.map("emulator/echo", rows, concurrency=2, checkpoint=sys.argv[2])
events = client.stream("emulator/stream", {"chunks": ["a", "b"]})
first = [next(batch).output, str(next(events))]
ended, end = os.pipe()
child = os.fork()
if child == 0:
    os.close(end)
    batch.stop()
    assert batch.stats.rows <= 20
    for iterator in (batch, events):
        try:
            next(iterator)
        except RuntimeError as error:
            assert "forked" in str(error), error
            iterator.close()
        else:
            os._exit(1)
    os.read(ended, 1)
    os._exit(7)
print(len(list(batch)), [str(event) for event in events])
# The child has the checkpoint open, too.
print(len(list(client.map("emulator/echo", rows, checkpoint=sys.argv[2]))), flush=True)
os.close(end)
print(os.WEXITSTATUS(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_forked_child_cannot_continue_the_iterators_of_its_parent(
    emulator: Emulator, tmp_path: Path
) -> None:
    program = Program(ITERATORS, emulator.base_url, str(tmp_path / "batch.jsonl"))
    assert program.line() == "19 ['b', '']"
    assert program.line() == "20"
    assert program.line() == "7"
    assert program.end()[:2] == (0, "")


ORPHAN = """
import os, signal, sys, replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
rows = [{"value": value, "delay": 600 if value else 0} for value in range(2)]
batch = client.map("emulator/echo", rows, checkpoint=sys.argv[2])
next(batch)
ended, end = os.pipe()
if os.fork() == 0:
    os.close(end)
    # Returns when the parent has been killed.
    os.read(ended, 1)
    print(os.getpid(), flush=True)
    signal.pause()
print("ready", flush=True)
signal.pause()
"""


def test_a_forked_child_does_not_keep_a_checkpoint_locked(
    emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "batch.jsonl"
    program = Program(ORPHAN, emulator.base_url, str(path))
    assert program.line() == "ready"
    program.process.kill()
    orphan = int(program.line())
    try:
        client = replicant.Client("r8_token", base_url=emulator.base_url)
        rows = [{"value": 0, "delay": 0}]
        assert [item.resumed for item in client.map("emulator/echo", rows, checkpoint=path)] == [
            True
        ]
    finally:
        os.kill(orphan, signal.SIGKILL)


WRITING = """
import os, random, signal, sys, threading, time, replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
begun = threading.Event()
def rows():
    while True:
        yield {"value": 0}
def write():
    for _ in client.map("emulator/echo", rows(), checkpoint=sys.argv[2]):
        begun.set()
threading.Thread(target=write, daemon=True).start()
begun.wait()
ended, end = os.pipe()
for _ in range(20):
    time.sleep(random.random() * 0.03)
    if os.fork() == 0:
        os.close(end)
        # Returns when the parent has been killed.
        os.read(ended, 1)
        os.write(1, b"%d\\n" % os.getpid())
        signal.pause()
print("ready", flush=True)
signal.pause()
"""


def test_a_child_that_is_forked_during_a_write_does_not_keep_a_checkpoint_locked(
    emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "batch.jsonl"
    program = Program(WRITING, emulator.base_url, str(path))
    assert program.line() == "ready"
    program.process.kill()
    orphans = [int(program.line()) for _ in range(20)]
    try:
        client = replicant.Client("r8_token", base_url=emulator.base_url)
        (item,) = client.map("emulator/echo", [{"value": 0}], checkpoint=path)
        assert item.resumed
    finally:
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL)


POOL = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import replicant
client = replicant.Client("r8_token", base_url=sys.argv[2])
def work(number):
    return client.run("emulator/echo", {"value": number})
def main():
    assert work(-1) == -1
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert pool.map(work, range(8)) == list(range(8))
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))
    print("done", flush=True)
if __name__ == "__main__":
    main()
"""


def run_file(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that multiprocessing can import."""
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        capture_output=True,
        text=True,
        env=clean_environment(),
        timeout=60,
    )


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_pools_of_processes_share_a_client(method: str, emulator: Emulator, tmp_path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    began = time.monotonic()
    done = run_file(script, method, emulator.base_url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert time.monotonic() - began < 30


WORKER = """
import multiprocessing, sys
import replicant
client = replicant.Client("r8_token", base_url=sys.argv[2])
def work():
    # Left open. The other one is closed, but its cancel may have no response yet.
    work.stream = client.stream("emulator/endless", {}).start()
    other = client.stream("emulator/endless", {}).start()
    other.close()
if __name__ == "__main__":
    # The threads of the client do not exist in a forked worker.
    assert client.run("emulator/echo", {"value": 1}) == 1
    worker = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    worker.start()
    worker.join()
    sys.exit(worker.exitcode)
"""


@pytest.mark.alone
@pytest.mark.parametrize("imported", ["before", "after"])
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_worker_process_that_ends_cancels_its_predictions(
    method: str, imported: str, emulator: Emulator, tmp_path
) -> None:
    """Workers run no exit handlers. The package may be imported before or after multiprocessing."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER if imported == "after" else f"import replicant._native\n{WORKER}")
    found = []
    # A machine may pause while the process exits.
    while len(found) < 3 and 2 not in found:
        before = canceled(emulator)
        done = run_file(script, method, emulator.base_url)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        found.append(canceled(emulator) - before)
    assert found[-1] == 2, found


# Many predictions of the parent take turns in polling while it forks, as do those of the child.
MANY_WAITING = """
import os, sys, threading, replicant
from concurrent.futures import ThreadPoolExecutor
client = replicant.Client("r8_token", base_url=sys.argv[1])
def run(number):
    return client.run("emulator/echo", {"value": number, "delay": 1.5}, wait=0)
def run_many():
    with ThreadPoolExecutor(48) as pool:
        return list(pool.map(run, range(48))) == list(range(48))
ended = []
work = threading.Thread(target=lambda: ended.append(run_many()))
work.start()
threading.Event().wait(1.0)
child = os.fork()
if child == 0:
    os._exit(7 if run_many() else 8)
work.join()
_, status = os.waitpid(child, 0)
print(ended, os.WEXITSTATUS(status), flush=True)
"""


def test_many_predictions_wait_in_a_process_and_in_its_fork(emulator: Emulator) -> None:
    program = Program(MANY_WAITING, emulator.base_url)
    assert program.line() == "[True] 7"
    assert program.end()[:2] == (0, "")
