"""The control API of an emulator: HTTP requests to its paths below `/_emulator`."""

from __future__ import annotations

import http.client
import json
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote, urlsplit

from .plain import plain


class Records(List[Dict[str, Any]]):
    """A list of what an emulator has recorded.

    Attributes:
        dropped: The number of older records that the emulator has dropped to bound its memory.
    """

    dropped: int = 0

    def __call__(self) -> Records:
        """Returns this list: `emulator.requests()` and `emulator.requests` are the same."""
        return self


class Refused(ValueError):
    """The emulator has refused a request. The message is the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Control:
    """Sends control requests to an emulator. Each has a connection of its own."""

    def __init__(self, origin: str) -> None:
        self.address: str = urlsplit(origin).netloc

    def exchange(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        content_type: Optional[str] = "application/json",
    ) -> Tuple[Dict[str, str], bytes]:
        """Returns the headers and the body of the response.

        Raises:
            Refused: The status is that of an error.
        """
        connection = http.client.HTTPConnection(self.address)
        try:
            headers = {"connection": "close"}
            if content_type is not None:
                headers["content-type"] = content_type
            connection.request(method, "/_emulator/" + path, body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            received = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            answer: Dict[str, Any] = json.loads(received) if received else {}
            raise Refused(response.status, answer.get("detail", response.reason))
        return found, received

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Returns the JSON of the response.

        Raises:
            TypeError: A member of the body is not JSON.
            ValueError: A member of the body is not JSON, or the emulator has refused the request.
        """
        sent = None if body is None else json.dumps(plain(body)).encode()
        try:
            _, received = self.exchange(method, path, sent)
        except Refused as error:
            raise ValueError(str(error)) from None
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
            Refused: It cannot be read.
        """
        headers, content = self.exchange("GET", "content?uri=" + quote(uri, safe=""))
        extension = headers.get("x-emulator-extension")
        return "" if extension is None else "." + extension, content
