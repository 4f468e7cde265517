"""The content of a file output, piece by piece."""

from __future__ import annotations

from ._native import Stream


class FileStream(Stream[bytes]):
    """The chunks of a file as they arrive."""

    # A file knows its streams without keeping them, which would keep their connections.
    __slots__ = ("__weakref__",)
