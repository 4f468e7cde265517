"""Whatever a server responds, a call ends in time, in bounded memory, and sends the token nowhere else."""

from __future__ import annotations

import functools
import itertools
import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from server import API, TOKEN, Request, Response, Server

import replicant
from replicant import _native

resource = pytest.importorskip("resource")
JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)
FOREIGN = "http://evil.example"
# No call may take longer, or add more memory.
SECONDS, MEMORY = 20, 300 << 20


def endless(chunk: bytes, start: bytes = b"") -> Iterator[bytes]:
    yield start
    yield from itertools.repeat(chunk)


@functools.cache
def bomb() -> bytes:
    """Returns a text of 256 MiB in JSON, compressed a thousandfold."""
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(b'"'), *(packer.compress(b"a" * (1 << 20)) for _ in range(256))]
    return b"".join([*parts, packer.compress(b'"'), packer.flush()])


def of_json(value: Any, status: int = 200) -> Response:
    return Response(status, JSON, json.dumps(value).encode())


def prediction(**changes: Any) -> dict[str, Any]:
    urls = {"get": f"{API}/v1/predictions/p1", "stream": f"{API}/v1/stream/p1"}
    return {"id": "p1", "status": "processing", "output": None, "urls": urls, **changes}


# Each builds the response to every request.
HOSTILE: dict[str, Callable[[], Response]] = {
    "no_http": lambda: Response(raw=b"\x16\x03\x01 hello\r\n\r\n"),
    "nothing": lambda: Response(raw=b""),
    "http_0_9": lambda: Response(raw=b"<html>"),
    "bad_status": lambda: Response(raw=b"HTTP/1.1 99999 Odd\r\n\r\n"),
    "odd_status": lambda: Response(raw=b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n"),
    "many_headers": lambda: Response(headers=tuple((f"x-{n}", "y" * 100) for n in range(5_000))),
    "huge_header": lambda: Response(headers=(("x-huge", "y" * (2 << 20)),)),
    "two_lengths": lambda: Response(
        headers=(("content-length", "1"), ("content-length", "9")), body=b"{}"
    ),
    "negative_length": lambda: Response(headers=(("content-length", "-1"),), body=b"{}"),
    "huge_length": lambda: Response(headers=(("content-length", str(2**63)),), body=b"{}"),
    "false_length": lambda: Response(headers=(*JSON, ("content-length", str(2**40))), body=b"{}"),
    "huge_chunk": lambda: Response(
        raw=b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"
    ),
    "bad_chunk": lambda: Response(
        raw=b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}"
    ),
    "endless_json": lambda: Response(200, JSON, endless(b"a" * 65536, b'{"id": "')),
    "endless_list": lambda: Response(200, JSON, endless(b"1," * 32768, b"[")),
    "endless_error": lambda: Response(400, JSON, endless(b"a" * 65536, b'{"detail": "')),
    "endless_line": lambda: Response(200, SSE, endless(b"a" * 65536, b"data: ")),
    "endless_comments": lambda: Response(200, SSE, endless(b": x\n" * 1000)),
    "long_ids": lambda: Response(200, SSE, b"id: " + b"i" * (1 << 20) + b"\ndata: x\n\n"),
    "long_retry": lambda: Response(200, SSE, b"retry: 99999999999999999999\nid: 1\ndata: x\n\n"),
    "deep_json": lambda: Response(200, JSON, b"[" * 100_000 + b"]" * 100_000),
    "huge_numbers": lambda: Response(200, JSON, b'{"id": 1e999, "status": ' + b"9" * 10_000 + b"}"),
    "lone_surrogates": lambda: Response(200, JSON, b'{"id": "\\ud800", "status": "\\udfff"}'),
    "no_utf_8": lambda: Response(200, JSON, b'{"id": "\xff\xfe", "status": "x"}'),
    "duplicate_members": lambda: Response(
        200, JSON, b'{"id": "a", "id": "b", "status": "succeeded"}'
    ),
    "wrong_types": lambda: of_json({"id": [], "status": {}, "urls": 5, "results": "x", "next": 5}),
    "null": lambda: of_json(None),
    "gzip_bomb": lambda: Response(200, (*JSON, ("content-encoding", "gzip")), bomb()),
    "unknown_encoding": lambda: Response(200, (*JSON, ("content-encoding", "x")), b"{}"),
    "redirect_loop": lambda: Response(302, (("location", f"{API}/v1/again"),)),
    "redirect_elsewhere": lambda: Response(307, (("location", f"{FOREIGN}/v1/x"),)),
    "redirect_to_file": lambda: Response(302, (("location", "file:///etc/passwd"),)),
    "redirect_nowhere": lambda: Response(302, (("location", "http://[::"),)),
    "redirect_without_place": lambda: Response(302),
    "forever_later": lambda: Response(429, (("retry-after", "1" + "0" * 400),)),
    "long_ago": lambda: Response(503, (("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),)),
    "foreign_links": lambda: of_json(
        prediction(
            id="../account",
            status="succeeded",
            output=[f"{FOREIGN}/a.png", "file:///etc/passwd", f"{API}/v1/../secret"],
            urls=dict.fromkeys(("get", "stream", "cancel"), f"{FOREIGN}/x"),
            next=f"{FOREIGN}/v1/next",
            results=[prediction()],
        )
    ),
    "next_is_itself": lambda: of_json(
        {"next": f"{API}/v1/models", "results": [{"owner": "a", "name": "b"}]}
    ),
    "hostile_names": lambda: Response(
        headers=(("content-disposition", 'attachment; filename="../../evil.sh"'),), body=b"x"
    ),
    "echo": lambda: Response(401, JSON, json.dumps({"detail": f"no such token: {TOKEN}"}).encode()),
}


def calls(client: replicant.Client, folder: Path) -> dict[str, Callable[[], Any]]:
    image = f"{FOREIGN}/pictures/%2e%2e%2f%2e%2e%2fevil.png"
    return {
        "get": lambda: client.predictions.get("p1"),
        "create": lambda: client.predictions.create(version="5c7d", input={}),
        "run": lambda: client.run(
            "acme/text", {"image": b"content"}, timeout=1, on_abandon="leave"
        ),
        "stream": lambda: [str(event) for event in client.stream("acme/text", {}, timeout=1)],
        "events": lambda: list(
            _native.Stream(client._native, "predictions.stream", {"prediction": prediction()})
        ),
        "list": lambda: list(itertools.islice(client.models.list().auto_paging_iter(), 50)),
        "upload": lambda: client.files.create(b"content"),
        "read": lambda: replicant.FileOutput(image, client).read()[:9],
        "save_all": lambda: client.save_all([image, image], folder),
    }


RETRIED = ("forever_later", "long_ago")
LARGE = [name for name in HOSTILE if name.startswith(("endless", "huge", "gzip"))]


class Started:
    """Answers a create with a prediction, and everything else as `hostile`."""

    def __init__(self, hostile: Callable[[], Response], creates: bool) -> None:
        self.hostile, self.creates = hostile, creates

    def __call__(self, request: Request) -> Response:
        if self.creates and request.method == "POST" and b'"input"' in request.body:
            return of_json(prediction(), 201)
        return self.hostile()


def peak() -> int:
    size: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def play(name: str, creates: bool, folder: Path) -> list[str]:
    """Makes all calls against one hostile response. Returns what went wrong."""
    problems = []
    with Server(Started(HOSTILE[name], creates)) as server:
        client = replicant.Client(
            TOKEN,
            base_url=API,
            proxy=server.url,
            timeout=1,
            idle_timeout=0.5,
            max_retries=1 if name in RETRIED else 0,
            poll_interval=0.05,
        )
        for called, call in calls(client, folder / "out").items():
            if creates and called not in ("run", "stream"):
                continue
            if name.startswith(("endless", "gzip")) and called in ("read", "save_all"):
                continue  # A file has no limit: the program chose to read it.
            if name == "endless_comments" and called == "events":
                continue  # Comments keep a stream open, and this call has no timeout.
            start, said = time.monotonic(), f"{name}, {called}: "
            try:
                call()
            except replicant.ReplicateException as error:
                if TOKEN in f"{error!r} {error} {vars(error)}":
                    problems.append(said + "the error shows the token")
            except Exception as error:
                problems.append(said + repr(error))
            if time.monotonic() - start > SECONDS:
                problems.append(said + "took too long")
        for request in server.take():
            if not request.at_api and TOKEN.encode() in request.raw:
                problems.append(f"{name}: the token was sent to {request.target}")
            if "/secret" in request.target or request.target.endswith("/account"):
                problems.append(f"{name}: requested {request.target}")
    outside = [
        path for path in folder.rglob("*") if path.is_file() and path.parent != folder / "out"
    ]
    return problems + [f"{name}: saved {path}" for path in outside]


def test_a_hostile_response_ends_the_call(tmp_path: Path) -> None:
    harmless = [name for name in HOSTILE if name not in LARGE]
    # Most of the time is spent waiting for limits.
    with ThreadPoolExecutor(16) as pool:
        tried = [
            pool.submit(play, name, creates, tmp_path / f"{name}-{creates}")
            for name in harmless
            for creates in (False, True)
        ]
    assert [problem for played in tried for problem in played.result()] == []


@pytest.mark.parametrize("name", LARGE)
def test_an_endless_response_ends_the_call_in_bounded_memory(name: str, tmp_path: Path) -> None:
    before = peak()
    assert play(name, False, tmp_path) == []
    assert peak() - before < MEMORY


OK = b"HTTP/1.1 200 OK\r\n"
# Heads that are too long: in one header, in their number, and without an end.
HEADS: dict[str, Callable[[], Response]] = {
    "huge_header": HOSTILE["huge_header"],
    "many_headers": HOSTILE["many_headers"],
    "endless_header": lambda: Response(raw=endless(b"y" * 65536, OK + b"x-huge: ")),
    "endless_headers": lambda: Response(raw=endless(b"x-more: y\r\n" * 1000, OK)),
    "endless_name": lambda: Response(raw=endless(b"y" * 65536, OK)),
    "endless_reason": lambda: Response(raw=endless(b"y" * 65536, b"HTTP/1.1 200 ")),
}


@pytest.mark.parametrize("name", HEADS)
def test_an_overlong_head_is_a_clear_error_in_bounded_memory(name: str) -> None:
    before, start = peak(), time.monotonic()
    with Server(lambda _: HEADS[name]()) as server:
        client = replicant.Client(TOKEN, base_url=f"{server.url}/v1")
        for call, unknown in (
            (lambda: client.predictions.get("p1"), False),
            # The request had an effect, so nobody can know whether the prediction exists.
            (lambda: client.predictions.create(version="5c7d", input={}), True),
        ):
            with pytest.raises(
                replicant.ReplicateException, match="are too many or too long"
            ) as failed:
                call()
            assert failed.value.code == "invalid_response"
            assert failed.value.outcome_unknown is unknown
        assert len(server.take()) == 2, "it would be as long again, so nothing is retried"
    assert time.monotonic() - start < SECONDS
    assert peak() - before < 32 << 20
