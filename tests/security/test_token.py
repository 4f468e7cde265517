"""No byte that a program prints, stores or sends contains the token, except the header that authenticates a request."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from server import API, TOKEN, Request, Response, Server

HERE = Path(__file__).parent
JSON = (("content-type", "application/json"),)
PREDICTION = {
    "id": "p1",
    "status": "succeeded",
    "output": [f"{API}/v1/files/a"],
    "logs": "50%",
    "urls": {"get": f"{API}/v1/predictions/p1", "stream": f"{API}/v1/stream/p1"},
}


def forms() -> dict[str, bytes]:
    """Returns the ways in which a token may be written."""
    token = TOKEN.encode()
    bearer = base64.b64encode(b"Bearer " + token)
    return {
        "text": token,
        "base64": base64.b64encode(token)[:-4],
        "base64 of the header": bearer[12:-4],
        "hex": token.hex().encode(),
        "numbers": ", ".join(map(str, token[:16])).encode(),
        "UTF-16": TOKEN.encode("utf-16-le"),
        "a part of it": token[3:20],
    }


def respond(request: Request) -> Response:
    path = request.target.removeprefix(f"{API}/v1").partition("?")[0]
    echo = request.header("authorization") or ""
    if path.endswith("/echo") or path == "/account":
        body = {
            "title": "Unauthenticated",
            "detail": f"{echo} is wrong",
            "errors": [{"pointer": echo}],
        }
        return Response(
            401, (*JSON, ("x-echo", echo), ("x-request-id", "r1")), json.dumps(body).encode()
        )
    if path.endswith("/broken"):
        return Response(200, (*JSON, ("x-echo", echo)), f"<pre>{echo}</pre>".encode())
    if path.endswith("/slow"):
        time.sleep(0.5)
    if path == "/stream/p1":
        return Response(200, (("content-type", "text/event-stream"),), b"event: done\ndata: {}\n\n")
    if path == "/files/a":
        return Response(200, (("content-type", "image/png"),), b"picture")
    if path == "/files":
        return Response(
            201, JSON, json.dumps({"id": "f", "urls": {"get": f"{API}/v1/files/f"}}).encode()
        )
    if path == "/models":
        page = {"next": None, "previous": None, "results": [{"owner": "a", "name": "b"}]}
        return Response(200, JSON, json.dumps(page).encode())
    return Response(201 if request.method == "POST" else 200, JSON, json.dumps(PREDICTION).encode())


@pytest.mark.parametrize("program", ["noisy.py", "noisy.mjs"])
def test_nothing_printed_or_sent_contains_the_token(program: str, tmp_path: Path) -> None:
    command = (
        [sys.executable, "-X", "dev"] if program.endswith(".py") else ["node", "--trace-warnings"]
    )
    env = {
        **os.environ,
        "REPLICATE_API_TOKEN": TOKEN,
        # The noisiest level of everything that could log.
        "REPLICATE_LOG": "debug",
        "RUST_LOG": "trace",
        "RUST_BACKTRACE": "full",
        "NODE_DEBUG": "net,http",
        "DEBUG": "*",
    }
    for name in ("NO_PROXY", "no_proxy"):
        env.pop(name, None)
    with Server(respond) as server:
        done = subprocess.run(
            [*command, str(HERE / program), API, server.url, str(tmp_path)],
            capture_output=True,
            env=env,
            timeout=120,
        )
        requests = server.take()
    printed = done.stdout + done.stderr
    # The program ran to its end, which is an exception.
    assert done.returncode == 1 and b"the last " in done.stderr, printed[-4000:].decode()
    assert len(requests) > 10 and len(printed) > 20_000
    places = {"what was printed": printed}
    for index, request in enumerate(requests):
        authorized = f"Bearer {TOKEN}".encode()
        assert request.raw.count(authorized) == (1 if request.at_api else 0), request
        places[f"request {index}, {request.method} {request.target}"] = request.raw.replace(
            authorized, b""
        )
    for path in tmp_path.rglob("*"):
        places[str(path)] = path.read_bytes() if path.is_file() else b""
    for place, content in places.items():
        for form, written in forms().items():
            at = content.find(written)
            context = content[max(0, at - 300) : at + 100].decode(errors="replace")
            assert at < 0, f"{place} has the token as {form}: {context}"
