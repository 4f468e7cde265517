"""Timeouts and deadlines."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest
from conftest import ENDLESS, Emulator, eventually
from listener import Listener

import replicant


def test_a_passed_timeout_is_an_error_with_the_prediction(
    client: replicant.Client, emulator: Emulator
) -> None:
    with pytest.raises(replicant.PredictionTimeoutError) as caught:
        client.run(ENDLESS, {}, timeout=3.0, wait=False)
    assert isinstance(caught.value, TimeoutError)
    prediction = caught.value.prediction
    assert prediction is not None
    assert prediction._bound is client
    eventually(lambda: client.predictions.get(prediction.id).status == "canceled")


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (httpx.Timeout(None), None),
        (httpx.Timeout(10, read=None), None),
        (httpx.Timeout(10), 10),
        ((5, 10), 10),
        ((None, 10, 5, 5), 10),
        (httpx.Timeout(None, read=20), 20),
        (7, 7),
        (None, 60),
    ],
)
def test_a_timeout_of_httpx_sets_both_limits(
    emulator: Emulator, timeout: Any, expected: Any
) -> None:
    client = replicant.Client("r8_x", base_url=emulator.base_url, timeout=timeout)
    assert client.timeout == expected
    assert client.models.get("emulator/echo").name == "echo"
    client.timeout = httpx.Timeout(None)
    assert client.timeout is None
    unlimited = client.with_options(timeout=httpx.Timeout(None))
    assert unlimited.timeout is None
    assert unlimited.models.get("emulator/echo")
    with pytest.raises(replicant.InvalidArgumentError, match="timeout"):
        client.timeout = -1


RECEIVES = """
import asyncio, sys, replicant
client = replicant.Client("x", base_url=sys.argv[1], timeout=5, max_retries=0)
if sys.argv[2] == "awaited":
    print(asyncio.run(client.async_run("acme/text", {})))
else:
    print(client.run("acme/text", {}, timeout=5))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process")
@pytest.mark.parametrize("kind", ["blocking", "awaited"])
def test_a_response_that_arrived_while_the_process_was_stopped_is_returned(kind: str) -> None:
    asked, stopped = threading.Event(), threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        asked.set()
        assert stopped.wait(30)
        body = b'{"id": "p1", "status": "succeeded", "output": "a heron"}'
        connection.sendall(b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    with Listener(serve) as server:
        command = [sys.executable, "-c", RECEIVES, f"http://127.0.0.1:{server.port}", kind]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert asked.wait(60)
            child.send_signal(signal.SIGSTOP)
            stopped.set()
            time.sleep(6)
            child.send_signal(signal.SIGCONT)
            output, errors = child.communicate(timeout=60)
    assert output == "a heron\n", errors
