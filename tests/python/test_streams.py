"""Event streams."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
import pickle
import random
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import fastapi
import fastapi.testclient
import pytest
from conftest import ENDLESS, TOKEN, Emulator, canceled, eventually, python
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

import replicant
from replicant import _native

pytestmark = pytest.mark.alone


async def test_leaving_a_stream_frees_its_connection(
    async_client: replicant.AsyncClient, client: replicant.Client, emulator: Emulator
) -> None:
    def idle() -> bool:
        return emulator.state()["active_streams"] == 0

    await asyncio.to_thread(eventually, idle)
    model, input = "meta/meta-llama-3-8b-instruct", {"prompt": "x", "max_tokens": 500}
    async for event in async_client.stream(model, input):
        if str(event):
            break
    del event
    gc.collect()
    await asyncio.to_thread(eventually, idle)
    with client.stream(model, input) as stream:
        next(stream)
        assert stream.prediction.id
        assert emulator.state()["active_streams"] == 1
    await asyncio.to_thread(eventually, idle)
    assert list(stream) == []


async def test_a_stream_can_be_closed_during_a_read(
    async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    stream = async_client.stream(ENDLESS, {})

    async def read() -> list[Any]:
        return [event async for event in stream]

    def active() -> int:
        return emulator.state()["active_streams"]

    await asyncio.to_thread(eventually, lambda: active() == 0)
    reader = asyncio.create_task(read())
    await asyncio.to_thread(eventually, lambda: active() == 1)
    await stream.aclose()
    await stream.aclose()
    await asyncio.wait_for(reader, 30)
    await asyncio.to_thread(eventually, lambda: active() == 0)


LLAMA = "meta/meta-llama-3-8b-instruct"


TEXT = {"prompt": "x", "max_tokens": 40, "seed": 7}


async def test_closing_a_stream_at_any_moment_ends_its_readers(emulator: Emulator) -> None:
    """Calls `aclose` during, before and after a read, twice, and from another task."""
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)
    chance = random.Random(4)

    async def once(moment: float, twice: bool) -> None:
        stream = client.stream(ENDLESS, {})

        async def read() -> int:
            return len([event async for event in stream])

        reading = asyncio.create_task(read())
        await asyncio.sleep(moment)
        await stream.aclose()
        if twice:
            await asyncio.gather(stream.aclose(), stream.aclose())
        await asyncio.wait_for(reading, 60)
        assert [event async for event in stream] == []

    moments = [(chance.random() * 0.05, chance.random() < 0.5) for _ in range(100)]
    await asyncio.gather(*(once(*moment) for moment in moments))
    await asyncio.to_thread(eventually, lambda: emulator.state()["active_streams"] == 0)
    # Only predictions that were created are canceled.
    await asyncio.to_thread(
        eventually, lambda: not emulator.state()["predictions"].get("processing")
    )


async def test_a_text_stream_yields_the_output_only(
    client: replicant.Client, async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    whole = "".join(await async_client.run(LLAMA, TEXT))
    assert "".join([text async for text in async_client.stream(LLAMA, TEXT).text()]) == whole
    assert "".join(client.stream(LLAMA, TEXT).text()) == whole
    text = async_client.stream(LLAMA, TEXT).text()
    assert text.prediction is None
    first = await text.__anext__()
    assert whole.startswith(first)
    assert text.prediction.id
    assert isinstance(text.prediction, replicant.AsyncPrediction)
    await text.aclose()
    assert [piece async for piece in text] == []
    for piece in client.stream(LLAMA, TEXT).text():
        assert piece == first
        break
    gc.collect()
    await asyncio.to_thread(eventually, lambda: emulator.state()["active_streams"] == 0)


async def test_concurrent_reads_lose_no_events(async_client: replicant.AsyncClient) -> None:
    async with async_client.stream("emulator/stream", {"chunks": ["a", "b", "c"]}) as stream:
        reads = (asyncio.ensure_future(stream.__anext__()) for _ in range(8))
        read = await asyncio.gather(*reads, return_exceptions=True)
        rest = [event async for event in stream]
    # Another reader may take an event, but no read may report the end of a running stream.
    ended = any(isinstance(event, StopAsyncIteration) for event in read)
    assert not (ended and rest)
    events = [event for event in read if not isinstance(event, BaseException)] + rest
    assert [str(event) for event in events if event.event == "output"] == ["a", "b", "c"]


async def test_a_read_that_is_never_awaited_does_not_affect_the_stream(
    async_client: replicant.AsyncClient,
) -> None:
    async with async_client.stream("emulator/stream", {"chunks": ["a", "b"]}) as stream:
        reader = stream.__aiter__()
        unread = reader.__anext__()
        del unread
        assert [str(event) async for event in stream if event.event == "output"] == ["a", "b"]


async def test_a_read_can_be_awaited_once(async_client: replicant.AsyncClient) -> None:
    async with async_client.stream("emulator/stream", {"chunks": ["a", "b"]}) as stream:
        first = stream.__anext__()
        assert str(await first) == "a"
        with pytest.raises(RuntimeError):
            await first


INPUT = {"prompt": "x", "max_tokens": 3}


def creates(emulator: Emulator) -> int:
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
        started = await make(LLAMA, INPUT).start()
        assert started.prediction.id
        await started.aclose()
        with pytest.raises(replicant.UnprocessableEntityError):
            await make(LLAMA, {"prompt": 3}).start()


async def test_a_canceled_start_frees_its_connection(
    async_client: replicant.AsyncClient, emulator: Emulator
) -> None:
    emulator.fault(
        match={"method": "POST", "path": "/v1/models/*/predictions"},
        times=1,
        action={"delay_ms": 2000},
    )
    stream = async_client.stream(LLAMA, INPUT)
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(stream.start(), 0.1)
    assert [event async for event in stream] == []


def test_a_refused_input_becomes_the_response_of_a_web_server(emulator: Emulator) -> None:
    app = fastapi.FastAPI()
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)

    @app.post("/talk")
    async def talk(body: dict[str, Any]) -> Any:
        try:
            events = await client.stream(LLAMA, body).start()
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


def test_a_file_in_a_stream_is_both_its_url_and_a_file(
    client: replicant.Client, emulator: Emulator, tmp_path: Path
) -> None:
    url = "data:text/plain,hello"
    replay = emulator.replay(
        {
            "expect": {"method": "POST", "path": "/v1/models/acme/pictures/predictions"},
            "reply": {
                "status": 201,
                "json": {
                    "id": "p1",
                    "status": "starting",
                    "urls": {"stream": "{{other}}/v1/files/s1"},
                },
            },
        },
        {
            "expect": {"method": "GET", "path": "/v1/files/s1", "origin": "other"},
            "reply": {
                "sse": "event: output\nid: 1\ndata: https: no URL\n\n"
                f"event: output\nid: 2\ndata: {url}\n\nevent: done\ndata: {{}}\n\n"
            },
        },
    )
    local = replicant.Client(TOKEN, base_url=replay.base_url)
    text, event, _ = local.stream("acme/pictures", {})
    assert type(text.data) is str and text.file is None
    data: Any = event.data
    assert isinstance(data, replicant.FileOutput)
    assert (data, data.url, str(data), f"{data}", "".join([data])) == (url,) * 5
    assert data.read() == b"".join(data) == b"hello"
    path = data.save(tmp_path / "out.txt")
    file = event.file
    assert type(file) is replicant.FileOutput and file == data
    assert file.read().decode() == Path(path).read_text() == "hello"
    for copied in (pickle.loads(pickle.dumps(data)), copy.copy(data)):
        assert (type(copied), copied, copied.read()) == (type(data), url, b"hello")
    assert client.run("emulator/echo", {"value": data}, use_file_output=False) == url


def hooked(emulator: Emulator, seen: list[str]) -> replicant.Client:
    """Returns a client with a hook, which needs the reader of a stream to call it."""

    def on_request(event: replicant.RequestEvent) -> None:
        seen.append(event.method)

    return replicant.Client(TOKEN, base_url=emulator.base_url, on_request=on_request)


async def test_a_stream_that_was_begun_blocking_can_be_awaited(emulator: Emulator) -> None:
    seen: list[str] = []
    stream = hooked(emulator, seen).stream(LLAMA, TEXT).start()
    assert seen == ["POST"]
    events = await asyncio.wait_for(asyncio.create_task(collect(stream)), 30)
    assert events[-1].event == "done"
    assert seen == ["POST", "GET"]


async def collect(stream: Any) -> list[Any]:
    return [event async for event in stream]


# Scripts, because a fault would block the event loop for good.
BLOCKING = """
import asyncio, sys
import replicant

seen = []
client = replicant.Client("r8_x", base_url=sys.argv[1], on_request=lambda event: seen.append(event.method))

async def main():
    stream = await client.async_stream("emulator/stream", {"chunks": ["a", "b"]})
    await stream.astart()
    print([event.event for event in stream][-1], *seen)

asyncio.run(main())
"""
SERVER = """
import sys
import fastapi, fastapi.testclient
import replicant

app = fastapi.FastAPI()
client = replicant.Client("r8_x", base_url=sys.argv[1], on_request=lambda event: None)

@app.post("/talk")
def talk():
    stream = client.stream("emulator/stream", {"chunks": ["a", "b"]})
    return fastapi.responses.StreamingResponse(stream.start().text())

print(fastapi.testclient.TestClient(app).post("/talk").text)
"""


def test_a_stream_that_was_begun_awaited_can_be_read_blocking(emulator: Emulator) -> None:
    done = python(BLOCKING, emulator.base_url)
    assert done.stdout == "done POST GET\n", done.stderr


def test_a_web_server_sends_the_text_of_a_blocking_stream(emulator: Emulator) -> None:
    done = python(SERVER, emulator.base_url)
    assert done.stdout == "ab\n", done.stderr


def test_a_stream_can_change_its_event_loop(emulator: Emulator) -> None:
    seen: list[str] = []
    stream = hooked(emulator, seen).stream(LLAMA, TEXT)
    asyncio.run(asyncio.wait_for(begin(stream), 30))
    events = asyncio.run(asyncio.wait_for(collect(stream), 30))
    assert events[-1].event == "done"
    assert seen == ["POST", "GET"]


async def begin(stream: Any) -> None:
    await stream.astart()


async def test_a_hook_may_be_async_once_its_stream_is_awaited(emulator: Emulator) -> None:
    seen: list[str] = []

    async def hook(event: replicant.RequestEvent) -> None:
        await asyncio.sleep(0)
        seen.append(event.method)

    def on_request(event: replicant.RequestEvent) -> Any:
        return hook(event) if event.method == "GET" else None

    client = replicant.Client(TOKEN, base_url=emulator.base_url, on_request=on_request)
    stream = client.stream(LLAMA, TEXT).start()
    assert (await asyncio.wait_for(collect(stream), 30))[-1].event == "done"
    assert seen == ["GET"]


def leave(stream: Any) -> None:
    with stream:
        next(stream)


def close(stream: Any) -> None:
    next(stream)
    stream.close()


def close_text(stream: Any) -> None:
    stream.start()
    stream.text().close()


def close_in_a_thread(stream: Any) -> None:
    next(stream)
    closer = threading.Thread(target=stream.close)
    closer.start()
    closer.join()


def close_after_its_loop(stream: Any) -> None:
    asyncio.run(begin(stream))
    stream.close()


@pytest.mark.parametrize("end", [leave, close, close_text, close_in_a_thread, close_after_its_loop])
def test_a_closed_stream_that_is_kept_is_canceled_although_there_is_a_hook(
    end: Any, emulator: Emulator
) -> None:
    before = canceled(emulator)
    stream = hooked(emulator, []).stream(ENDLESS, {})
    end(stream)
    eventually(lambda: canceled(emulator) == before + 1)
    assert list(stream) == []


def test_threads_that_read_one_stream_call_its_hook_in_turn() -> None:
    begun, requests = threading.Event(), []

    def transport(_: Any) -> Any:
        requests.append(1)
        if len(requests) > 1:
            return 200, {}, {"id": "p1", "status": "succeeded", "output": ["a", "b"]}
        assert begun.wait(30)
        # The second thread begins to wait.
        time.sleep(0.3)
        return 200, {}, {"id": "p1", "status": "processing", "output": ["a"]}

    client = replicant.Client(TOKEN, transport=transport, on_request=lambda _: None)
    items = client.predictions.output_iterator("p1")
    found: list[str] = []

    def read() -> None:
        found.append(next(items))

    threads = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
        eventually(lambda: requests)
    begun.set()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == ["a", "b"]


async def test_canceling_the_reader_of_a_stream_runs_no_hook(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="replicant")
    seen: list[Any] = []

    def on_response(event: replicant.ResponseEvent) -> None:
        seen.append(event)

    client = replicant.Client(TOKEN, base_url=emulator.base_url, on_response=on_response)
    stream = client.stream(ENDLESS, {}).start()
    reader = asyncio.create_task(collect(stream))
    await asyncio.to_thread(eventually, lambda: emulator.state()["active_streams"] == 1)
    with pytest.raises(replicant.ReplicateException):
        await asyncio.to_thread(client.run, ENDLESS, {}, wait=False, timeout=2)
    await asyncio.to_thread(_native.drain, 30)
    caplog.clear()
    seen.clear()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert (seen, caplog.messages) == ([], [])

    def is_logged() -> bool:
        client.accounts.current()
        id = stream.prediction.id
        return any(
            line.startswith("canceling prediction") and id in line for line in caplog.messages
        )

    await asyncio.to_thread(eventually, is_logged)
    await asyncio.to_thread(eventually, lambda: emulator.state()["active_streams"] == 0)


@pytest.mark.parametrize("kind", [replicant.Client, replicant.AsyncClient])
def test_the_prediction_of_a_failed_stream_belongs_to_its_client(
    kind: Any, emulator: Emulator
) -> None:
    client = kind(TOKEN, base_url=emulator.base_url)
    started = replicant.Client(TOKEN, base_url=emulator.base_url).predictions.create(
        model="emulator/fails", input={"message": "boom"}
    )
    started.wait()
    for failing in (
        client.stream("emulator/fails", {"message": "boom"}),
        client.predictions.stream(started.id),
        client.predictions.output_iterator(started.id),
        client._prediction(started._data).output_iterator(),
    ):
        with pytest.raises(replicant.ModelError) as caught:
            for _ in getattr(failing, "_stream", failing):
                pass
        prediction: Any = caught.value.prediction
        assert prediction._bound is client
        assert type(prediction) is type(client._prediction({}))


def test_a_stream_passes_for_a_generator(client: replicant.Client) -> None:
    """As in 1.x, where libraries test for one."""
    inputs = {"chunks": ["a", "b"]}
    stream = client.stream("emulator/stream", inputs)
    assert inspect.isgenerator(stream) and isinstance(stream, replicant.EventStream)
    assert not isinstance(stream, Coroutine) and not inspect.isawaitable(stream)
    assert str(next(stream)) == "a" and str(stream.send(None)) == "b"
    with pytest.raises(KeyError):
        stream.throw(KeyError("x"))
    assert list(stream) == []
    first, *_, last = jsonable_encoder(client.stream("emulator/stream", inputs))
    assert (first["event"], first["data"], last["event"]) == ("output", "a", "done")
    assert jsonable_encoder(client.stream("emulator/stream", inputs).text()) == ["a", "b"]


async def test_an_awaited_stream_passes_for_an_async_generator(client: replicant.Client) -> None:
    stream: Any = await client.async_stream("emulator/stream", {"chunks": ["a", "b"]})
    assert inspect.isasyncgen(stream) and not inspect.isgenerator(stream)
    assert not asyncio.iscoroutine(stream) and not inspect.isawaitable(stream)
    assert str(await stream.asend(None)) == "a"
    with pytest.raises(KeyError):
        await stream.athrow(KeyError("x"))
    assert [event async for event in stream] == []
