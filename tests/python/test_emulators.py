"""An emulator lives as long as what uses it, and no longer than the process that started it."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, eventually, python

from replicant._testing.program import binary
from replicant.testing import Emulator


def listens(base_url: str) -> bool:
    port = int(base_url.split(":")[2].split("/")[0])
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def test_a_client_keeps_its_emulator_alive() -> None:
    client = Emulator().client()
    gc.collect()
    assert client.run("emulator/echo", {"value": 1}) == 1


def test_an_async_client_keeps_its_emulator_alive() -> None:
    async def main() -> object:
        client = Emulator().async_client()
        gc.collect()
        return await client.run("emulator/echo", {"value": 1})

    assert asyncio.run(main()) == 1


def test_what_a_client_returns_keeps_the_emulator_alive() -> None:
    (image,) = Emulator().client().run("black-forest-labs/flux-schnell", {"prompt": "x"})
    events = Emulator().client().stream("emulator/stream", {"chunks": ["a", "b"]})
    prediction = Emulator().client().predictions.create(model="emulator/echo", input={"value": 1})
    changed = Emulator().client().with_options(timeout=5)
    gc.collect()
    assert len(image.read()) > 0
    assert "".join(str(event) for event in events) == "ab"
    prediction.wait()
    assert prediction.output == 1
    assert changed.run("emulator/echo", {"value": 1}) == 1


def test_a_client_whose_options_change_keeps_its_emulator_alive() -> None:
    client = Emulator().client()
    client.max_retries = 1
    gc.collect()
    assert client.run("emulator/echo", {"value": 1}) == 1


def test_an_emulator_without_clients_stops() -> None:
    base_url = Emulator().base_url
    gc.collect()
    assert not listens(base_url)


def test_a_closed_emulator_frees_its_port() -> None:
    with Emulator() as first:
        port = int(first.base_url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            Emulator(port=port)
    with Emulator(port=port) as second:
        assert second.client().run("emulator/echo", {"value": 1}) == 1


KILLED = """
import os, sys, time
from replicant.testing import Emulator
emulator = Emulator()
if sys.argv[1] == "fork":
    child = os.fork()
    if not child:
        time.sleep(600)
    print(child, end=" ")
print(emulator.base_url, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals and fork")
@pytest.mark.parametrize("kind", ["alone", "fork"])
def test_the_emulator_of_a_killed_process_ends(kind: str) -> None:
    command = [sys.executable, "-c", KILLED, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        *forked, base_url = process.stdout.readline().split()
        assert listens(base_url)
        process.kill()
        process.wait()
        eventually(lambda: not listens(base_url))
        for child in forked:
            os.kill(int(child), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_uses_the_emulator_and_does_not_stop_it() -> None:
    script = """
import os
from replicant.testing import Emulator
emulator = Emulator()
client = emulator.client()
child = os.fork()
if not child:
    assert client.run("emulator/echo", {"value": 1}) == 1
    emulator.close()
    raise SystemExit
assert os.waitpid(child, 0)[1] == 0
assert client.run("emulator/echo", {"value": 2}) == 2
"""
    ended = python(script)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_and_its_parent_have_models_of_their_own() -> None:
    script = """
import os
from replicant.testing import Emulator
emulator = Emulator()
client = emulator.client()
emulator.model("acme/parent")(lambda: os.getpid())
parent = os.getpid()
child = os.fork()
if not child:
    emulator.model("acme/child")(lambda: os.getpid())
    assert client.run("acme/child", {}) == os.getpid()
    assert client.run("acme/parent", {}) == parent
    raise SystemExit
assert os.waitpid(child, 0)[1] == 0
assert client.run("acme/parent", {}) == parent
"""
    ended = python(script)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_emulator_that_runs_at_the_exit_causes_no_warning() -> None:
    script = """
import atexit
from replicant.testing import Emulator
emulator = Emulator()
atexit.register(lambda: print(emulator.client().run("emulator/echo", {"value": "late"})))
"""
    ended = python(script, PYTHONDEVMODE="1", PYTHONWARNINGS="error")
    assert (ended.stdout, ended.stderr) == ("late\n", "")


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_ctrl_c_does_not_reach_the_emulator() -> None:
    script = """
import time
from replicant.testing import Emulator
emulator = Emulator()
try:
    print("ready", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print(emulator.client().run("emulator/echo", {"value": 1}))
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "1\n"


def installed(folder: Path) -> str:
    """Places the package where it is not beside a build of the emulator. Returns the folder to import it from."""
    packages = folder / "venv/lib/python/site-packages"
    shutil.copytree(ROOT / "python/replicant", packages / "replicant", copy_function=os.symlink)
    return str(packages)


START = "from replicant.testing import Emulator; Emulator()"


def test_a_missing_program_is_reported_with_the_command_that_installs_it(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": installed(tmp_path), "REPLICANT_EMULATOR": ""}
    # Even if the package is installed here.
    hidden = "import sys; sys.modules['replicant_emulator'] = None\n"
    ended = python(hidden + START, **environment)
    assert "pip install 'replicant[testing]'" in ended.stderr.splitlines()[-1]


def test_the_program_of_the_installed_package_is_started(tmp_path: Path) -> None:
    packages = Path(installed(tmp_path))
    # As `pip install --target` places them.
    shutil.copytree(
        ROOT / "crates/emulator/python/replicant_emulator", packages / "replicant_emulator"
    )
    (packages / "bin").mkdir()
    program = packages / "bin" / Path(binary()).name
    environment = {"PYTHONPATH": str(packages), "REPLICANT_EMULATOR": ""}
    missing = python(START, **environment)
    assert f"is in none of {Path(sys.executable).parent}" in missing.stderr.splitlines()[-1]
    program.symlink_to(binary())
    ended = python(
        f"{START}; from replicant._testing.program import binary; print(binary())", **environment
    )
    assert (ended.stdout, ended.stderr) == (f"{program}\n", "")
    command = [sys.executable, "-m", "replicant_emulator", "--help"]
    shown = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert "replicant-emulator [options]" in shown.stdout, shown.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs scripts with a first line")
@pytest.mark.parametrize("line", ["hello", "[1]", "{}"])
def test_a_program_that_is_not_the_emulator_is_reported_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    program, ended = tmp_path / "program", tmp_path / "ended"
    program.write_text(f"#!/bin/sh\necho '{line}'\ncat\ntouch {ended}\n")
    program.chmod(0o755)
    monkeypatch.setenv("REPLICANT_EMULATOR", str(program))
    with pytest.raises(OSError, match="is not the emulator: it printed") as caught:
        Emulator()
    assert repr(line) in str(caught.value)
    assert ended.exists()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs signals")
def test_ctrl_c_while_the_emulator_starts_stops_it(tmp_path: Path) -> None:
    program, started, ended = (tmp_path / name for name in ("program", "started", "ended"))
    program.write_text(f"#!/bin/sh\ntouch {started}\ncat\ntouch {ended}\n")
    program.chmod(0o755)
    script = """
from replicant.testing import Emulator
try:
    Emulator()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    input()
"""
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "REPLICANT_EMULATOR": str(program)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        eventually(started.exists)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None and process.stdout.readline() == "interrupted\n"
        # The signal may have arrived before the process knew of the program.
        eventually(ended.exists)
        process.communicate("\n", timeout=60)


def test_a_wrong_path_of_the_program_is_reported() -> None:
    ended = python(START, REPLICANT_EMULATOR="/nowhere")
    assert "`REPLICANT_EMULATOR` must be the path of a file" in ended.stderr.splitlines()[-1]
    ended = python(START, REPLICANT_EMULATOR=sys.executable)
    assert "ended with code 2 before it listened" in ended.stderr.splitlines()[-1]
