"""What a model prints becomes its logs."""

from __future__ import annotations

import contextlib
import contextvars
import sys
import threading
from collections import deque
from typing import Any, Callable, Deque, Generator, Optional, TextIO

Write = Callable[[str], None]

_write: contextvars.ContextVar[Optional[Write]] = contextvars.ContextVar("write", default=None)
_lock = threading.Lock()
_users = 0


# `print` in another thread borrows `sys.stdout`, which must not be freed meanwhile.
_kept: Deque[object] = deque(maxlen=64)


class _Redirect:
    """A stream that writes to the logs of the run in whose context it is used, and otherwise to another stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        _kept.append(self)

    def write(self, text: str) -> int:
        write = _write.get()
        if write is None:
            return self.stream.write(text)
        write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def renew() -> None:
    """Redirects the streams again, if a model is running: pytest sets them anew for each phase of a test."""
    with _lock:
        if _users:
            _redirect()


def _redirect() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _Redirect):
            setattr(sys, name, _Redirect(stream))


@contextlib.contextmanager
def to(write: Write) -> Generator[None, None, None]:
    """Sends what the block prints to `write`, but not what other threads and tasks print."""
    global _users
    with _lock:
        _users += 1
        _redirect()
    token = _write.set(write)
    try:
        yield
    finally:
        _write.reset(token)
        with _lock:
            _users -= 1
            if _users == 0:
                for name in ("stdout", "stderr"):
                    stream = getattr(sys, name)
                    if isinstance(stream, _Redirect):
                        setattr(sys, name, stream.stream)
