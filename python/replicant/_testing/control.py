"""The control API of an emulator: HTTP requests to its paths below `/_emulator`."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote, urlsplit

from .plain import plain

# Longer than the emulator waits for a file of an input.
_TIMEOUT_SECONDS = 60


class Records(List[Dict[str, Any]]):
    """A list of what an emulator has recorded.

    Attributes:
        dropped: The number of older records that the emulator has dropped to bound its memory.
    """

    dropped: int = 0

    def __call__(self) -> Records:
        """Returns this list: `emulator.requests()` and `emulator.requests` are the same."""
        return self


class EmulatorError(ValueError):
    """The emulator has refused a request. The message is the reason.

    Attributes:
        status: The status of its response.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


EmulatorError.__module__ = "replicant.testing"


class Control:
    """Sends control requests to an emulator. Each has a connection of its own."""

    def __init__(self, origin: str) -> None:
        self._host = urlsplit(origin).netloc
        host, _, port = self._host.rpartition(":")
        self._address = (host, int(port))

    def open(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        content_type: Optional[str] = "application/json",
        *,
        stays_open: bool = False,
    ) -> HTTPResponse:
        """Returns the response, whose body has not been read. With `stays_open`, reading it has no time limit.

        Raises:
            OSError, HTTPException: The emulator does not respond.
            EmulatorError: The status is that of an error.
        """
        content = body or b""
        lines = [
            f"{method} /_emulator/{path} HTTP/1.1",
            f"host: {self._host}",
            "connection: close",
            f"content-length: {len(content)}",
        ]
        if content_type is not None:
            lines.append(f"content-type: {content_type}")
        head = "\r\n".join([*lines, "", ""]).encode("ascii")
        # Not an `HTTPConnection`, which tools such as VCR.py intercept. The response keeps the socket open.
        with self._connect() as connection:
            connection.sendall(head + content)
            response = HTTPResponse(connection, method=method)
            try:
                self._begin(response)
                if response.status >= 400:
                    problem: Dict[str, Any] = json.loads(response.read() or b"{}")
                    raise EmulatorError(problem.get("detail", response.reason), response.status)
            except BaseException:
                response.close()
                raise
            if stays_open:
                connection.settimeout(None)
        return response

    def _begin(self, response: HTTPResponse) -> None:
        try:
            response.begin()
        except socket.timeout:
            raise TimeoutError(
                f"the emulator did not respond within {_TIMEOUT_SECONDS} seconds"
            ) from None

    def _connect(self) -> socket.socket:
        try:
            return socket.create_connection(self._address, _TIMEOUT_SECONDS)
        except ConnectionRefusedError:
            raise ConnectionRefusedError(
                "the emulator has stopped; use it, also for assertions, before `close()` and the end of its `with` block"
            ) from None

    def exchange(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        content_type: Optional[str] = "application/json",
    ) -> Tuple[Dict[str, str], bytes]:
        """Returns the headers and the body of the response.

        Raises:
            EmulatorError: The status is that of an error.
        """
        with self.open(method, path, body, content_type) as response:
            received = response.read()
        return {name.lower(): value for name, value in response.getheaders()}, received

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Returns the JSON of the response.

        Raises:
            TypeError, ValueError: A member of the body is not JSON.
            EmulatorError: The emulator has refused the request.
        """
        sent = None if body is None else json.dumps(plain(body)).encode()
        _, received = self.exchange(method, path, sent)
        return json.loads(received) if received else None

    def records(self, path: str) -> Records:
        """Returns a recorded list."""
        headers, received = self.exchange("GET", path)
        records = Records(json.loads(received))
        records.dropped = int(headers.get("x-emulator-dropped", 0))
        return records

    def content(self, uri: str) -> Tuple[str, bytes]:
        """Returns the suffix of a file name for a file input, which may be empty, and its content.

        Raises:
            EmulatorError: It cannot be read.
        """
        headers, content = self.exchange("GET", "content?uri=" + quote(uri, safe=""))
        extension = headers.get("x-emulator-extension")
        return "" if extension is None else "." + extension, content
