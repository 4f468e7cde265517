"""A server that handles each connection in a thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Callable


class Listener:
    """Counts the connections to a port on loopback, each of which `serve` handles, until `close`."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            self.connections += 1
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), connection:
            self._serve(connection)

    def close(self) -> None:
        # A thread that waits in `accept` notices no close. It would wait on, with a number of a descriptor that is soon that of
        # another listener, whose connections it accepts once a signal has interrupted it.
        self._closing = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(10)
        self._listener.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
