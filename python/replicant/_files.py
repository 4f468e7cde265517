"""Files that a model wrote."""

from __future__ import annotations

import io
import os
import sys
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    AsyncIterator,
    Dict,
    Iterator,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

from ._progress import ShowTransfer

if TYPE_CHECKING:
    from weakref import WeakSet

    from ._client_base import AnyClient
    from ._file_stream import FileStream
    from ._native import Client as NativeClient


class FileHead(NamedTuple):
    """The metadata of a file, requested without its content."""

    content_type: Optional[str]
    """The media type."""
    size: Optional[int]
    """The size in bytes."""


class FileOutput:
    """A file that a model wrote: a URL whose content is downloaded on request.

        file = replicant.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})[0]
        file.save("heron.webp")
        picture = PIL.Image.open(file.open())

    It can be read repeatedly, each time from the beginning. `str(file)` is the URL. The API keeps output files for
    an hour, so save those that you need. Notebooks display it.
    """

    url: str
    """The URL of the file; a `data:` URL contains it."""

    # Defaults for test doubles, which are built by `__new__`.
    _client: Optional[Union[AnyClient, NativeClient]] = None
    # The metadata that is known so far.
    _known = FileHead(None, None)
    # The streams of the iterations. An iteration that was dropped has ended.
    _streams: Optional[WeakSet[FileStream]] = None

    def __init__(self, url: str, client: Optional[Union[AnyClient, NativeClient]] = None) -> None:
        self.url = url
        self._client = client

    @property
    def _native(self) -> NativeClient:
        client: Any = self._client
        if client is None:
            from ._default import default_client as client
        native: NativeClient = getattr(client, "_direct", client)
        return native

    @property
    def __url__(self) -> str:
        return self.url

    def read(self) -> bytes:
        """Downloads the file.

        Raises:
            OutputExpiredError: The file was deleted.
            DownloadError: The file could not be downloaded completely, even after the retries.
        """
        return self._content(self._native.call("output.bytes", {"url": self.url}, None, True))

    async def aread(self) -> bytes:
        """The async form of `read`."""
        call = self._native.call_async("output.bytes", {"url": self.url}, None, True)
        return self._content(await call)

    def open(self) -> io.BufferedReader:
        """Opens the file for reading, like `open(path, "rb")`.

        It is downloaded as it is read. Seeking requests the rest of the file from there, so the directory of an
        archive can be read without the archive. Pass it to anything that reads files: `PIL.Image.open`,
        `pandas.read_csv`, `zipfile.ZipFile`, `io.TextIOWrapper`, `shutil.copyfileobj`.
        """
        from ._contents import opened

        return opened(self)

    def save(self, path: Union[str, os.PathLike[str]], *, progress: ShowTransfer = None) -> str:
        """Downloads the file to `path` and returns that path.

        The file appears there only when it is complete; a broken download is resumed.

        Args:
            path: The path to write to. A file that exists is replaced and keeps its mode, and its owner if the
                process may set it; the mode of a new one follows the umask, as with `open()`. A symbolic link stays,
                and the file that it leads to is written.
            progress: True shows a bar; a function is called with each `Transfer` as bytes arrive.

        Raises:
            FileNotWrittenError: The file cannot be written.
            OutputExpiredError: The file was deleted.
            DownloadError: The file could not be downloaded completely, even after the retries.
        """
        from ._progress import of_bytes

        # As bytes, because a name that is no text is a string that the core cannot hold.
        params = {"url": self.url, "path": os.fsencode(path)}
        with of_bytes(progress, self._name) as observer:
            self._native.call("output.save", params, observer)
        return os.fsdecode(path)

    async def asave(
        self, path: Union[str, os.PathLike[str]], *, progress: ShowTransfer = None
    ) -> str:
        """The async form of `save`."""
        from ._progress import of_bytes

        params = {"url": self.url, "path": os.fsencode(path)}
        with of_bytes(progress, self._name) as observer:
            await self._native.call_async("output.save", params, observer)
        return os.fsdecode(path)

    def head(self) -> FileHead:
        """Fetches the type and the size, without the content.

        Raises:
            OutputExpiredError: The file was deleted.
        """
        self._known = FileHead(**self._native.call("output.head", {"url": self.url}))
        return self._known

    async def ahead(self) -> FileHead:
        """The async form of `head`."""
        self._known = FileHead(**await self._native.call_async("output.head", {"url": self.url}))
        return self._known

    def _content(self, reply: Any) -> bytes:
        content: bytes = reply[0]
        self._known = FileHead(dict(reply[2]).get("content-type"), len(content))
        return content

    def close(self) -> None:
        """Ends the iterations over the file that are running, and frees their connections.

        There is nothing else to close: the file can be read again. What `open()` returned is closed on its own.
        """
        for stream in list(self._streams or ()):
            stream.close()

    async def aclose(self) -> None:
        """The async form of `close`."""
        for stream in list(self._streams or ()):
            await stream.aclose()

    def _open(self, offset: int = 0) -> FileStream:
        from ._file_stream import FileStream

        return FileStream(self._native, "output.read", {"url": self.url, "offset": offset})

    def _iterated(self) -> FileStream:
        from weakref import WeakSet

        if self._streams is None:
            self._streams = WeakSet()
        stream = self._open()
        self._streams.add(stream)
        return stream

    def _size(self) -> int:
        size = self._known.size
        if size is None:
            size = self.head().size
        if size is None:
            # Some servers do not send a size.
            size = sum(map(len, self))
            self._known = FileHead(self._known.content_type, size)
        return size

    @property
    def _name(self) -> str:
        from ._native import compute

        name: str = compute("file.name", {"url": self.url})
        return name

    @property
    def _guessed_type(self) -> Optional[str]:
        from mimetypes import guess_type

        return guess_type(self.url.partition("?")[0])[0]

    def __iter__(self) -> Iterator[bytes]:
        return self._iterated()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._iterated()

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        url = (
            self.url if len(self.url) <= 200 else f"{self.url[:150]}...({len(self.url)} characters)"
        )
        kind, size = self._known
        shown = [repr(url)] + ([kind] if kind else []) + ([f"{size:,} bytes"] if size else [])
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Dict[str, str]:
        from ._notebook import mimebundle

        return mimebundle(self)

    def _mime_(self) -> Tuple[str, str]:
        # For marimo, which displays no list of objects that have only `_repr_mimebundle_`.
        from ._notebook import mime

        return mime(self)

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


class URLPath(FileOutput):
    """A file that a model wrote, which can be opened like a path; it is downloaded for that, once.

    `str(file)` is the URL and downloads nothing.
    """

    _path: Optional[str] = None

    def __fspath__(self) -> str:
        if self._path is None:
            self._path = self.save(_private_path(self))
        return self._path


# Both, because 1.x declares the data of events as `str` and assigns a `FileOutput`.
class FileURL(str, FileOutput):
    """The URL of a file that a model wrote, as a string that is also a `FileOutput`."""

    __slots__ = ("_file",)

    _file: FileOutput

    def __new__(cls, file: FileOutput) -> FileURL:
        made = super().__new__(cls, file.url)
        made._file = file
        # Shares its attributes, such as the size, with the `FileOutput`.
        made.__dict__ = file.__dict__
        return made

    def __init__(self, file: FileOutput) -> None:
        pass

    # As in a `FileOutput`: programs that ask for this class write the chunks to a file.
    __iter__ = FileOutput.__iter__  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return FileURL, (self._file,)


# The folder of a process: a forked child also knows that of its parent.
_folders: Dict[int, str] = {}


def _private_path(file: FileOutput) -> str:
    """Returns a path for the content of `file`, in a folder of this process that no other user can read."""
    process = os.getpid()
    if process not in _folders:
        import atexit
        from tempfile import mkdtemp

        _folders[process] = made = mkdtemp(prefix="replicant-")
        atexit.register(_remove_folder, made, process)
        # The workers of multiprocessing run no exit handlers.
        workers = sys.modules.get("multiprocessing.util")
        if workers is not None:
            workers.Finalize(None, _remove_folder, (made, process), exitpriority=0)
    from hashlib import sha256

    folder = os.path.join(_folders[process], sha256(file.url.encode()).hexdigest()[:16])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, file._name)


def _remove_folder(folder: str, process: int) -> None:
    # A forked child inherits the exit handlers of its parent.
    if process == os.getpid():
        from shutil import rmtree

        rmtree(folder, ignore_errors=True)


def get_path_url(path: Any) -> Optional[str]:
    """Returns the URL of a `URLPath` or another file that a model wrote; None for anything else.

    Args:
        path: The object.
    """
    url: Optional[str] = getattr(path, "__url__", None)
    return url


class AsyncChunks:
    """An async iterator of bytes as a file with an async `read`."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks.__aiter__()

    async def read(self, _size: int = -1) -> bytes:
        """Returns the next chunk, whatever its size; empty at the end."""
        async for chunk in self._chunks:
            if chunk:
                return chunk
        return b""
