"""Servers and task queues that fork or start worker processes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from processes import Emulator, clean_environment, emulator, environment, shared_emulator

__all__ = ["emulator", "environment", "shared_emulator"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

WSGI = """
import os, replicant
client = replicant.Client("r8_token", base_url=os.environ["API"])
# The parent has used the client, and has a background thread, when it forks.
assert client.run("emulator/echo", {"value": 0}) == 0
def app(environ, start_response):
    value = client.run("emulator/echo", {"value": environ["PATH_INFO"]})
    words = client.stream("emulator/stream", {"chunks": ["a", "b"], "repeat": 3})
    start_response("200 OK", [("content-type", "text/plain")])
    return [(value + "".join(map(str, words))).encode()]
"""

ASGI = """
import os, replicant
client = replicant.AsyncClient("r8_token", base_url=os.environ["API"])
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    value = await client.run("emulator/echo", {"value": scope["path"]})
    words = [str(w) async for w in client.stream("emulator/stream", {"chunks": ["a", "b"], "repeat": 3})]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": (value + "".join(words)).encode()})
"""


class Server:
    """A server program, which prints its address once it listens."""

    def __init__(self, folder: Path, app: str, api: str, *arguments: str) -> None:
        (folder / "app.py").write_text(app)
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments, "app:app"],
                cwd=folder,
                env=clean_environment(API=api),
                stdout=log,
                stderr=log,
            )
        self.url = self.wait_for(r"http://127\.0\.0\.1:\d+")

    def wait_for(self, pattern: str) -> str:
        end = time.monotonic() + 30
        while not (found := re.search(pattern, self.log.read_text())):
            assert time.monotonic() < end and self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        return found[0]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=20) as response:
            return response.read().decode()

    def use(self) -> None:
        with ThreadPoolExecutor(8) as pool:
            paths = [f"/{number}" for number in range(40)]
            assert list(pool.map(self.get, paths)) == [path + "ababab" for path in paths]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        try:
            self.process.wait(timeout=20)
        finally:
            self.process.kill()
        assert time.monotonic() - began < 10
        for word in ("Traceback", "Fatal", "panicked", "SIGSEGV", "SIGABRT"):
            assert word not in self.log.read_text(), self.log.read_text()


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_gunicorn_workers_share_a_preloaded_client(
    kind: str, emulator: Emulator, tmp_path: Path
) -> None:
    pytest.importorskip("gunicorn")
    options = ["--preload", "-k", kind, "-w", "2", "--threads", "4" if kind == "gthread" else "1"]
    arguments = ["gunicorn", *options, "-b", "127.0.0.1:0"]
    server = Server(tmp_path, WSGI, emulator.base_url, *arguments)
    server.use()
    server.stop()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_uvicorn_workers_serve_requests(loop: str, emulator: Emulator, tmp_path: Path) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    options = ["--workers", "2", "--port", "0", "--loop", loop, "--timeout-graceful-shutdown", "5"]
    server = Server(tmp_path, ASGI, emulator.base_url, "uvicorn", *options)
    server.wait_for("startup complete")
    server.use()
    server.stop()


TASKS = """
import os, sys, celery, replicant
folder = os.environ["FOLDER"]
queue = {"data_folder_in": folder + "/queue", "data_folder_out": folder + "/queue"}
app = celery.Celery("tasks", broker="filesystem://", backend="file://" + folder + "/results")
app.conf.update(broker_transport_options=queue, worker_hijack_root_logger=False)
client = replicant.Client("r8_token", base_url=os.environ["API"])
assert client.run("emulator/echo", {"value": 0}) == 0
@app.task(name="echo")
def echo(value):
    return client.run("emulator/echo", {"value": value})
if __name__ == "__main__":
    results = [echo.delay(value) for value in range(20)]
    print([result.get(timeout=30) for result in results])
"""


def test_celery_workers_share_a_client(emulator: Emulator, tmp_path: Path) -> None:
    pytest.importorskip("celery")
    for folder in ("queue", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tasks.py").write_text(textwrap.dedent(TASKS))
    env = clean_environment(API=emulator.base_url, FOLDER=str(tmp_path))
    options = ["--pool", "prefork", "-c", "2", "--without-gossip", "--without-mingle"]
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tasks", "worker", *options],
            cwd=tmp_path,
            env=env,
            stdout=log,
            stderr=log,
        )
    try:
        done = subprocess.run(
            [sys.executable, "tasks.py"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.strip() == str(list(range(20))), done.stderr
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0, (tmp_path / "log").read_text()
    finally:
        worker.kill()
