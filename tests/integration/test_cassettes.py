"""Sessions of the official clients and of replicant are recorded, and replayed without the API."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest
import replicate
from conftest import StartEmulator

import replicant

SDXL = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
ESRGAN = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"
TOKEN = "r8_secret_token"

Session = Callable[[Dict[str, str]], List[Any]]


def session(client: Any) -> List[Any]:
    [image] = client.run(SDXL, {"prompt": "a heron", "seed": 1, "width": 64, "height": 48})
    png: bytes = image.read()
    assert png.startswith(b"\x89PNG")
    larger = client.run(ESRGAN, {"image": io.BytesIO(png), "scale": 2}).read()
    prompt = {"prompt": "herons", "max_tokens": 20}
    events = [str(event) for event in client.stream("meta/meta-llama-3-8b-instruct", input=prompt)]
    ids = [prediction.id for prediction in client.predictions.list()]
    with pytest.raises((replicate.exceptions.ReplicateError, replicant.NotFoundError)):
        client.models.get("acme/missing")
    return [png, larger, events, ids]


def official(server: Dict[str, str]) -> List[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", server["ca_bundle"])
        return session(replicate.Client(TOKEN, base_url=server["tls_origin"]))


def ours(server: Dict[str, str]) -> List[Any]:
    return session(replicant.Client(TOKEN, base_url=server["base_url"]))


@pytest.mark.parametrize("run", [official, ours])
def test_a_session_of_a_python_client_is_replayed(
    start_emulator: StartEmulator, tmp_path: Path, run: Session
) -> None:
    check(start_emulator, tmp_path / "cassette", run)


def test_a_session_of_the_npm_clients_is_replayed(
    start_emulator: StartEmulator, node_program: Callable[..., str], tmp_path: Path
) -> None:
    def run(server: Dict[str, str]) -> List[Any]:
        output = node_program(
            "cassettes.mjs",
            BASE_URL=server["tls_base_url"],
            NODE_EXTRA_CA_CERTS=server["ca_bundle"],
            SSL_CERT_FILE=server["ca_bundle"],
        )
        results = re.findall(r"^# (\[.*\])$", output, re.MULTILINE)
        assert len(results) == 2, output
        return results

    check(start_emulator, tmp_path / "cassette", run)


def test_an_upstream_with_https_is_recorded(
    start_emulator: StartEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = start_emulator("--tls")
    monkeypatch.setenv("SSL_CERT_FILE", upstream["ca_bundle"])
    check(start_emulator, tmp_path / "cassette", ours, upstream["tls_origin"])


def test_an_upstream_with_an_unknown_certificate_is_refused(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    upstream = start_emulator("--tls")["tls_origin"]
    recorder = start_emulator(f"--record={tmp_path / 'cassette'}", f"--upstream={upstream}")
    client = replicant.Client(TOKEN, base_url=recorder["base_url"], max_retries=0)
    with pytest.raises(replicant.APIStatusError, match="certificate"):
        client.models.get("emulator/echo")


def check(
    start_emulator: StartEmulator, folder: Path, run: Session, upstream: Optional[str] = None
) -> None:
    upstream = upstream or start_emulator()["origin"]
    recorded = run(start_emulator("--tls", f"--record={folder}", f"--upstream={upstream}"))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert not [path for path in files if b"127.0.0.1" in path.read_bytes()]
    assert run(start_emulator("--tls", f"--replay={folder}")) == recorded
