"""Event streams and files that a server compresses although they were requested without compression."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from conftest import TOKEN

import replicant

EVENTS = [f"id: {n}\nevent: output\ndata: word {n} \n\n".encode() for n in range(6)]
DONE = b"event: done\ndata: {}\n\n"
FILE = bytes(range(256)) * 1000


class Handler(BaseHTTPRequestHandler):
    """A prediction whose stream and file are compressed, and break once in their middle."""

    seen: list[tuple[str, str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        host = self.headers["host"]
        urls = {"stream": f"http://{host}/stream", "get": f"http://{host}/v1/predictions/p1"}
        body = json.dumps({"id": "p1", "status": "processing", "urls": urls}).encode()
        self.respond(body, len(body), status=201)

    def do_GET(self) -> None:
        last = self.headers.get("last-event-id", "")
        assert self.headers["accept-encoding"] == "identity"
        self.seen.append((self.path, last or self.headers.get("range", "")))
        if self.path == "/stream":
            rest = EVENTS[int(last) + 1 :] if last else EVENTS
            compressor = zlib.compressobj(wbits=31)
            parts = [
                compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)
                for part in [*rest, DONE]
            ]
            whole, broken = b"".join(parts) + compressor.flush(), b"".join(parts[:3]) + parts[3][:4]
            first = not last
        else:
            compressor = zlib.compressobj(wbits=31)
            whole = compressor.compress(FILE) + compressor.flush()
            broken, first = whole[: len(whole) // 2], len(self.seen) == 1
        headers = {"content-encoding": "gzip", "etag": '"1"'}
        self.respond(broken if first else whole, len(whole), headers)
        self.close_connection = True

    def respond(
        self, body: bytes, length: int, headers: dict[str, str] | None = None, status: int = 200
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    seen: list[tuple[str, str]] = []
    handler = type("Serving", (Handler,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


def test_a_compressed_stream_is_resumed_where_it_broke() -> None:
    with serving() as (origin, seen):
        client = replicant.Client(TOKEN, base_url=f"{origin}/v1")
        events = list(client.stream("acme/text", {}))
    assert "".join(map(str, events)) == "".join(f"word {n} " for n in range(6))
    assert seen == [("/stream", ""), ("/stream", "2")]


async def test_an_awaited_compressed_stream_is_resumed_where_it_broke() -> None:
    with serving() as (origin, seen):
        client = replicant.AsyncClient(TOKEN, base_url=f"{origin}/v1")
        events = [str(event) async for event in client.stream("acme/text", {})]
    assert "".join(events) == "".join(f"word {n} " for n in range(6))
    assert seen == [("/stream", ""), ("/stream", "2")]


@pytest.mark.parametrize("parts", [False, True])
def test_a_compressed_file_is_downloaded_again_from_its_start(parts: bool) -> None:
    with serving() as (origin, seen):
        client = replicant.Client(TOKEN, base_url=f"{origin}/v1")
        file = replicant.FileOutput(f"{origin}/f.bin", client)
        content = b"".join(file) if parts else file.read()
    assert content == FILE
    # A range would be one of the compressed bytes.
    assert seen == [("/f.bin", ""), ("/f.bin", "")]
