"""Tools that intercept HTTP, combined with the clients and the emulator as docs/testing.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import httpx
import pytest
import replicate
import respx
import vcr
from conftest import StartEmulator

import replicant
from replicant.testing import Emulator

PREDICTION = {"id": "p1", "status": "succeeded", "output": "a heron", "urls": {}}
URL = "https://api.replicate.com/v1/predictions/p1"


def through_httpx() -> replicant.Client:
    return replicant.Client("r8_a-token-for-tests", transport=httpx.HTTPTransport())


@respx.mock
def test_respx_sees_the_requests_of_an_httpx_transport() -> None:
    route = respx.get(URL).mock(return_value=httpx.Response(200, json=PREDICTION))
    assert through_httpx().predictions.get("p1").output == "a heron"
    assert route.called


def test_pytest_httpx_sees_the_requests_of_an_httpx_transport(httpx_mock: Any) -> None:
    httpx_mock.add_response(url=URL, json=PREDICTION)
    assert through_httpx().predictions.get("p1").output == "a heron"
    (request,) = httpx_mock.get_requests()
    assert request.headers["authorization"] == "Bearer r8_a-token-for-tests"


def test_vcr_records_and_replays_an_httpx_transport(
    tmp_path: Path, start_emulator: StartEmulator
) -> None:
    base_url = start_emulator()["base_url"]
    cassette = tmp_path / "cassette.yaml"
    recorder = vcr.VCR(filter_headers=["authorization"], record_mode="once")

    def ask() -> Any:
        client = replicant.Client(
            "r8_a-token-for-tests", base_url=base_url, transport=httpx.HTTPTransport()
        )
        created = client.predictions.create(model="emulator/echo", input={"value": 7}, wait=True)
        return created.output

    with recorder.use_cassette(str(cassette)) as recorded:
        assert ask() == 7
        assert recorded.play_count == 0
    assert "r8_a-token-for-tests" not in cassette.read_text(encoding="utf-8")
    with recorder.use_cassette(str(cassette)) as replayed:
        assert ask() == 7
        assert replayed.play_count == 1


@pytest.mark.httpx_mock(assert_all_responses_were_requested=False)
def test_interceptors_run_beside_the_emulator(httpx_mock: Any) -> None:
    # Without an httpx transport, the client reaches the emulator, and the interceptor the rest.
    httpx_mock.add_response(url="https://example.com/", text="intercepted")
    with Emulator() as emulator:
        assert emulator.client().run("emulator/echo", {"value": 7}) == 7
        assert httpx.get("https://example.com/").text == "intercepted"
        assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize("mode", ["none", "once"])
def test_functions_are_models_beside_vcr(tmp_path: Path, mode: str) -> None:
    cassette = tmp_path / "cassette.yaml"
    with vcr.use_cassette(str(cassette), record_mode=mode), Emulator() as emulator:

        @emulator.model("acme/reads")
        def read(image: bytes) -> Iterator[Any]:
            print("reading")
            yield image.decode()
            yield b"a file"

        text, file = emulator.client().run("acme/reads", {"image": b"a heron"}, timeout=60)
        assert (text, file.read()) == ("a heron", b"a file")
        assert emulator.predictions[0]["logs"] == "reading\n"
        emulator.assert_called_with("acme/reads", {"image": b"a heron"})
    assert not cassette.exists(), "the cassette has requests of the emulator"


def test_the_fixture_serves_the_official_client(replicant_emulator: Emulator) -> None:
    replicant_emulator.script("acme/captioner", output="a heron")
    assert replicate.Client().run("acme/captioner", input={}) == "a heron"
    assert replicant.Client().run("acme/captioner", {}) == "a heron"


def test_plain_mocks_replace_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicant, "run", lambda *_, **__: "a heron")
    assert replicant.run("acme/captioner", {}) == "a heron"
