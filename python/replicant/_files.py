"""Files that a model wrote."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    AsyncIterator,
    Dict,
    Iterator,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
    cast,
)

if TYPE_CHECKING:
    import io

    from ._client_base import AnyClient
    from ._native import Client as NativeClient
    from ._native import Stream
    from ._progress import ShowTransfer


class FileHead(NamedTuple):
    """What a server tells of a file without sending it."""

    content_type: Optional[str]
    """The media type."""
    size: Optional[int]
    """The size in bytes."""


class FileOutput:
    """A file that a model wrote: a URL whose bytes are fetched when they are asked for.

        file = replicant.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})[0]
        file.save("heron.webp")
        picture = PIL.Image.open(file.open())

    It can be read as often as wanted, each time from the beginning. `str()` gives the URL. The API
    keeps output files for an hour only, so save what should last. Notebooks show it.
    """

    url: str
    """Where the file is; a `data:` URL holds it whole."""

    # Defaults of the class, because test doubles are made by `__new__` alone.
    _client: Optional[Union[AnyClient, NativeClient]] = None
    _path: Optional[str] = None
    # What is known about the file so far.
    _known = FileHead(None, None)

    def __init__(self, url: str, client: Optional[Union[AnyClient, NativeClient]] = None) -> None:
        self.url = url
        self._client = client

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
        return self._took(self._native.call("output.bytes", {"url": self.url}, None, True))

    async def aread(self) -> bytes:
        """The awaitable form of `read`."""
        call = self._native.call_async("output.bytes", {"url": self.url}, None, True)
        return self._took(await call)

    def open(self) -> io.BufferedReader:
        """The file as one that is open for reading, like what `open(path, "rb")` gives.

        It is fetched as it is read. Seeking asks the server for the rest from there on, so the list
        of an archive, say, is read without the archive. Whatever reads files takes it:
        `PIL.Image.open`, `pandas.read_csv`, `zipfile.ZipFile`, `io.TextIOWrapper`,
        `shutil.copyfileobj`.
        """
        from ._contents import opened

        return opened(self)

    def save(self, path: Union[str, os.PathLike[str]], *, progress: ShowTransfer = None) -> str:
        """Write the file to `path` and return that path.

        The file appears there when it is complete, never in part; a broken connection is resumed.
        After this, the object itself can be opened like a path.

        Args:
            path: where it is written; what is there is replaced.
            progress: True shows a bar; a function is called as bytes come.
        """
        from ._progress import of_bytes

        params = {"url": self.url, "path": os.fspath(path)}
        with of_bytes(progress, self._basename) as observer:
            self._path = saved = str(self._native.call("output.save", params, observer))
        return saved

    async def asave(
        self, path: Union[str, os.PathLike[str]], *, progress: ShowTransfer = None
    ) -> str:
        """The awaitable form of `save`."""
        from ._progress import of_bytes

        params = {"url": self.url, "path": os.fspath(path)}
        with of_bytes(progress, self._basename) as observer:
            self._path = saved = str(await self._native.call_async("output.save", params, observer))
        return saved

    def head(self) -> FileHead:
        """The type and the size that the server tells, without the content."""
        self._known = FileHead(**self._native.call("output.head", {"url": self.url}))
        return self._known

    async def ahead(self) -> FileHead:
        """The awaitable form of `head`."""
        self._known = FileHead(**await self._native.call_async("output.head", {"url": self.url}))
        return self._known

    def _took(self, answer: Any) -> bytes:
        content: bytes = answer[0]
        self._known = FileHead(dict(answer[2]).get("content-type"), len(content))
        return content

    def _open(self, offset: int = 0) -> Stream[bytes]:
        from ._native import Stream

        return Stream(self._native, "output.read", {"url": self.url, "offset": offset})

    def _size(self) -> int:
        size = self._known.size
        if size is None:
            size = self.head().size
        if size is None:
            # Some servers do not tell it.
            size = sum(map(len, self))
            self._known = FileHead(self._known.content_type, size)
        return size

    @property
    def _basename(self) -> str:
        name = "" if self.url.startswith("data:") else self.url.partition("?")[0].rpartition("/")[2]
        return name or "file"

    @property
    def _guessed_type(self) -> Optional[str]:
        from mimetypes import guess_type

        return guess_type(self.url.partition("?")[0])[0]

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
        kind, size = self._known
        told = [repr(url)] + ([kind] if kind else []) + ([f"{size:,} bytes"] if size else [])
        return f"{type(self).__name__}({', '.join(told)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Dict[str, str]:
        from ._notebook import mimebundle

        return mimebundle(self)

    def __fspath__(self) -> str:
        if self._path is None:
            raise TypeError("the file is not on disk; call `save(path)` first, or `open()`")
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

    @classmethod
    def _validate(cls, value: Any) -> FileOutput:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls(value)
        raise ValueError(f"expected a {cls.__name__} or a URL, not {type(value).__name__}")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> Dict[str, Any]:
        return {"type": "string", "format": "uri"}


def mark_saved(output: Any, paths: Sequence[str]) -> None:
    """Let the files of an output know where they were saved, in the order they stand in it."""
    files = list(_files_in(output))
    if len(files) == len(paths):
        for file, path in zip(files, paths):
            file._path = path


def _files_in(output: Any) -> Iterator[FileOutput]:
    if isinstance(output, dict):
        output = list(cast(Dict[str, Any], output).values())
    if isinstance(output, FileOutput):
        yield output
    elif isinstance(output, (list, tuple)):
        for item in cast(Sequence[Any], output):
            yield from _files_in(item)


class URLPath(FileOutput):
    """A file that a model wrote and that can be opened like a path: it is downloaded for that, once.

    `str()` returns the URL and downloads nothing.
    """

    def __fspath__(self) -> str:
        if self._path is None:
            self.save(_private_path(self))
        return super().__fspath__()


_folder: Optional[str] = None


def _private_path(file: FileOutput) -> str:
    """A path for the content of `file` in a folder of this process that nobody else can write to."""
    global _folder
    if _folder is None:
        import atexit
        import shutil
        from tempfile import mkdtemp

        _folder = mkdtemp(prefix="replicant-")
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    from hashlib import sha256

    folder = os.path.join(_folder, sha256(file.url.encode()).hexdigest()[:16])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, file._basename)


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
