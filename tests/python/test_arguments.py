"""Arguments in the forms that replicate 1.x took."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
from conftest import Emulator

import replicant
from replicant.version import Version

CREATED = {"id": "p1", "status": "succeeded", "output": "done", "urls": {}}


@pytest.mark.parametrize("id", ["v1", "acme/up:5c7d", "a:b", "5c7d" * 16])
@pytest.mark.parametrize("way", ["run", "create", "use"])
def test_a_version_object_is_its_id(emulator: Emulator, way: str, id: str) -> None:
    replay = emulator.replay(
        {
            "expect": {
                "method": "POST",
                "path": "/v1/predictions",
                "json": {"version": id, "input": {}},
            },
            "reply": {"status": 201, "json": CREATED},
        }
    )
    client = replicant.Client("r8_x", base_url=replay.base_url)
    version = Version(
        id=id, created_at="2024-01-01T00:00:00Z", cog_version="0.9", openapi_schema={}
    )
    if way == "run":
        assert client.run(version, {}) == "done"
    elif way == "create":
        assert client.predictions.create(version, {}).output == "done"
    else:
        assert client.use(version)() == "done"
    replay.check()


def test_only_text_is_parsed(client: Any) -> None:
    with pytest.raises(ValueError, match="Invalid reference to model version: v1"):
        client.run("v1", {})


def test_a_version_of_a_deployment_is_an_id(client: Any, emulator: Emulator) -> None:
    version = Version(id="a:b", created_at="2024-01-01T00:00:00Z")
    emulator.forget()
    with pytest.raises(replicant.ReplicateException):
        client.deployments.update("acme/none", version=version)
    assert emulator.requests()[-1]["json"] == {"version": "a:b"}


def test_simple_keys_become_text(client: Any) -> None:
    value = {1: "a", 2.5: {2**70: "b"}, None: ["c"], "é": {False: 0, True: 1}, -0.0: 1}
    assert client.run("emulator/echo", {"value": value}) == json.loads(json.dumps(value))


@pytest.mark.parametrize("file", [io.BytesIO, lambda content: io.StringIO(content.decode())])
def test_a_file_at_its_end_is_rewound(client: Any, file: Any) -> None:
    written = file(b"hello")
    written.seek(0, 2)
    for _ in range(2):
        assert client.files.create(written).size == 5
        sent = client.run(
            "emulator/echo",
            {"value": written},
            file_encoding_strategy="base64",
            use_file_output=False,
        )
        assert sent.endswith(",aGVsbG8=")
    written.seek(2)
    assert client.files.create(written).size == 3
    assert client.files.create(file(b"")).size == 0


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (httpx.Timeout(None), None),
        (httpx.Timeout(10, read=None), None),
        (httpx.Timeout(10), 10),
        (httpx.Timeout(None, read=20), 20),
        (7, 7),
        (None, 60),
    ],
)
def test_time_limits_of_httpx(emulator: Emulator, timeout: Any, expected: Any) -> None:
    client = replicant.Client("r8_x", base_url=emulator.base_url, timeout=timeout)
    assert client.timeout == expected
    assert client.models.get("emulator/echo").name == "echo"
    client.timeout = httpx.Timeout(None)
    assert client.timeout is None
    assert client.with_options(timeout=httpx.Timeout(None)).models.get("emulator/echo")
    with pytest.raises(replicant.InvalidArgumentError, match="timeout"):
        client.timeout = -1
