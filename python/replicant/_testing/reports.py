"""The reports of a run to the emulator: its logs, its output and its end."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import traceback
from typing import Any, List

from .control import Control, EmulatorError

# Lines that are printed within this time of the last report are sent together.
_JOIN_SECONDS = 0.02


class Ended(BaseException):
    """The prediction has ended, so the function must not go on."""


class Reports:
    """Sends what happens in a run, in order.

    Attributes:
        ended: Set when the prediction has ended; then every method raises `Ended`.
    """

    def __init__(self, control: Control, run: str) -> None:
        self.ended = threading.Event()
        self._control = control
        self._path = f"runs/{run}/events"
        # The garbage collector may run code that prints while this thread sends.
        self._lock = threading.RLock()
        self._printed: List[str] = []
        self._sent = 0.0
        self._waits = False

    def log(self, text: str) -> None:
        """Appends text to the logs: at once, or soon after a report."""
        # A terminal would show an unpaired surrogate so; JSON cannot express it.
        text = text.encode("utf-8", "backslashreplace").decode()
        with self._lock:
            if self.ended.is_set():
                raise Ended
            self._printed.append(text)
            # `print` writes the end of the line by itself.
            if text.endswith("\n") and time.monotonic() - self._sent > _JOIN_SECONDS:
                self._flush()
            elif not self._waits:
                self._waits = True
                timer = threading.Timer(_JOIN_SECONDS, self._flush_later)
                timer.daemon = True
                timer.start()

    def send(self, event: Any) -> None:
        """Reports an event, after what was printed before it.

        Raises:
            Ended: The prediction has ended.
            ValueError: The emulator has refused the event.
        """
        with self._lock:
            self._flush()
            self._send([event])

    def fail(self, error: BaseException) -> None:
        """Fails the prediction, with the traceback of an error in the logs."""
        found = traceback.TracebackException.from_exception(error)
        logs = "".join(found.format())
        message = str(found) or type(error).__name__
        if not isinstance(error, Exception):
            # The text of `SystemExit` is a number.
            message = "".join(found.format_exception_only()).strip()
        with self._lock:
            with contextlib.suppress(Exception):
                self._flush()
            # What was refused must not keep the end from being reported.
            self._printed.clear()
            self.log(logs)
            self.send({"failed": message.encode("utf-8", "backslashreplace").decode()})

    def _flush_later(self) -> None:
        with self._lock:
            self._waits = False
            # The text stays, and the thread of the run finds the reason.
            with contextlib.suppress(Exception, Ended):
                self._flush()

    def _flush(self) -> None:
        count = len(self._printed)
        text = "".join(self._printed)
        if text:
            self._send([{"logs": text}])
        del self._printed[:count]

    def _send(self, events: List[Any]) -> None:
        if self.ended.is_set():
            raise Ended
        body = json.dumps(events, allow_nan=False).encode()
        try:
            self._control.exchange("POST", self._path, body)
        except EmulatorError as error:
            if error.status == 410:
                self.ended.set()
                raise Ended from None
            raise ValueError(f"the emulator refused a report: {error}") from None
        finally:
            self._sent = time.monotonic()
