"""Webhooks: the requests of web frameworks, and the errors of invalid ones."""

from __future__ import annotations

import asyncio
import base64
import email.message
import gc
import hmac
import http.server
import io
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, TOKEN, Emulator

import replicant

KEY = b"0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"id": "p1"}'


def signed(age: int = 0) -> dict[str, str]:
    timestamp = str(int(time.time()) - age)
    digest = hmac.new(KEY, b"msg_1." + timestamp.encode() + b"." + BODY, "sha256").digest()
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def refused(error: type[Exception], **arguments: Any) -> str:
    given: dict[str, Any] = {"headers": signed(), "body": BODY, "secret": SECRET}
    with pytest.raises(error) as caught:
        replicant.webhooks.validate(**{**given, **arguments})
    return str(caught.value)


def test_error_messages_begin_as_in_1x() -> None:
    headers = signed()
    for name in ("id", "timestamp", "signature"):
        some = {k: v for k, v in headers.items() if k != f"webhook-{name}"}
        said = refused(replicant.MissingWebhookHeaderError, headers=some)
        assert said.startswith(f"Missing webhook {name}: ")
    said = refused(replicant.MissingWebhookHeaderError, headers={})
    assert said.startswith("Missing webhook headers: ")
    for body in (None, b"", ""):
        said = refused(replicant.MissingWebhookBodyError, body=body)
        assert said.startswith("Missing webhook body. ")
        assert "`request.get_data()` in Flask" in said
    said = refused(replicant.MissingWebhookBodyError, body={"id": "p1"})
    assert said.startswith("Invalid body type: ")
    for secret, start in (
        ("", "Missing webhook signing secret: "),
        ("whsec_!", "Invalid secret key format: "),
    ):
        said = refused(replicant.InvalidSecretKeyError, secret=secret)
        assert said.startswith(start)
        assert "whsec_!" not in said
    said = refused(replicant.InvalidSignatureError, body=b"{}")
    assert said.startswith("Webhook signature is invalid: ")
    assert "`request.get_data()`" in said
    said = refused(replicant.InvalidSignatureError, headers={**headers, "webhook-signature": "x"})
    assert said.startswith("Invalid signature format: ")


def test_the_timestamp_is_checked_before_the_signature() -> None:
    said = refused(replicant.InvalidTimestampError, headers=signed(900), body=b"changed")
    start = "Webhook timestamp is outside the allowed tolerance of 300 seconds: it is 90"
    assert said.startswith(start)
    assert " s old. " in said


def test_the_age_is_measured_by_the_clock_that_a_test_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    headers = signed(86_400)
    set_back = time.time() - 86_390
    monkeypatch.setattr(time, "time", lambda: set_back)
    assert replicant.webhooks.validate(headers=headers, body=BODY, secret=SECRET) == {"id": "p1"}


def test_headers_of_asgi_and_bytes_are_validated() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    forms: list[Any] = [list(headers.items()), encoded, list(encoded.items()), message]
    forms += [tuple(encoded.items()), [list(pair) for pair in encoded.items()]]
    forms += [{name: [value] for name, value in headers.items()}]
    for form in forms:
        event = replicant.webhooks.validate(headers=form, body=BODY, secret=SECRET)
        assert event == {"id": "p1"}
        said = refused(replicant.InvalidSignatureError, headers=form, body=b"{}")
        assert said.startswith("Webhook signature is invalid: ")
    said = refused(replicant.MissingWebhookHeaderError, headers=[])
    assert said.startswith("Missing webhook headers: ")
    said = refused(replicant.InvalidArgumentError, headers="webhook-id: x")
    assert said == "`headers` must be an object or a list of pairs, not a string"


def test_a_raw_body_may_have_every_type_of_bytes() -> None:
    client = replicant.Client(TOKEN)
    spread = memoryview(b" ".join(BODY[at : at + 1] for at in range(len(BODY))) + b" ")[::2]
    for body in (BODY, BODY.decode(), bytearray(BODY), memoryview(BODY), spread):
        for given in ((body, signed()), (None, signed(), body)):
            assert client.webhooks.unwrap(*given, secret=SECRET).id == "p1"  # type: ignore[arg-type]
            assert replicant.webhooks.validate(*given, secret=SECRET) == {"id": "p1"}  # type: ignore[arg-type]


async def test_arguments_of_other_types_are_errors_that_name_them() -> None:
    blocking, awaited = replicant.Client(TOKEN), replicant.AsyncClient(TOKEN)

    async def refused(error: type[Exception], *given: Any, **named: Any) -> str:
        said: set[str] = set()
        with pytest.raises(error) as caught:
            replicant.webhooks.validate(*given, **named, secret=SECRET)
        said.add(str(caught.value))
        with pytest.raises(error) as caught:
            blocking.webhooks.unwrap(*given, **named, secret=SECRET)
        said.add(str(caught.value))
        with pytest.raises(error) as caught:
            await awaited.webhooks.unwrap(*given, **named, secret=SECRET)
        said.add(str(caught.value))
        assert len(said) == 1
        return said.pop()

    for parsed in ({"id": "p1"}, [1], 5, 1.5, object(), (1,)):
        for given, named in (((parsed, signed()), {}), ((), {"headers": signed(), "body": parsed})):
            said = await refused(replicant.MissingWebhookBodyError, *given, **named)
            assert said.startswith("Invalid body type: the body must be the raw text or bytes")
            assert "`request.get_data()` in Flask" in said
    for body in (BODY, BODY.decode(), bytearray(BODY)):
        for headers in (signed(), email.message.Message()):
            said = await refused(replicant.InvalidArgumentError, headers, body)
            start = "`headers` must be the headers of the request, not "
            assert said.startswith(f"{start}{type(body).__name__}; pass the body as the first")
    assert "headers" in await refused(replicant.MissingWebhookHeaderError, BODY)
    assert "headers" in await refused(replicant.MissingWebhookHeaderError)
    await refused(replicant.MissingWebhookBodyError, None, signed())


def test_flask_requests_are_validated() -> None:
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)

    @app.post("/hook")
    def hook() -> Any:
        by_parts = replicant.webhooks.validate(
            headers=flask.request.headers, body=flask.request.get_data(), secret=SECRET
        )
        assert by_parts == replicant.webhooks.validate(flask.request, secret=SECRET)
        return by_parts

    answer = app.test_client().post("/hook", data=BODY, headers=signed())
    assert answer.get_json() == {"id": "p1"}


def test_django_requests_are_validated() -> None:
    pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    from django.test import RequestFactory

    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signed().items()}

    def request() -> Any:
        return RequestFactory().post("/hook", BODY, "application/json", **meta)

    event = replicant.webhooks.validate(
        headers=request().headers, body=request().body, secret=SECRET
    )
    assert event == {"id": "p1"}
    assert replicant.webhooks.validate(request(), secret=SECRET) == event
    consumed = request()
    consumed.read(2)
    with pytest.raises(replicant.MissingWebhookBodyError, match=r"^Error reading body: ") as caught:
        replicant.webhooks.validate(consumed, secret=SECRET)
    assert type(caught.value.__cause__).__name__ == "RawPostDataException"


def test_starlette_requests_are_validated() -> None:
    pytest.importorskip("starlette")
    from starlette.requests import Request

    async def receive() -> Any:
        return {"type": "http.request", "body": BODY, "more_body": False}

    headers = [(name.encode(), value.encode()) for name, value in signed().items()]
    request = Request({"type": "http", "headers": headers}, receive)
    with pytest.raises(
        TypeError, match=r"`request\.body` is a method: .*`await request\.body\(\)`"
    ):
        replicant.webhooks.validate(request, secret=SECRET)
    body = asyncio.run(request.body())
    event = replicant.webhooks.validate(headers=request.headers, body=body, secret=SECRET)
    assert event == {"id": "p1"}


async def test_a_request_of_another_framework_is_an_error_that_says_what_to_pass() -> None:
    class Stream:
        async def read(self) -> bytes:
            return BODY

    class Aiohttp:
        headers = signed()
        content = Stream()

    class Bottle:
        headers = signed()
        body = io.BytesIO(BODY)

    class Quart:
        headers = signed()
        body = Stream()

        @property
        def data(self) -> Any:
            return self.body.read()

    blocking, awaited = replicant.Client(TOKEN), replicant.AsyncClient(TOKEN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for request, attribute in (
            (Aiohttp(), "`request.content` is of type Stream"),
            (Bottle(), "`request.body` is of type BytesIO"),
            (Quart(), "`request.body` is of type Stream"),
        ):
            start = f"^Invalid body type: {attribute}, not raw bytes. Pass the body and the headers"
            with pytest.raises(replicant.MissingWebhookBodyError, match=start) as caught:
                blocking.webhooks.unwrap(request, secret=SECRET)
            assert caught.value.status == 400
            assert "`unwrap(await request.get_data(), request.headers)` in Quart" in str(
                caught.value
            )
            with pytest.raises(replicant.MissingWebhookBodyError, match=start):
                await awaited.webhooks.unwrap(request, secret=SECRET)
        gc.collect()


async def test_a_body_in_a_request_of_starlette_is_read_to_64_mib() -> None:
    pytest.importorskip("starlette")
    from starlette.requests import Request

    sent = 0

    async def receive() -> Any:
        nonlocal sent
        sent += 1
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": sent < 70}

    client = replicant.AsyncClient(TOKEN)
    headers = [(name.encode(), value.encode()) for name, value in signed().items()]
    message = "larger than 67108864 bytes"
    with pytest.raises(replicant.MissingWebhookBodyError, match=message) as caught:
        await client.webhooks.unwrap(Request({"type": "http", "headers": headers}, receive))
    assert (caught.value.status, sent) == (413, 65)
    headers.append((b"content-length", b"70000000"))
    with pytest.raises(replicant.MissingWebhookBodyError, match=message):
        await client.webhooks.unwrap(Request({"type": "http", "headers": headers}, receive))
    assert sent == 65


PROGRAM = """
import flask
import replicant
from django.http import HttpRequest
from replicant.webhooks import Once
from starlette.requests import Request

client = replicant.Client()

def of_flask() -> object:
    return client.webhooks.validate(headers=flask.request.headers, body=flask.request.get_data(), secret="s")

def of_django(request: HttpRequest) -> object:
    return client.webhooks.validate(headers=request.headers, body=request.body, secret="s")

async def of_starlette(request: Request) -> object:
    return client.webhooks.validate(headers=request.headers, body=await request.body(), secret="s")

class Redis:
    def begin(self, id: str) -> bytes:
        return id.encode()

    def finish(self, id: str) -> int:
        return 1

    def forget(self, id: str) -> int:
        return 1

class AsyncRedis:
    async def begin(self, id: str) -> bytes:
        return id.encode()

    async def finish(self, id: str) -> int:
        return 1

    async def forget(self, id: str) -> int:
        return 1

once, async_once = Once(Redis()), Once(AsyncRedis())

def claimed(body: bytes) -> None:
    with once.claim(client.webhooks.unwrap(body, {}).webhook_id) as state:
        print(state)

client.webhooks.validate(headers={"webhook-id": "x"}, body="", secret="s")
scope: list[tuple[bytes, bytes]] = [(b"webhook-id", b"x")]
client.webhooks.validate(headers=scope, body="", secret="s")
client.webhooks.validate(headers=5, body="", secret="s")  # error
"""


def test_a_delivered_webhook_ends_a_run(emulator: Emulator) -> None:
    # Without webhooks, the run would wait for an hour.
    client = replicant.Client(TOKEN, base_url=emulator.base_url, poll_interval=3600)

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            client.webhooks.unwrap(body, self.headers)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options: Any = {"webhook": f"http://127.0.0.1:{server.server_port}/", "wait": False}
        blocking = client.run("emulator/echo", {"value": 1, "delay": 1}, **options)
        awaited = asyncio.run(
            client.async_run("emulator/echo", {"value": 2, "delay": 1}, **options)
        )
        server.shutdown()
    assert (blocking, awaited) == (1, 2)


@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["pyright"]], ids=lambda c: c[0])
def test_headers_of_frameworks_have_the_declared_type(tmp_path: Path, checker: list[str]) -> None:
    program = shutil.which(checker[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{checker[0]} is not installed")
    for framework in ("flask", "django", "starlette"):
        pytest.importorskip(framework)
    source = tmp_path / "hooks.py"
    strict = "# pyright: strict\n" if checker == ["pyright"] else ""
    source.write_text(strict + PROGRAM)
    command = [program, *checker[1:], str(source)]
    if checker == ["pyright"]:
        command[1:1] = ["--pythonpath", sys.executable]
    done = subprocess.run(
        command,
        cwd=ROOT / "python",
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(ROOT / "python")},
    )
    errors = [line for line in done.stdout.splitlines() if "error" in line and "hooks.py:" in line]
    line = source.read_text().split("\n").index(PROGRAM.split("\n")[-2]) + 1
    assert len(errors) == 1 and f"hooks.py:{line}:" in errors[0], done.stdout + done.stderr
