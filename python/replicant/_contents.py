"""The content of a file output as a file that is open for reading."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from ._files import FileOutput
    from ._native import Stream

# What is fetched beyond what was asked for, so that many small reads are few steps.
_BUFFER = 64 * 1024


class Contents(io.RawIOBase):
    """A file output, read on from wherever it was last sought to.

    Seeking costs nothing: the next read asks the server for the rest of the file from there on.
    """

    mode = "rb"

    def __init__(self, file: FileOutput) -> None:
        self._file = file
        self._stream: Optional[Stream[bytes]] = None
        # What has come and was not read yet, and where that begins.
        self._rest = memoryview(b"")
        self._at = 0

    @property
    def name(self) -> str:
        """The name in the URL, for those who go by a file's ending."""
        return self._file._basename

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True: what a server cannot begin with is read and dropped."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer as much as is there, and at least a byte unless the file has ended."""
        self._check()
        target = memoryview(buffer).cast("B")
        if target and not self._rest:
            if self._stream is None:
                self._stream = self._file._open(self._at)
            self._rest = memoryview(next(self._stream, b""))
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._skip(count)
        return count

    def readall(self) -> bytes:
        """The rest of the file."""
        self._check()
        stream = self._file._open(self._at) if self._stream is None else self._stream
        rest = b"".join([self._rest, *stream])
        self._stream, self._rest = stream, memoryview(b"")
        self._at += len(rest)
        return rest

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, counted from the beginning, from here (1) or from the end (2)."""
        self._check()
        if whence not in (0, 1, 2):
            raise ValueError(f"`whence` must be 0, 1 or 2, not {whence}")
        target = offset + (0, self._at, 0)[whence]
        if whence == 2:
            target += self._file._size()
        if target < 0:
            raise ValueError(f"cannot seek to {target}, before the beginning of the file")
        if 0 <= target - self._at <= len(self._rest):
            self._skip(target - self._at)
        else:
            self._forget()
            self._at = target
        return target

    def tell(self) -> int:
        """Where the next byte is read."""
        self._check()
        return self._at

    def close(self) -> None:
        """Free the connection."""
        if not self.closed:
            self._forget()
        super().close()

    def _skip(self, count: int) -> None:
        self._rest = self._rest[count:]
        self._at += count

    def _forget(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self._rest = None, memoryview(b"")

    def _check(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


def opened(file: FileOutput) -> io.BufferedReader:
    """The content of `file` from the beginning."""
    return io.BufferedReader(Contents(file), _BUFFER)
