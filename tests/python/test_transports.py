"""HTTP through httpx or through a function."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import httpx
import pytest
import respx
from conftest import Emulator

import replicant

URL = "https://api.replicate.com/v1"
DONE = {"id": "p1", "status": "succeeded", "output": "x"}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/v1/models/acme/text/predictions":
        assert request.headers["authorization"] == "Bearer t"
        assert json.loads(request.content) == {"input": {"a": 1}}
        return httpx.Response(201, json={**DONE, "status": "starting", "output": None})
    if request.url.path == "/v1/predictions/p1":
        return httpx.Response(200, json=DONE)
    return httpx.Response(404, json={"detail": "Not found"})


async def async_answer(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(0)
    return answer(request)


class Sync(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return answer(request)


class Async(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return await async_answer(request)


def plain(request: Any) -> Any:
    response = answer(
        httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
    )
    return response.status_code, dict(response.headers), response.content


async def async_plain(request: Any) -> Any:
    await asyncio.sleep(0)
    return plain(request)


TRANSPORTS = {
    "MockTransport": httpx.MockTransport(answer),
    "MockTransport awaited": httpx.MockTransport(async_answer),
    "sync": Sync(),
    "async": Async(),
    "function": plain,
    "async function": async_plain,
    "client": httpx.Client(transport=Sync()),
    "async client": httpx.AsyncClient(transport=Async()),
}
# httpx refuses to call an async handler from a blocking request.
BLOCKING = [name for name in TRANSPORTS if name != "MockTransport awaited"]


@pytest.mark.parametrize("kind", BLOCKING)
def test_a_function_sends_blocking_calls(kind: str) -> None:
    client = replicant.Client("t", transport=TRANSPORTS[kind], poll_interval=0.01)
    assert client.run("acme/text", {"a": 1}) == "x"
    with pytest.raises(replicant.NotFoundError):
        client.predictions.get("p2")


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_an_async_transport_sends_awaited_calls(kind: str) -> None:
    client = replicant.AsyncClient("t", transport=TRANSPORTS[kind], poll_interval=0.01)
    assert await client.run("acme/text", {"a": 1}) == "x"
    with pytest.raises(replicant.NotFoundError):
        await client.predictions.get("p2")


def stream_answer(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        urls = {"stream": "https://stream.replicate.com/s1"}
        return httpx.Response(201, json={"id": "p1", "status": "starting", "urls": urls})
    assert "authorization" not in request.headers
    headers = {"content-type": "text/event-stream"}
    return httpx.Response(200, headers=headers, stream=Events())


class Events(httpx.SyncByteStream, httpx.AsyncByteStream):
    PIECES = (b"event: output\nid: 1\nda", b"ta: hi\n\n", b"event: done\ndata: {}\n\n")

    def __iter__(self) -> Any:
        yield from self.PIECES

    async def __aiter__(self) -> Any:
        for piece in self.PIECES:
            await asyncio.sleep(0)
            yield piece


async def test_a_transport_sends_streams() -> None:
    transport = httpx.MockTransport(stream_answer)
    client = replicant.Client("t", transport=transport)
    events = await asyncio.to_thread(lambda: list(client.stream("acme/text", {})))
    assert [event.event for event in events] == ["output", "done"]
    assert "".join([str(e) async for e in client.async_stream("acme/text", {})]) == "hi"


def test_uploads_are_streamed_through_a_transport() -> None:
    def upload(request: httpx.Request) -> httpx.Response:
        body = request.read()
        assert int(request.headers["content-length"]) == len(body)
        assert b'filename="x.bin"' in body
        assert b"y" * 500_000 in body
        return httpx.Response(201, json={"id": "f1", "urls": {"get": "https://x/f1"}})

    client = replicant.Client("t", transport=httpx.MockTransport(upload))
    assert client.files.create(b"y" * 500_000, filename="x.bin").id == "f1"


@pytest.mark.parametrize("transport", [httpx.HTTPTransport(), httpx.Client()])
def test_uploads_pass_through_a_transport_to_a_server(emulator: Emulator, transport: Any) -> None:
    client = replicant.Client("t", transport=transport, base_url=emulator.base_url, max_retries=0)
    for file in (io.BytesIO(b"y" * 300_000), Unsized()):
        assert client.files.create(file).size == 300_000


class Unsized(io.RawIOBase):
    """A file whose size is unknown, such as a pipe."""

    left = 300_000

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left)
        buffer[:count] = b"y" * count
        self.left -= count
        return count


async def test_uploads_pass_through_an_async_transport_to_a_server(emulator: Emulator) -> None:
    transport = httpx.AsyncHTTPTransport()
    async with replicant.AsyncClient(
        "t", transport=transport, base_url=emulator.base_url, max_retries=0
    ) as client:
        assert (await client.files.create(io.BytesIO(b"y" * 300_000))).size == 300_000


def test_network_failures_are_retried_and_mapped() -> None:
    seen: list[str] = []

    def fail(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        raise (httpx.ReadTimeout if request.method == "GET" else httpx.ReadError)("broke")

    client = replicant.Client("t", transport=httpx.MockTransport(fail), max_retries=1)
    with pytest.raises(replicant.APITimeoutError, match="broke"):
        client.predictions.get("p1")
    assert seen == ["GET", "GET"]
    with pytest.raises(replicant.OutcomeUnknownError):
        client.predictions.create(model="acme/text", input={})
    assert seen == ["GET", "GET", "POST"]


def test_network_failures_of_other_libraries_are_retried() -> None:
    seen: list[str] = []

    class RequestException(OSError):
        pass

    def fail(request: Any) -> Any:
        seen.append(request.method)
        raise RequestException("broke")

    client = replicant.Client("t", transport=fail, max_retries=1)
    with pytest.raises(replicant.APIConnectionError, match="broke"):
        client.predictions.get("p1")
    assert seen == ["GET", "GET"]


def test_a_request_that_was_not_sent_is_retried() -> None:
    seen: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        if len(seen) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(201, json=DONE)

    client = replicant.Client("t", transport=httpx.MockTransport(refuse))
    assert client.predictions.create(model="acme/text", input={}).id == "p1"
    assert seen == ["POST", "POST"]


class Odd(Exception):
    pass


async def test_other_exceptions_are_raised_unchanged() -> None:
    seen: list[str] = []

    def fail(request: Any) -> Any:
        seen.append(request.method)
        raise Odd("mine")

    client = replicant.Client("t", transport=fail)
    with pytest.raises(Odd, match="mine"):
        client.predictions.get("p1")
    with pytest.raises(Odd, match="mine"):
        await client.predictions.async_get("p1")
    with pytest.raises(Odd, match="mine"):
        next(client.stream("acme/text", {}))
    assert seen == ["GET", "GET", "POST"], "an exception of the transport is not retried"
    for answer in (None, (1, 2), object()):
        with pytest.raises(TypeError, match="must"):
            replicant.Client("t", transport=lambda _, a=answer: a).predictions.get("p1")


def test_an_invalid_transport_is_refused() -> None:
    with pytest.raises(TypeError, match="`transport` must be"):
        replicant.Client("t", transport=3)


@respx.mock
def test_respx_intercepts_blocking_calls() -> None:
    route = respx.get(f"{URL}/predictions/p1").mock(return_value=httpx.Response(200, json=DONE))
    client = replicant.Client("t", transport=httpx.HTTPTransport())
    assert client.predictions.get("p1").output == "x"
    assert route.called
    assert route.calls[0].request.headers["authorization"] == "Bearer t"


@respx.mock
async def test_respx_intercepts_awaited_calls() -> None:
    respx.get(f"{URL}/predictions/p1").mock(return_value=httpx.Response(200, json=DONE))
    client = replicant.AsyncClient("t", transport=httpx.AsyncHTTPTransport())
    assert (await client.predictions.get("p1")).output == "x"


def test_one_transport_serves_many_loops() -> None:
    client = replicant.AsyncClient("t", transport=httpx.MockTransport(async_answer))
    for _ in range(5):
        assert asyncio.run(client.predictions.get("p1")).output == "x"


def test_compressed_responses_are_decoded() -> None:
    import gzip

    def compressed(_: httpx.Request) -> httpx.Response:
        body = gzip.compress(json.dumps(DONE).encode())
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, headers=headers, content=body)

    client = replicant.Client("t", transport=httpx.MockTransport(compressed))
    assert client.predictions.get("p1").output == "x"
