"""The soak programs with few requests. `make soak` runs them with 100,000 each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.skipif(shutil.which("node") is None, reason="the server needs Node")
@pytest.mark.parametrize("program", ["soak_python.py", "soak_node.mjs"])
def test_mixed_requests_leave_nothing_behind(program: str) -> None:
    command = [sys.executable] if program.endswith(".py") else ["node"]
    done = subprocess.run(
        [*command, str(HERE / program)],
        env={**os.environ, "SOAK": "small"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
