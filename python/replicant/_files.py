"""Files that a model wrote."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    AsyncIterator,
    Iterator,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

if TYPE_CHECKING:
    from ._base import AnyClient
    from ._native import Client as NativeClient
    from ._native import Stream


class FileHead(NamedTuple):
    """What a server tells of a file without sending it."""

    content_type: Optional[str]
    """The media type."""
    size: Optional[int]
    """The size in bytes."""


class FileOutput:
    """A file that a model wrote: a URL whose bytes are fetched when they are asked for.

    It can be read as often as wanted, each time from the beginning. `str()` gives the URL. The API
    keeps output files for an hour only, so save what should last.
    """

    __slots__ = ("__weakref__", "_client", "_path", "url")

    url: str
    """Where the file is; a `data:` URL holds it whole."""

    def __init__(self, url: str, client: Optional[Union[AnyClient, NativeClient]] = None) -> None:
        self.url = url
        self._client = client
        self._path: Optional[str] = None

    @property
    def _native(self) -> NativeClient:
        client: Any = self._client
        if client is None:
            from ._default import default_client as client
        native: NativeClient = getattr(client, "_native", client)
        return native

    @property
    def __url__(self) -> str:
        return self.url

    def read(self) -> bytes:
        """The whole file.

        Raises:
            OutputExpiredError: the file is gone.
            DownloadError: it could not be fetched whole, also after the retries.
        """
        content: bytes = self._native.call("output.bytes", {"url": self.url})
        return content

    async def aread(self) -> bytes:
        """The awaitable form of `read`."""
        content: bytes = await self._native.call_async("output.bytes", {"url": self.url})
        return content

    def save(self, path: Union[str, os.PathLike[str]]) -> str:
        """Write the file to `path` and return that path.

        The file appears there when it is complete, never in part; a broken connection is resumed.
        After this, the object itself can be opened like a path.
        """
        params = {"url": self.url, "path": os.fspath(path)}
        saved: str = self._native.call("output.save", params)
        self._path = saved
        return saved

    async def asave(self, path: Union[str, os.PathLike[str]]) -> str:
        """The awaitable form of `save`."""
        params = {"url": self.url, "path": os.fspath(path)}
        saved: str = await self._native.call_async("output.save", params)
        self._path = saved
        return saved

    def head(self) -> FileHead:
        """The type and the size that the server tells, without the content."""
        return FileHead(**self._native.call("output.head", {"url": self.url}))

    async def ahead(self) -> FileHead:
        """The awaitable form of `head`."""
        return FileHead(**await self._native.call_async("output.head", {"url": self.url}))

    def _open(self) -> Stream[bytes]:
        from ._native import Stream

        return Stream(self._native, "output.read", {"url": self.url})

    def __iter__(self) -> Iterator[bytes]:
        return self._open()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._open()

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        url = (
            self.url if len(self.url) <= 200 else f"{self.url[:150]}...({len(self.url)} characters)"
        )
        return f"FileOutput({url!r})"

    def __fspath__(self) -> str:
        if self._path is None:
            raise TypeError("this file is not on the disk: call save(path) first")
        return self._path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileOutput) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __reduce__(self) -> Tuple[Any, ...]:
        # Without the client, which holds the token; reading an output needs none.
        return type(self), (self.url,)

    def __deepcopy__(self, memo: Any) -> FileOutput:
        return self


class URLPath(FileOutput):
    """A file that a model wrote and that can be opened like a path: it is fetched for that, once.

    `str()` gives the URL and fetches nothing.
    """

    __slots__ = ()

    def __fspath__(self) -> str:
        if self._path is None:
            self.save(_private_path(self.url))
        return super().__fspath__()

    def __repr__(self) -> str:
        return super().__repr__().replace("FileOutput", "URLPath", 1)


_folder: Optional[str] = None


def _private_path(url: str) -> str:
    """A path for the content of `url` in a folder of this process that nobody else can write to."""
    global _folder
    if _folder is None:
        import atexit
        import shutil
        from tempfile import mkdtemp

        _folder = mkdtemp(prefix="replicant-")
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    from hashlib import sha256

    name = "" if url.startswith("data:") else url.partition("?")[0].rpartition("/")[2]
    folder = os.path.join(_folder, sha256(url.encode()).hexdigest()[:16])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, name or "file")


def get_path_url(path: Any) -> Optional[str]:
    """The URL behind a `URLPath` or another file that a model wrote; None for anything else."""
    url: Optional[str] = getattr(path, "__url__", None)
    return url


class AsyncPieces:
    """An asynchronous iterator of bytes as a file that is read with await."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces.__aiter__()

    async def read(self, _size: int = -1) -> bytes:
        """The next piece, whatever its size; nothing at the end."""
        async for piece in self._pieces:
            if piece:
                return piece
        return b""
