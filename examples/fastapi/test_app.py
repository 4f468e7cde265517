"""Tests of the application: no token, no network, no bill. README.md says how to run them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import app as application
import httpx
import pytest
import uvicorn

from replicant.testing import Emulator


@pytest.fixture
def client(
    replicant_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[httpx.Client]:
    """A client of the application, which runs on a port of its own, so that webhooks can arrive."""
    config = uvicorn.Config(application.app, port=0, log_level="error")
    socket = config.bind_socket()
    # Requests wait until the server accepts them.
    socket.listen()
    url = "http://{}:{}".format(*socket.getsockname())
    monkeypatch.setenv("PUBLIC_URL", url)
    monkeypatch.chdir(tmp_path)
    application.pictures.clear()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=[[socket]])
    thread.start()
    with httpx.Client(base_url=url) as client:
        yield client
    server.should_exit = True
    thread.join()


def finished(client: httpx.Client, id: str) -> Dict[str, Any]:
    """Returns the picture when its webhook has arrived."""
    deadline = time.monotonic() + 30
    while True:
        picture: Dict[str, Any] = client.get(f"/pictures/{id}").json()
        if picture["status"] != "starting":
            return picture
        assert time.monotonic() < deadline, "the webhook did not arrive"
        time.sleep(0.02)


def test_a_picture_is_made(client: httpx.Client, replicant_emulator: Emulator) -> None:
    id = client.post("/pictures", json={"prompt": "a heron"}).json()["id"]
    picture = finished(client, id)
    assert picture["status"] == "succeeded"
    assert [Path(file).stat().st_size > 0 for file in picture["files"]] == [True]
    replicant_emulator.assert_called_with(application.MODEL, {"prompt": "a heron"})


def test_a_failure_is_shown(client: httpx.Client, replicant_emulator: Emulator) -> None:
    replicant_emulator.script(application.MODEL, fails="out of memory")
    id = client.post("/pictures", json={"prompt": "a heron"}).json()["id"]
    picture = finished(client, id)
    assert (picture["status"], picture["error"]) == ("failed", "out of memory")


def test_a_request_without_a_prompt_is_refused(
    client: httpx.Client, replicant_emulator: Emulator
) -> None:
    for response in (client.post("/pictures"), client.post("/pictures", json={})):
        assert response.status_code == 422
        assert response.json()["detail"][0]["msg"] == "Field required"
    replicant_emulator.assert_not_called()


def test_a_create_that_fails_is_reported(
    client: httpx.Client, replicant_emulator: Emulator
) -> None:
    replicant_emulator.fail_next("predictions.create", status=402)
    response = client.post("/pictures", json={"prompt": "a heron"})
    assert response.status_code == 502
    assert "402" in response.json()["detail"]


def test_without_a_public_url_the_application_does_not_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "app:app", "--port", "0"],
        cwd=Path(__file__).parent,
        env={key: value for key, value in os.environ.items() if key != "PUBLIC_URL"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "`PUBLIC_URL` must be" in done.stderr


def test_a_forged_webhook_changes_nothing(client: httpx.Client) -> None:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": "v1,bGllcw==",
    }
    forged = {"id": "p1", "status": "succeeded", "output": ["https://example.com/lies.webp"]}
    assert client.post("/webhook", json=forged, headers=headers).status_code == 401
    assert client.post("/webhook", json=forged).status_code == 400
    assert client.get("/pictures/p1").status_code == 404
