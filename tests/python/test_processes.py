"""Imports, forks and the end of the process."""

from __future__ import annotations

import os
import sys
import time

import pytest
from conftest import Emulator, canceled, eventually, python, within

FORK = """
import os, sys, replicant
client = replicant.Client(base_url=sys.argv[1])
for _ in range(int(sys.argv[2])):
    assert client.run("emulator/echo", {"value": 1}) == 1
    child = os.fork()
    if not child:
        assert client.run("emulator/echo", {"value": 2}) == 2
        os._exit(0)
    assert client.run("emulator/echo", {"value": 3}) == 3
    pid, status = os.waitpid(child, 0)
    assert status == 0, status
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_use_the_client(emulator: Emulator) -> None:
    done = python(FORK, emulator.base_url, "20")
    assert done.stdout == "done\n", done.stderr


FORK_IN_FLIGHT = """
import os, sys, threading, replicant
client = replicant.Client(base_url=sys.argv[1])
stream = client.stream("emulator/endless", {})
reader = threading.Thread(target=lambda: next(stream, None), daemon=True)
reader.start()
work = threading.Thread(target=client.run, args=("emulator/echo", {"value": 1, "delay": 0.5}))
work.start()
child = os.fork()
if not child:
    import asyncio
    stream = None
    assert client.run("emulator/echo", {"value": 2}) == 2
    assert asyncio.run(client.async_run("emulator/echo", {"value": 3})) == 3
    sys.exit(0)
pid, status = os.waitpid(child, 0)
assert status == 0, status
work.join()
stream.close()
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_during_requests_can_use_the_client(emulator: Emulator) -> None:
    done = python(FORK_IN_FLIGHT, emulator.base_url)
    assert done.stdout == "done\n", done.stderr


FORK_WITH_FILES = """
import multiprocessing, os, sys, replicant
client = replicant.Client(base_url=sys.argv[1])
paint = client.use("black-forest-labs/flux-schnell")
(heron,) = paint(prompt="a heron", megapixels="0.25")
content = open(heron, "rb").read()
child = os.fork()
if not child:
    assert open(heron, "rb").read() == content
    (crane,) = paint(prompt="a crane", megapixels="0.25")
    print(os.fspath(crane), flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert open(heron, "rb").read() == content
print(os.fspath(heron), flush=True)

def work():
    (crane,) = paint(prompt="a crane", megapixels="0.25")
    print(os.fspath(crane), flush=True)

worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_removes_its_own_files_only(emulator: Emulator) -> None:
    done = python(FORK_WITH_FILES, emulator.base_url)
    assert done.returncode == 0, done.stderr
    paths = done.stdout.split()
    assert len(paths) == 3
    assert not any(os.path.exists(path) for path in paths)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="needs sys.stdlib_module_names")
def test_importing_is_quick_and_loads_no_other_package() -> None:
    script = """
import sys, time
before = set(sys.modules)
# CPU time, because other processes may keep the machine busy.
start = time.process_time()
import replicant
took = time.process_time() - start
after = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign = after - set(sys.stdlib_module_names) - {"replicant"}
assert not foreign, foreign
assert "asyncio" not in after and "typing" not in after, after
replicant.Client("x")
after = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign = after - set(sys.stdlib_module_names) - {"replicant"}
assert not foreign, foreign
print(took)
"""
    within(0.015, lambda: min(float(python(script).stdout) for _ in range(5)))


@pytest.mark.alone
def test_the_process_ends_with_running_requests(emulator: Emulator) -> None:
    script = """
import sys, threading, time, replicant
client = replicant.Client(base_url=sys.argv[1])
run = lambda: client.run("emulator/endless", {}, wait=False)
for _ in range(8):
    threading.Thread(target=run, daemon=True).start()
running = ("starting", "processing")
while not all(prediction.status in running for prediction in client.predictions.list().results[:8]):
    time.sleep(0.01)
"""
    before = canceled(emulator)
    start = time.monotonic()
    done = python(script, emulator.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    # The process waits for cancels, but not for long.
    assert time.monotonic() - start < 10
    eventually(lambda: canceled(emulator) == before + 8)


COMMON = """
import asyncio, sys, threading, time, replicant
client = replicant.Client(base_url=sys.argv[1])
def begun():
    while not client.predictions.list().results: time.sleep(0.01)
    while client.predictions.list()[0].status not in ("starting", "processing"): time.sleep(0.01)
"""


def test_exit_handlers_can_call(emulator: Emulator) -> None:
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
