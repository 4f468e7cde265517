"""Streams: entering one creates its prediction, iterating over one does so with the first event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import fastapi
import fastapi.testclient
import pytest
from conftest import TOKEN, Emulator
from fastapi.responses import StreamingResponse

import replicant

LLAMA = "meta/meta-llama-3-8b-instruct"
INPUT = {"prompt": "x", "max_tokens": 3}


def creates(emulator: Emulator) -> int:
    # Not the cancels, which another test may have left to the background.
    posts = [r["path"] for r in emulator.requests() if r["method"] == "POST"]
    return len([path for path in posts if not path.endswith("/cancel")])


def test_entering_a_stream_starts_it(client: replicant.Client, emulator: Emulator) -> None:
    emulator.forget()
    events = client.stream(LLAMA, INPUT)
    assert creates(emulator) == 0
    with events as entered:
        assert entered is events
        assert creates(emulator) == 1
        assert events.prediction.status in ("starting", "processing")
        assert "".join(map(str, events))
    assert client.stream(LLAMA, INPUT).start().prediction.id
    with (
        pytest.raises(replicant.UnprocessableEntityError),
        client.stream(LLAMA, {"prompt": 3}),
    ):
        pytest.fail("the block of a refused stream was entered")
    assert list(client.stream(LLAMA, INPUT))[-1].event == "done"


async def test_entering_an_awaited_stream_starts_it(
    async_client: replicant.AsyncClient, client: replicant.Client, emulator: Emulator
) -> None:
    for make in (async_client.stream, client.async_stream):
        emulator.forget()
        async with make(LLAMA, INPUT) as events:
            assert creates(emulator) == 1
            assert events.prediction.id
            assert "".join([str(event) async for event in events])
        started = await make(LLAMA, INPUT).astart()
        assert started.prediction.id
        await started.aclose()
        with pytest.raises(replicant.UnprocessableEntityError):
            await make(LLAMA, {"prompt": 3}).astart()


async def test_a_start_that_is_canceled_frees_its_connection(
    async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    emulator.fault(
        match={"method": "POST", "path": "/v1/models/*/predictions"},
        times=1,
        action={"delay_ms": 2000},
    )
    stream = async_client.stream(LLAMA, INPUT)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(stream.astart(), 0.1)
    assert [event async for event in stream] == []


def test_a_refused_input_becomes_the_response_of_a_web_server(emulator: Emulator) -> None:
    app = fastapi.FastAPI()
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)

    @app.post("/talk")
    async def talk(body: dict[str, Any]) -> Any:
        try:
            events = await client.stream(LLAMA, body).astart()
        except replicant.UnprocessableEntityError as error:
            raise fastapi.HTTPException(422, error.detail) from error

        async def relay() -> AsyncIterator[str]:
            async with events:
                async for event in events:
                    yield f"event: {event.event}\n"
                    yield event.data

        return StreamingResponse(relay(), media_type="text/event-stream")

    web = fastapi.testclient.TestClient(app)
    refused = web.post("/talk", json={"prompt": 3})
    assert refused.status_code == 422
    assert "prompt" in refused.json()["detail"]
    talked = web.post("/talk", json=INPUT)
    assert talked.status_code == 200
    assert "event: output\n" in talked.text
    assert "event: done\n" in talked.text
