"""The command-line program of the package: `replicant` and `python -m replicant`."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import sysconfig
import termios
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import TOKEN, Emulator, eventually

ENTRIES = [
    [os.path.join(sysconfig.get_path("scripts"), "replicant")],
    [sys.executable, "-m", "replicant"],
]
entries = pytest.mark.parametrize("entry", ENTRIES, ids=["script", "module"])


@pytest.fixture
def variables(emulator: Emulator, tmp_path: Path) -> Dict[str, str]:
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "REPLICATE_BASE_URL": emulator.base_url,
        "REPLICATE_API_TOKEN": TOKEN,
    }


def run(command: List[str], variables: Dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr and TOKEN not in done.stdout + done.stderr
    return done


@entries
def test_it_runs_models_and_ends_with_the_exit_code(
    entry: List[str], variables: Dict[str, str]
) -> None:
    done = run([*entry, "run", "emulator/stream", "chunks=a", "chunks=é"], variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "aé\n", "")
    done = run([*entry, "run", "emulator/fails", "message=boom"], variables)
    assert (done.returncode, done.stderr) == (1, "replicant: Prediction failed: boom\n")
    assert run([*entry, "runn"], variables).returncode == 2


@entries
def test_it_starts_the_emulator_of_the_package(entry: List[str], variables: Dict[str, str]) -> None:
    done = run([*entry, "emulator", "--help"], variables)
    assert done.returncode == 0 and "replicant-emulator [options]" in done.stdout
    done = run([*entry, "emulator"], {**variables, "REPLICANT_EMULATOR": "/missing"})
    assert done.returncode == 1
    assert done.stderr.startswith("replicant: `REPLICANT_EMULATOR` must be the path of a file")


@pytest.mark.alone
@entries
def test_ctrl_c_cancels_the_prediction(
    entry: List[str], variables: Dict[str, str], emulator: Emulator
) -> None:
    before = emulator.state()["predictions"]
    child = subprocess.Popen(
        [*entry, "run", "emulator/endless"], env=variables, stderr=subprocess.PIPE, text=True
    )
    running = before.get("processing", 0)
    eventually(lambda: emulator.state()["predictions"].get("processing", 0) > running)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "canceling the prediction" in errors and "Traceback" not in errors
    assert emulator.state()["predictions"]["canceled"] == before.get("canceled", 0) + 1


class Terminal:
    """A program on a terminal."""

    def __init__(self, command: List[str], variables: Dict[str, str]) -> None:
        self.ours, theirs = pty.openpty()
        self.child = subprocess.Popen(
            command, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
        )
        self.theirs = theirs
        self.shown = ""

    def until(self, condition: Callable[[str], bool]) -> None:
        while not condition(self.shown):
            self.shown += os.read(self.ours, 4096).decode()

    def shows_input(self) -> bool:
        modes: List[Any] = termios.tcgetattr(self.theirs)
        return bool(modes[3] & termios.ECHO)

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self.ours)
        os.close(self.theirs)


def test_a_token_that_is_typed_is_not_shown(variables: Dict[str, str]) -> None:
    variables.pop("REPLICATE_API_TOKEN")
    terminal = Terminal([*ENTRIES[0], "login"], variables)
    try:
        terminal.until(lambda shown: "API token" in shown)
        assert not terminal.shows_input()
        os.write(terminal.ours, f"{TOKEN}\n".encode())
        terminal.until(lambda shown: "is stored in" in shown)
        assert terminal.child.wait(20) == 0
        assert TOKEN not in terminal.shown
        assert terminal.shows_input()
        stored = Path(variables["XDG_CONFIG_HOME"], "replicant/token")
        assert stored.read_text() == f"{TOKEN}\n"
    finally:
        terminal.close()


def test_ctrl_c_at_the_prompt_restores_the_terminal(variables: Dict[str, str]) -> None:
    terminal = Terminal([*ENTRIES[0], "login"], variables)
    try:
        terminal.until(lambda shown: "API token" in shown)
        terminal.child.send_signal(signal.SIGINT)
        assert terminal.child.wait(20) == 130
        assert terminal.shows_input()
    finally:
        terminal.close()


def test_a_terminal_shows_the_progress(variables: Dict[str, str]) -> None:
    command = [*ENTRIES[0], "run", "emulator/progress", "steps=40", "step_seconds=0.05"]
    terminal = Terminal(command, variables)
    try:
        terminal.until(lambda shown: " processing " in shown and "#-" in shown and " %" in shown)
        terminal.until(lambda shown: "40\r\n" in shown)
        assert terminal.child.wait(20) == 0
        # The line is removed before the output.
        assert terminal.shown.endswith("\r\x1b[K40\r\n")
    finally:
        terminal.close()


def test_a_terminal_shows_the_progress_of_a_batch(
    variables: Dict[str, str], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("value,delay\n" + "x,0.5\n" * 4)
    words = ["map", "emulator/echo", "--in", str(rows), "--concurrency", "2"]
    terminal = Terminal([*ENTRIES[0], *words, "--out", str(tmp_path / "out.jsonl")], variables)
    try:
        terminal.until(lambda shown: "\r2/4, 50 %, 0 failed, " in shown and " s left" in shown)
        terminal.until(lambda shown: "\r\x1b[Kreplicant: 4 of 4 rows in " in shown)
        assert terminal.child.wait(20) == 0
    finally:
        terminal.close()
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 4


def test_control_characters_do_not_reach_a_terminal(variables: Dict[str, str]) -> None:
    words = ["run", "emulator/stream", "chunks=a\x1b[2Jb"]
    terminal = Terminal([*ENTRIES[0], *words], variables)
    try:
        terminal.until(lambda shown: "a[2Jb\r\n" in shown)
        assert terminal.child.wait(20) == 0
    finally:
        terminal.close()
    assert run([*ENTRIES[0], *words], variables).stdout == "a\x1b[2Jb\n"
