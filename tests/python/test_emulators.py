"""An emulator in this process lives as long as what uses it."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from replicant.testing import Emulator


def test_a_client_keeps_its_emulator_alive() -> None:
    client = Emulator().client()
    gc.collect()
    assert client.run("emulator/echo", {"value": 1}) == 1


def test_an_async_client_keeps_its_emulator_alive() -> None:
    async def main() -> object:
        client = Emulator().async_client()
        gc.collect()
        return await client.run("emulator/echo", {"value": 1})

    assert asyncio.run(main()) == 1


def test_what_a_client_returns_keeps_the_emulator_alive() -> None:
    (image,) = Emulator().client().run("black-forest-labs/flux-schnell", {"prompt": "x"})
    events = Emulator().client().stream("emulator/stream", {"chunks": ["a", "b"]})
    prediction = Emulator().client().predictions.create(model="emulator/echo", input={"value": 1})
    changed = Emulator().client().with_options(timeout=5)
    gc.collect()
    assert len(image.read()) > 0
    assert "".join(str(event) for event in events) == "ab"
    prediction.wait()
    assert prediction.output == 1
    assert changed.run("emulator/echo", {"value": 1}) == 1


def test_a_client_whose_options_change_keeps_its_emulator_alive() -> None:
    client = Emulator().client()
    client.max_retries = 1
    gc.collect()
    assert client.run("emulator/echo", {"value": 1}) == 1


def test_an_emulator_without_clients_stops() -> None:
    port = int(Emulator().base_url.split(":")[2].split("/")[0])
    gc.collect()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 1)
