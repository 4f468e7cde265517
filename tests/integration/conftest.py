"""Fixtures of the integration tests: the emulator as a program, and what `make test-integration` has installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest

from replicant._testing.program import Program

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "target/integration"

#: Starts an emulator with command-line options and returns its addresses. It stops with the test module.
StartEmulator = Callable[..., Dict[str, str]]


@pytest.fixture(scope="module")
def start_emulator() -> Iterator[StartEmulator]:
    running: List[Program] = []

    def start(*options: str) -> Dict[str, str]:
        running.append(Program(list(options)))
        return running[-1].addresses

    yield start
    for program in running:
        program.stop()


@pytest.fixture(scope="session")
def node_program() -> Callable[..., str]:
    """Runs a program of this folder with Node and returns its output."""

    def run(name: str, **environment: str) -> str:
        ran = subprocess.run(
            ["node", "--test", "--test-reporter=tap", ROOT / "tests/integration" / name],
            env={**os.environ, "PACKAGES": str(INSTALLED / "node"), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    return run
