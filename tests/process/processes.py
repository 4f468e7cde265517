"""What the tests of whole processes share with those of the Python package."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Programs import this module without pytest.
sys.path.append(str(ROOT / "tests/support"))
from listener import Listener  # noqa: E402

# Loaded under another name, because pytest has room for only one `conftest`.
_spec = importlib.util.spec_from_file_location("python_conftest", ROOT / "tests/python/conftest.py")
assert _spec is not None and _spec.loader is not None
_shared = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _shared
_spec.loader.exec_module(_shared)

Emulator = _shared.Emulator
canceled = _shared.canceled
emulator = _shared.emulator
shared_emulator = _shared.shared_emulator
environment = _shared.environment
eventually = _shared.eventually
within = _shared.within
python = _shared.python


PATHS = (ROOT / "python", Path(__file__).parent)


def clean_environment(**more: str) -> dict[str, str]:
    """Returns the environment without the options of the developer, in which this package is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPLICATE_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, PATHS)), **more}


class SilentServer:
    """Accepts connections and requests, and responds to none."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.open = 0
        self.most = 0
        self._lock = threading.Lock()
        self._listener = Listener(self._read)
        self.base_url = f"http://127.0.0.1:{self._listener.port}/v1"

    def _read(self, connection: socket.socket) -> None:
        self._count(1)
        try:
            while data := connection.recv(65536):
                if data.startswith((b"GET ", b"POST ")):
                    self.heads.append(data.partition(b"\r\n\r\n")[0])
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.open += change
            self.most = max(self.most, self.open)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def silent_server() -> Iterator[SilentServer]:
    server = SilentServer()
    try:
        yield server
    finally:
        server.close()


class Program:
    """A running script. It prints lines, and the time of its last statement."""

    def __init__(self, script: str, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(**environment),
        )

    def line(self) -> str:
        """Returns the next line that the program prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line and self.process.wait() != 0:
            assert self.process.stderr is not None
            raise AssertionError(self.process.stderr.read())
        return line.strip()

    def end(self, timeout: float = 30) -> tuple[int, str, float]:
        """Waits for the end. Returns the exit code, the errors printed and the time of the end."""
        _, errors = self.process.communicate(timeout=timeout)
        return self.process.returncode, errors, time.time()
