"""Tests of the application: no token, no network, no bill. The fixtures come with `pip install replicant[testing]`."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, Iterator

import app as application
import httpx
import pytest
import uvicorn

from replicant.testing import Emulator


@pytest.fixture
def client(replicant_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of the application, which runs on a port of its own, so that webhooks can arrive."""
    server = uvicorn.Server(uvicorn.Config(application.app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("PUBLIC_URL", url)
    application.pictures.clear()
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
    replicant_emulator.script(application.MODEL, output=["https://example.com/heron.webp"])
    id = client.post("/pictures", json={"prompt": "a heron"}).json()["id"]
    picture = finished(client, id)
    assert picture["status"] == "succeeded"
    assert picture["urls"] == ["https://example.com/heron.webp"]
    replicant_emulator.assert_called_with(application.MODEL, {"prompt": "a heron"})


def test_a_failure_is_shown(client: httpx.Client, replicant_emulator: Emulator) -> None:
    replicant_emulator.script(application.MODEL, fails="out of memory")
    id = client.post("/pictures", json={"prompt": "a heron"}).json()["id"]
    picture = finished(client, id)
    assert (picture["status"], picture["error"]) == ("failed", "out of memory")


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
