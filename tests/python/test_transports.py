"""HTTP through httpx or through a function."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import respx
from conftest import Emulator, python

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


class Recorder(BaseHTTPRequestHandler):
    """Serves predictions and files, and records the requests."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.path, self.headers))
        body = json.dumps(self.server.body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in self.server.added:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *words: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recorder)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.body: Any = "file"
        self.added: list[tuple[str, str]] = []
        self.seen: list[tuple[str, Any]] = []


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    """The API, and a host of files."""
    with Site() as api, Site() as files:
        for site in (api, files):
            threading.Thread(target=site.serve_forever, daemon=True).start()
        api.body = {**DONE, "output": f"{files.url}/out.png?sig=a%20b%2Bc"}
        yield api, files
        api.shutdown()
        files.shutdown()


def http_options() -> dict[str, Any]:
    cookies = httpx.Cookies({"session": "s"})
    cookies.set("local", "l", domain="127.0.0.1")
    cookies.set("other", "o", domain="elsewhere.test")
    return {
        "base_url": "http://127.0.0.1:9/wrong",
        "cookies": cookies,
        "headers": {"x-gateway": "g", "authorization": "Bearer h", "content-type": "text/plain"},
        "params": {"tenant": "acme", "cursor": "wrong"},
    }


def check_client_options(api: Site, files: Site) -> None:
    path, headers = api.seen[0]
    assert path == "/v1/models/acme/text/predictions?tenant=acme&cursor=a%2Bb"
    assert headers.get_all("authorization") == ["Bearer t"]
    assert headers.get_all("user-agent") == ["mine"]
    assert headers.get_all("x-gateway") == ["g"]
    assert headers.get_all("content-type") == ["application/json"]
    assert headers["accept-encoding"] is None
    assert sorted(headers["cookie"].split("; ")) == ["local=l", "session=s"]
    (path, headers), *more = files.seen
    assert not more
    assert path == "/out.png?sig=a%20b%2Bc", "the URL of a file is signed"
    assert headers["x-gateway"] is None
    assert headers["authorization"] is None
    assert headers["cookie"] == "local=l"


def test_the_headers_cookies_and_parameters_of_an_httpx_client_are_sent(
    sites: tuple[Site, Site],
) -> None:
    api, files = sites
    with httpx.Client(**http_options()) as http:
        client = replicant.Client(
            "t",
            base_url=f"{api.url}/v1",
            user_agent="mine",
            default_query={"cursor": "a+b"},
            http_client=http,
        )
        output = client.run("acme/text", {})
        assert replicant.FileOutput(output, client).read() == b'"file"'
    check_client_options(api, files)


async def test_the_headers_cookies_and_parameters_of_an_async_httpx_client_are_sent(
    sites: tuple[Site, Site],
) -> None:
    api, files = sites
    async with httpx.AsyncClient(**http_options()) as http:
        client = replicant.AsyncClient(
            "t",
            base_url=f"{api.url}/v1",
            user_agent="mine",
            default_query={"cursor": "a+b"},
            http_client=http,
        )
        output = await client.run("acme/text", {})
        assert await replicant.FileOutput(output, client).aread() == b'"file"'
    check_client_options(api, files)


def test_an_httpx_client_identifies_its_user_to_an_api_without_a_token(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    (api, _), (other, _) = sites, sites[::-1]
    with httpx.Client(headers={"authorization": "Basic u"}, cookies={"session": "s"}) as http:
        client = replicant.Client(base_url=f"{api.url}/v1", http_client=http)
        client.predictions.get("p1")
        client.with_options(base_url=f"{other.url}/v1").request("GET", "/x")
        client.predictions.get("p1")
    for _, headers in (*api.seen, *other.seen):
        assert (headers["authorization"], headers["cookie"]) == ("Basic u", "session=s")
    assert (len(api.seen), len(other.seen)) == (2, 1)


async def test_an_output_that_names_an_endpoint_is_read_without_the_headers_of_an_httpx_client(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    api, _ = sites
    url, secret = f"{api.url}/v1", f"{api.url}/v1/webhooks/default/secret"
    options: Any = {"auth": ("user", "pass"), "headers": {"x-gateway": "g"}, "params": {"key": "k"}}
    with httpx.Client(**options) as http:
        client = replicant.Client(base_url=url, http_client=http)
        replicant.FileOutput(secret, client).read()
        replicant.FileOutput(f"{url}/files/f1/download", client).read()
    async with httpx.AsyncClient(**options) as http:
        awaited = replicant.AsyncClient(base_url=url, http_client=http)
        await replicant.FileOutput(secret, awaited).aread()
    for path, headers in (api.seen[0], api.seen[2]):
        assert path == "/v1/webhooks/default/secret"
        assert (headers["authorization"], headers["x-gateway"]) == (None, None)
    path, headers = api.seen[1]
    assert path == "/v1/files/f1/download?key=k"
    assert headers["x-gateway"] == "g"
    assert headers["authorization"].startswith("Basic ")


async def test_the_auth_of_an_httpx_client_goes_to_an_api_without_a_token(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_API_TOKEN", raising=False)
    api, files = sites
    basic = "Basic dXNlcjpwYXNz"
    auth: Any = ("user", "pass")
    for token, expected in (("t", "Bearer t"), (None, basic)):
        with httpx.Client(auth=auth) as http:
            client = replicant.Client(token, base_url=f"{api.url}/v1", http_client=http)
            output = client.predictions.get("p1").output
            assert replicant.FileOutput(output, client).read() == b'"file"'
        async with httpx.AsyncClient(auth=auth) as http:
            awaited = replicant.AsyncClient(token, base_url=f"{api.url}/v1", http_client=http)
            output = (await awaited.predictions.get("p1")).output
            assert await replicant.FileOutput(output, awaited).aread() == b'"file"'
        sent = [headers.get_all("authorization") for _, headers in api.seen[-2:]]
        assert sent == [[expected]] * 2
    assert [headers["authorization"] for _, headers in files.seen] == [None] * 4


@pytest.mark.parametrize("kind", ["built in", "httpx"])
def test_every_value_of_a_repeated_header_is_kept(kind: str, sites: tuple[Site, Site]) -> None:
    api, _ = sites
    api.added = [("Set-Cookie", "a=1"), ("x-one", "1"), ("Set-Cookie", "b=2")]
    api.added += [("x-request-id", "r1"), ("x-request-id", "r2")]
    transport = httpx.HTTPTransport() if kind == "httpx" else None
    client = replicant.Client("t", base_url=f"{api.url}/v1", transport=transport)
    response = client.predictions.get("p1")._response
    assert response is not None
    assert response.headers["set-cookie"] == "a=1, b=2"
    assert response.headers.get_list("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers.get_list("x-one") == ["1"]
    assert response.headers.get_list("x-none") == []
    assert ("set-cookie", "b=2") in response.headers.multi_items()
    assert response.request_id == "r1"
    assert pickle.loads(pickle.dumps(response.headers)).get_list("set-cookie") == ["a=1", "b=2"]


def test_headers_of_a_response_can_be_changed_in_any_case(sites: tuple[Site, Site]) -> None:
    api, _ = sites
    api.added = [("x-request-id", "r1"), ("x-request-id", "r2"), ("X-Two", "2")]
    response = replicant.Client("t", base_url=f"{api.url}/v1").predictions.get("p1")._response
    assert response is not None
    headers = response.headers
    headers["X-Foo"] = "2"
    headers.update({"X-Request-Id": "r3"}, Retry_After="1")
    assert headers.setdefault("X-FOO", "3") == "2"
    assert headers.setdefault("X-New", "n") == "n"
    assert headers.pop("X-Two") == "2"
    assert headers.pop("X-Two", None) is None
    assert response.request_id == "r3"
    assert {("x-foo", "2"), ("x-request-id", "r3"), ("retry_after", "1"), ("x-new", "n")} <= set(
        headers.multi_items()
    )
    del headers["X-New"]
    assert "x-new" not in headers
    copied = type(headers)({"X-One": "1"})
    assert (copied["x-one"], copied.multi_items()) == ("1", [("x-one", "1")])


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


@pytest.mark.alone
@pytest.mark.parametrize("kind", [httpx.AsyncHTTPTransport, httpx.AsyncClient])
def test_blocking_calls_share_the_connections_of_an_async_transport(
    emulator: Emulator, kind: Any
) -> None:
    transport = kind()
    clients = [
        replicant.Client("r8_x", base_url=emulator.base_url, transport=transport) for _ in range(2)
    ]
    before = emulator.state()["connections_ever"]
    for client in [*clients, clients[0].with_options(timeout=30), *clients]:
        assert client.run("emulator/echo", {"value": 1}) == 1
    # One of the requests, one of this request.
    assert emulator.state()["connections_ever"] - before == 2
    threads = [
        threading.Thread(target=client.run, args=("emulator/echo", {"value": 1}))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


LOOP_OF_A_PROCESS = """
import contextvars, os, sys, httpx, replicant

WHO = contextvars.ContextVar("who")

class Transport(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request):
        if request.url.path.endswith("/p1"):
            assert other.predictions.get("p2").output == WHO.get()
        id = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json={"id": id, "status": "succeeded", "output": WHO.get()})

client, other = (replicant.Client("r8_x", transport=Transport()) for _ in range(2))
WHO.set("parent")
assert client.predictions.get("p1").output == "parent"
if hasattr(os, "fork"):
    child = os.fork()
    if not child:
        WHO.set("child")
        assert client.predictions.get("p1").output == "child"
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
assert client.predictions.get("p1").output == "parent"
print("done")
"""


def test_a_forked_child_sends_blocking_calls_through_an_async_transport() -> None:
    done = python(LOOP_OF_A_PROCESS)
    assert done.stdout == "done\n", done.stderr


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


class Redirector(Recorder):
    """Redirects everything to the site `target`."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.path, self.headers))
        self.send_response(307)
        self.send_header("location", f"{self.server.body}{self.path}")
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET


class Wrapper:
    def __init__(self, **options: Any) -> None:
        self.client = httpx.Client(**options)

    def send(self, request: Any, **options: Any) -> Any:
        return self.client.send(request, **options)


@pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient, Wrapper])
def test_an_httpx_client_that_follows_redirects_repeats_no_create(
    kind: Any, sites: tuple[Site, Site]
) -> None:
    api, other = sites
    api.RequestHandlerClass = Redirector
    api.body = other.url
    other.body = DONE
    http = kind(follow_redirects=True, headers={"x-gateway": "secret"})
    client = replicant.Client("t", base_url=f"{api.url}/v1", http_client=http)
    with pytest.raises(replicant.ReplicateException):
        client.predictions.create(model="acme/text", input={})
    assert [path for path, _ in api.seen] == ["/v1/models/acme/text/predictions"]
    assert other.seen == []
    client.predictions.get("p")
    ((_, headers),) = other.seen
    assert headers["x-gateway"] is None
    assert headers["authorization"] is None


class Client(httpx.Client):
    def send(self, request: Any, *, stream: bool = False, auth: Any = None) -> Any:  # type: ignore[override]
        return super().send(request, stream=stream, auth=auth)


class AsyncClient(httpx.AsyncClient):
    async def send(self, request: Any, *, stream: bool = False, auth: Any = None) -> Any:  # type: ignore[override]
        return await super().send(request, stream=stream, auth=auth)


class Sender:
    def send(self, request: Any, stream: bool = False) -> Any:
        return httpx.Client().send(request, stream=stream)


@pytest.mark.parametrize("kind", [Client, AsyncClient, Sender])
def test_the_send_of_an_http_client_needs_no_further_arguments(
    kind: Any, sites: tuple[Site, Site]
) -> None:
    client = replicant.Client("t", base_url=f"{sites[0].url}/v1", http_client=kind())
    assert client.predictions.get("p1").id


def test_a_response_with_chunks_of_another_type_is_refused() -> None:
    class Response:
        status_code = 200
        headers: dict[str, str] = {}

        def iter_bytes(self) -> Iterator[Any]:
            yield memoryview(b"{}")

    client = replicant.Client("t", transport=lambda _: Response())
    with pytest.raises(TypeError, match=r"^expected bytes, not memoryview$"):
        client.predictions.get("p1")
