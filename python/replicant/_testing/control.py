"""The control API of an emulator: HTTP requests to its paths below `/_emulator`."""

from __future__ import annotations

import http.client
import json
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urlsplit


class Records(List[Dict[str, Any]]):
    """A list of what an emulator has recorded.

    Attributes:
        dropped: The number of older records that the emulator has dropped to bound its memory.
    """

    dropped: int = 0

    def __call__(self) -> Records:
        """Returns this list: `emulator.requests()` and `emulator.requests` are the same."""
        return self


class Control:
    """Sends control requests to an emulator. Each has a connection of its own."""

    def __init__(self, origin: str) -> None:
        self.address: str = urlsplit(origin).netloc

    def exchange(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        content_type: str = "application/json",
    ) -> Tuple[int, Dict[str, str], bytes]:
        """Returns the status, the headers and the body of the response."""
        connection = http.client.HTTPConnection(self.address)
        try:
            headers = {"content-type": content_type, "connection": "close"}
            connection.request(method, "/_emulator/" + path, body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Returns the JSON of the response.

        Raises:
            ValueError: The emulator has refused the request.
        """
        sent = None if body is None else json.dumps(body).encode()
        status, _, received = self.exchange(method, path, sent)
        answer: Any = json.loads(received) if received else None
        if status >= 400:
            raise ValueError(answer["detail"])
        return answer

    def records(self, path: str) -> Records:
        """Returns a recorded list."""
        _, headers, received = self.exchange("GET", path)
        records = Records(json.loads(received))
        records.dropped = int(headers.get("x-emulator-dropped", 0))
        return records
