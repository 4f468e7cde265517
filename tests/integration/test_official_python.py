"""The emulator serves PyPI `replicate` 1.0.7, over HTTPS with a throwaway certificate authority."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict

import pytest
import replicate
from conftest import StartEmulator
from receiver import Receiver
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput
from replicate.stream import ServerSentEvent
from replicate.webhook import InvalidSignatureError, Webhooks

SDXL = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
ESRGAN = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def server(start_emulator: StartEmulator) -> Dict[str, str]:
    return start_emulator("--tls", "--page-size", "4")


@pytest.fixture
def client(server: Dict[str, str], monkeypatch: pytest.MonkeyPatch) -> replicate.Client:
    monkeypatch.setenv("SSL_CERT_FILE", server["ca_bundle"])
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.05")
    return replicate.Client("any-token", base_url=server["tls_origin"])


def finished(work: Any) -> Any:
    """Polls a prediction or training until it has ended."""
    deadline = time.monotonic() + 30
    while work.status not in ("succeeded", "failed", "canceled"):
        assert time.monotonic() < deadline, work
        time.sleep(0.05)
        work.reload()
    return work


@pytest.fixture
def png(client: replicate.Client) -> bytes:
    [output] = client.run(SDXL, {"prompt": "a heron", "width": 64, "height": 48})
    content: bytes = output.read()
    return content


@pytest.mark.parametrize(
    "model",
    [
        "meta/meta-llama-3-8b-instruct",
        "meta/meta-llama-3-70b-instruct",
        "meta/meta-llama-3.1-405b-instruct",
        "anthropic/claude-3.7-sonnet",
    ],
)
def test_run_returns_the_text_of_known_models(client: replicate.Client, model: str) -> None:
    text = "".join(client.run(model, {"prompt": "Tell me about herons", "max_tokens": 20}))
    assert len(text) > 10


def test_stream_yields_events_until_done(client: replicate.Client) -> None:
    events = list(
        client.stream(
            "meta/meta-llama-3-70b-instruct", input={"prompt": "herons", "max_tokens": 20}
        )
    )
    assert len("".join(map(str, events))) > 10
    assert events[-1].event == ServerSentEvent.EventType.DONE
    kinds = {event.event for event in events[:-1]}
    assert ServerSentEvent.EventType.OUTPUT in kinds


@pytest.mark.parametrize(
    "model", ["black-forest-labs/flux-1.1-pro", "google/imagen-4", "black-forest-labs/flux-pro"]
)
def test_run_returns_the_image_of_known_models(client: replicate.Client, model: str) -> None:
    output = client.run(model, {"prompt": "a heron", "aspect_ratio": "1:1"})
    assert isinstance(output, FileOutput) and output.url.startswith("https://")
    assert output.read() == b"".join(output) != b""


def test_run_uploads_files_and_returns_file_outputs(client: replicate.Client, png: bytes) -> None:
    assert png.startswith(PNG)
    output = client.run(ESRGAN, {"image": io.BytesIO(png), "scale": 2})
    assert isinstance(output, FileOutput)
    enlarged = output.read()
    width = int.from_bytes(enlarged[16:20], "big")
    assert enlarged.startswith(PNG) and width == 128
    inlined = client.run(
        ESRGAN, {"image": io.BytesIO(png), "scale": 2}, file_encoding_strategy="base64"
    )
    assert inlined.read() == enlarged


def test_an_output_file_is_an_input(client: replicate.Client) -> None:
    [output] = client.run(SDXL, {"prompt": "a heron", "width": 64, "height": 48})
    enlarged = client.run(ESRGAN, {"image": output.url, "scale": 2})
    assert enlarged.read().startswith(PNG)


async def test_asynchronous_calls(client: replicate.Client) -> None:
    output = await client.async_run(SDXL, {"prompt": "a heron", "width": 64, "height": 48})
    assert (await output[0].aread()).startswith(PNG)
    stream = await client.async_stream("meta/meta-llama-3-8b-instruct", {"prompt": "herons"})
    events = [event async for event in stream]
    assert events[-1].event == ServerSentEvent.EventType.DONE


def test_predictions_are_created_read_and_canceled(client: replicate.Client) -> None:
    prediction = client.models.predictions.create("emulator/endless", {})
    assert prediction.status in ("starting", "processing")
    assert client.predictions.get(prediction.id).id == prediction.id
    prediction.cancel()
    assert finished(prediction).status == "canceled"


def test_lists_have_pages(client: replicate.Client) -> None:
    created = {client.models.predictions.create("emulator/echo", {"value": 1}).id for _ in range(6)}
    first = client.predictions.list()
    assert len(first) == 4 and first.next
    second = client.predictions.list(first.next)
    assert created <= {prediction.id for prediction in [*first, *second]}
    assert [p.id for p in client.predictions.list(second.previous)] == [p.id for p in first]
    pages = [page := client.models.list()]
    while page.next:
        pages.append(page := client.models.list(page.next))
    names = [model.id for page in pages for model in page]
    assert len(names) == len(set(names)) > 8


def test_resources_are_read(client: replicate.Client) -> None:
    assert client.accounts.current().username == "acme"
    assert client.hardware.list()
    assert client.collections.get("text-to-image").models
    assert client.models.get("stability-ai/sdxl").versions.list()
    assert any(model.name == "sdxl" for model in client.models.search("sdxl"))


def test_models_and_deployments_are_managed(client: replicate.Client) -> None:
    model = client.models.create("acme", "cabin", visibility="private", hardware="cpu")
    assert client.models.get("acme/cabin").name == model.name
    assert client.models.delete("acme/cabin")
    made = client.deployments.create(
        name="art",
        model="stability-ai/sdxl",
        version=SDXL.split(":")[1],
        hardware="gpu-t4",
        min_instances=0,
        max_instances=2,
    )
    updated = client.deployments.update(made.owner, made.name, max_instances=3)
    assert updated.current_release.configuration.max_instances == 3
    text = client.deployments.get("acme/text")
    prediction = finished(text.predictions.create({"prompt": "herons", "max_tokens": 20}))
    assert prediction.status == "succeeded" and prediction.output
    assert client.deployments.delete("acme", "art")


def test_trainings_run_and_are_canceled(client: replicate.Client, png: bytes) -> None:
    uploaded = client.files.create(io.BytesIO(png))
    arguments = {
        "version": SDXL,
        "input": {"input_images": uploaded.urls["get"]},
        "destination": "acme/hotdog",
    }
    trained = finished(client.trainings.create(**arguments))
    assert trained.status == "succeeded" and trained.output["version"].startswith("acme/hotdog:")
    output = client.run(trained.output["version"], {"prompt": "a", "width": 64, "height": 48})
    assert output[0].read().startswith(PNG)
    canceled = client.trainings.create(**arguments)
    canceled.cancel()
    assert finished(canceled).status in ("canceled", "succeeded")
    assert client.trainings.get(trained.id).id in {item.id for item in client.trainings.list()}


def test_files_are_managed(client: replicate.Client) -> None:
    created = client.files.create(io.BytesIO(b"hello"), metadata={"a": 1}, filename="hello.txt")
    assert client.files.get(created.id).size == 5
    assert created.id in {file.id for file in client.files.list()}
    assert client.files.delete(created.id)
    with pytest.raises(ReplicateError) as missing:
        client.files.get(created.id)
    assert missing.value.status == 404


def test_webhooks_are_signed(client: replicate.Client) -> None:
    with Receiver() as receiver:
        prediction = client.models.predictions.create(
            "emulator/echo",
            {"value": "heron"},
            webhook=receiver.url,
            webhook_events_filter=["completed"],
        )
        headers, body = receiver.next()
    secret = client.webhooks.default.secret()
    Webhooks.validate(headers=headers, body=body, secret=secret, tolerance=60)
    assert json.loads(body)["id"] == prediction.id
    with pytest.raises(InvalidSignatureError):
        Webhooks.validate(headers=headers, body=body + " ", secret=secret)


def test_errors_have_the_classes_of_the_client(client: replicate.Client) -> None:
    with pytest.raises(ModelError, match="out of paint"):
        client.run("emulator/fails", {"message": "out of paint"})
    with pytest.raises(ReplicateError) as missing:
        client.run("acme/nothing", {})
    assert missing.value.status == 404
    with pytest.raises(ReplicateError) as invalid:
        client.run("meta/meta-llama-3-8b-instruct", {"prompt": 1})
    assert invalid.value.status == 422


def test_the_fixtures_make_the_client_trust_the_emulator(tmp_path: Path) -> None:
    (tmp_path / "test_application.py").write_text(
        """
import replicate

def test_the_application_reads_the_file(replicant_emulator):
    output = replicate.run("black-forest-labs/flux-1.1-pro", {"prompt": "a heron"})
    assert output.url.startswith("https://") and output.read()
    replicant_emulator.assert_called("black-forest-labs/flux-1.1-pro", times=1)
"""
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nreplicant_tls = true\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", tmp_path],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert ran.returncode == 0 and "1 passed" in ran.stdout, ran.stdout
