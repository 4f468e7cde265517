"""A server that records the exact bytes of each request. Used as a proxy, it receives the requests to every host."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any, Callable, NamedTuple

from listener import Listener

TOKEN = "r8_Secret0Secret1Secret2Secret3Secret4Sec"
# Resolves to loopback everywhere, so that plain http causes no warning. Only the proxy is ever connected to.
API = "http://api.localhost"


class Request(NamedTuple):
    """A request as received."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    # Everything that was received, head and body.
    raw: bytes

    @property
    def at_api(self) -> bool:
        return self.target.startswith(f"{API}/")

    def header(self, name: str) -> str | None:
        return next((value for given, value in self.headers if given.lower() == name), None)


class Response(NamedTuple):
    """A response. The body may be endless."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = b""
    # Sent instead of the head; may be endless.
    raw: Any = None


class Server:
    """Serves on loopback until `close`."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    def take(self) -> list[Request]:
        """Returns the requests since the last call."""
        with self._lock:
            taken, self.requests = self.requests, []
        return taken

    def close(self) -> None:
        self._listener.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream, suppress(ValueError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := read(stream)) is not None:
                with self._lock:
                    self.requests.append(request)
                if not self._respond(connection, request):
                    return

    def _respond(self, connection: socket.socket, request: Request) -> bool:
        """Sends the response. Returns whether the connection stays open."""
        response = Response(502) if request.method == "CONNECT" else self.respond(request)
        if response.raw is not None:
            for chunk in [response.raw] if isinstance(response.raw, bytes) else response.raw:
                connection.sendall(chunk)
            return False
        whole = isinstance(response.body, bytes)
        headers = list(response.headers)
        if whole and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("content-length", str(len(response.body))))
        head = f"HTTP/1.1 {response.status} Status\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers)
        connection.sendall(head.encode("latin-1") + b"\r\n" + (response.body if whole else b""))
        if not whole:
            for chunk in response.body:
                connection.sendall(chunk)
        # A length that is wrong would leave the client waiting.
        return whole and not any(name == "content-length" for name, _ in response.headers)


def read(stream: Any) -> Request | None:
    """Reads one request; None at the end of the connection."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(1 << 20)
        if not line:
            return None
        head += line
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    lower = {name.lower(): value for name, value in headers}
    body = b""
    if lower.get("transfer-encoding", "").lower() == "chunked":
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        body = stream.read(int(lower.get("content-length", "0")))
    return Request(method, target, headers, body, head + body)
