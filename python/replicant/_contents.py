"""The content of a file output as an open file."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Generator, List, Optional, TypeVar

if TYPE_CHECKING:
    from ._files import FileOutput
    from ._native import Stream

T = TypeVar("T")

# The size of the read buffer, which combines small reads.
_BUFFER = 64 * 1024


class Contents(io.RawIOBase):
    """The content of a file output, downloaded as it is read.

    Seeking sends no request; the next read requests the rest of the file from there.
    """

    mode = "rb"

    def __init__(self, file: FileOutput) -> None:
        self._file = file
        self._stream: Optional[Stream[bytes]] = None
        # The bytes that arrived and were not read, and their position.
        self._rest = memoryview(b"")
        self._at = 0

    @property
    def name(self) -> str:
        """The name in the URL, for readers that need the extension."""
        return self._file._name

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True. Without support by the server, seeking discards what comes before."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads the available bytes into a buffer, at least one unless the file has ended.

        Args:
            buffer: The buffer to fill.
        """
        self._check()
        target = memoryview(buffer).cast("B")
        if target and not self._rest:
            with self._reading() as stream:
                self._rest = memoryview(next(stream, b""))
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._skip(count)
        return count

    def readall(self) -> bytes:
        """Reads the rest of the file."""
        self._check()
        with self._reading() as stream:
            rest = b"".join([self._rest, *stream])
        self._rest = memoryview(b"")
        self._at += len(rest)
        return rest

    def seek(self, offset: int, whence: int = 0) -> int:
        """Changes the position.

        Args:
            offset: The offset in bytes.
            whence: What the offset is relative to: the beginning (0), the position (1) or the end (2).
        """
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
        """Returns the position in bytes."""
        self._check()
        return self._at

    def close(self) -> None:
        """Frees the connection."""
        if not self.closed:
            self._forget()
        super().close()

    @contextmanager
    def _reading(self) -> Generator[Stream[bytes], None, None]:
        if self._stream is None:
            self._stream = self._file._open(self._at)
        try:
            yield self._stream
        except BaseException:
            # After an error, a stream looks like one that is at its end.
            self._forget()
            raise

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


class Reader(io.BufferedReader):
    """Buffers contents. A read that fails leaves the position; the base class would drop what it had read until then."""

    def read(self, size: Optional[int] = -1, /) -> bytes:
        """Reads `size` bytes, fewer at the end of the file; the rest of the file by default.

        Args:
            size: The number of bytes.
        """
        return self._or_stay(super().read, size)

    def readinto(self, buffer: Any, /) -> int:
        """Fills a buffer, unless the file ends before.

        Args:
            buffer: The buffer to fill.
        """
        return self._or_stay(super().readinto, buffer)

    def readline(self, size: Optional[int] = -1, /) -> bytes:
        """Reads a line.

        Args:
            size: The maximum number of bytes.
        """
        return self._or_stay(super().readline, size)

    def readlines(self, hint: Optional[int] = -1, /) -> List[bytes]:
        """Reads the remaining lines.

        Args:
            hint: The number of bytes after which no other line is read.
        """
        return self._or_stay(super().readlines, hint)

    def _or_stay(self, read: Callable[[Any], T], argument: Any) -> T:
        position = self.tell()
        try:
            return read(argument)
        except BaseException:
            self.seek(position)
            raise


def opened(file: FileOutput) -> io.BufferedReader:
    """Opens the content of `file` for reading."""
    return Reader(Contents(file), _BUFFER)
