"""Uploads: files as inputs and `files.create`."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import io
import os
import pathlib
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Optional

import pytest
from conftest import TOKEN, Emulator, within

import replicant


def test_the_loop_runs_during_an_upload(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(90 * 1024 * 1024)
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url)

    async def lags(work: asyncio.Task[Any]) -> list[float]:
        found = []
        while not work.done():
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            found.append(time.perf_counter() - before)
        return sorted(found)

    async def main() -> tuple[list[float], list[float]]:
        idle = await lags(asyncio.create_task(asyncio.sleep(0.5)))
        with path.open("rb") as file:
            upload = asyncio.create_task(client.files.create(file))
            busy = await lags(upload)
        assert (await upload).size == 90 * 1024 * 1024
        return idle, busy

    def attempt() -> float:
        idle, busy = asyncio.run(main())
        # Compared with an idle loop at the same time, as the machine may be busy.
        median = busy[len(busy) // 2] - idle[len(idle) // 2]
        return max(median / 0.02, (busy[-1] - idle[-1]) / 0.1)

    within(1, attempt)


class OnlyRead:
    """A file without a name that cannot be rewound."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class AsyncRead(OnlyRead):
    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        return self._file.read(size)


CONTENT = bytes(range(256)) * 2000


def spooled() -> Any:
    file = tempfile.SpooledTemporaryFile()
    file.write(CONTENT)
    file.seek(0)
    return file


def named() -> Any:
    file = tempfile.NamedTemporaryFile(suffix=".bin")
    file.write(CONTENT)
    file.seek(0)
    return file


def on_disk() -> pathlib.Path:
    path = pathlib.Path(tempfile.mkdtemp()) / "content.bin"
    path.write_bytes(CONTENT)
    return path


FILES = {
    "bytes": lambda: CONTENT,
    "bytearray": lambda: bytearray(CONTENT),
    "memoryview": lambda: memoryview(CONTENT),
    "path": on_disk,
    "open file": lambda: on_disk().open("rb"),
    "BytesIO": lambda: io.BytesIO(CONTENT),
    "NamedTemporaryFile": named,
    "SpooledTemporaryFile": spooled,
    "only read": lambda: OnlyRead(CONTENT),
    "iterator": lambda: iter([CONTENT[:1000], CONTENT[1000:]]),
    "generator": lambda: (CONTENT[n : n + 5000] for n in range(0, len(CONTENT), 5000)),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_every_kind_are_uploaded(client: replicant.Client, kind: str) -> None:
    file = client.files.create(FILES[kind](), filename="x.bin")
    assert file.size == len(CONTENT)
    assert file.checksums["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("kind", FILES)
def test_files_of_every_kind_can_be_inputs(
    client: replicant.Client, emulator: Emulator, kind: str
) -> None:
    """Large files are uploaded, at any place in the input."""
    value = client.run("emulator/echo", {"value": {"a": [FILES[kind]()]}}, use_file_output=False)
    assert value["a"][0].startswith(f"{emulator.base_url}/files/")


async def pieces() -> Any:
    for start in range(0, len(CONTENT), 5000):
        yield CONTENT[start : start + 5000]
        # Not the end.
        yield b""


async def test_files_with_an_async_read_are_uploaded(async_client: replicant.AsyncClient) -> None:
    for content in (AsyncRead(CONTENT), pieces()):
        file = await async_client.files.create(content, filename="x")
        assert file.size == len(CONTENT)


def test_a_path_can_be_a_string(client: replicant.Client) -> None:
    assert client.files.create(str(on_disk())).name == "content.bin"
    with pytest.raises(FileNotFoundError):
        client.files.create("/does/not/exist")


def test_an_async_file_is_refused_in_a_blocking_call(client: replicant.Client) -> None:
    with pytest.raises(replicant.ReplicateException, match="`read` is async"):
        client.files.create(AsyncRead(CONTENT), filename="x")


@pytest.mark.alone
def test_a_file_that_occurs_twice_is_uploaded_once(
    client: replicant.Client, emulator: Emulator
) -> None:
    emulator.forget()
    file = io.BytesIO(CONTENT)
    value = client.run("emulator/echo", {"value": [file, file]}, use_file_output=False)
    assert value[0] == value[1]
    uploads = [r for r in emulator.requests() if r["path"] == "/v1/files"]
    assert len(uploads) == 1


def test_a_file_is_read_from_its_position_unless_at_the_end(client: replicant.Client) -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert client.files.create(file, filename="x").size == 6
    file.seek(0, 2)
    assert client.files.create(file, filename="x").size == 10


class Slow(io.BytesIO):
    """A file that other uploads find in the middle."""

    def read(self, size: Optional[int] = -1) -> bytes:
        time.sleep(0.01)
        return super().read(size)

    def tell(self) -> int:
        time.sleep(0.01)
        return super().tell()


def test_threads_upload_the_same_file(client: replicant.Client) -> None:
    content = os.urandom(600_000)
    file, sizes = Slow(content), []

    def upload() -> None:
        sizes.append(client.files.create(file, filename="x").size)

    for _ in range(3):
        file.seek(0)
        threads = [threading.Thread(target=upload, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    assert sizes == [len(content)] * 18


class SlowAsyncRead(Slow):
    async def read(self, size: Optional[int] = -1) -> bytes:  # type: ignore[override]
        await asyncio.sleep(0.01)
        return io.BytesIO.read(self, size)


async def test_uploads_that_share_a_file_with_an_async_read_send_all_of_it(
    async_client: replicant.AsyncClient,
) -> None:
    file = SlowAsyncRead(CONTENT)
    uploads = (async_client.files.create(file, filename="x") for _ in range(4))
    for uploaded in await asyncio.gather(*uploads):
        assert uploaded.checksums["sha256"] == hashlib.sha256(CONTENT).hexdigest()


async def test_uploads_that_share_a_file_send_all_of_it(
    async_client: replicant.AsyncClient, client: replicant.Client
) -> None:
    content = os.urandom(2_000_000)
    digest = hashlib.sha256(content[5:]).hexdigest()
    file = Slow(content)
    file.seek(5)
    uploads = []
    for _ in range(8):
        uploads.append(asyncio.create_task(async_client.files.create(file, filename="x")))
        await asyncio.sleep(0.02)
    assert {each.checksums["sha256"] for each in await asyncio.gather(*uploads)} == {digest}

    file.seek(0)
    digest = hashlib.sha256(content).hexdigest()
    rows = [{"value": file, "row": row} for row in range(6)]
    ids = [str(item.output).rpartition("/")[2] for item in client.map("emulator/echo", rows)]
    assert {client.files.get(each).checksums["sha256"] for each in ids} == {digest}


def test_names_and_types_of_files_are_kept(client: replicant.Client, tmp_path: Any) -> None:
    path = tmp_path / "höhe.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    for file in (path, path.open("rb")):
        uploaded = client.files.create(file)
        assert (uploaded.name, uploaded.content_type) == ("höhe.png", "image/png")


def test_the_name_of_a_file_can_be_a_path(client: replicant.Client) -> None:
    file: Any = io.BytesIO(b"hello")
    for name in (pathlib.Path("folder") / "note.txt", "folder/note.txt"):
        file.name = name
        assert client.files.create(file).name == "note.txt"
    # The number of a descriptor, as that of an open file without a path.
    file.name = 3
    assert client.files.create(file).name == "file"


def test_a_missing_file_is_an_error(client: replicant.Client) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        client.files.create(pathlib.Path("/does/not/exist"))
    assert isinstance(caught.value, replicant.ReplicateException)


def test_a_closed_file_is_refused_before_anything_is_sent(client: replicant.Client) -> None:
    with tempfile.TemporaryFile() as file:
        pass
    for closed in (file, io.BytesIO()):
        closed.close()
        with pytest.raises(ValueError, match=r"`input\.image`: the file is closed"):
            client.run("emulator/echo", {"image": closed})
        with pytest.raises(ValueError, match="the file is closed"):
            client.files.create(closed)


class Broken:
    """A file whose `read` fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int = -1) -> bytes:
        raise self.error


class BrokenAsync(Broken):
    """A file whose async `read` fails."""

    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        raise self.error


@pytest.mark.parametrize("strategy", ["upload", "base64"])
@pytest.mark.parametrize("error", [OSError("the disk is on fire"), KeyError("no such member")])
async def test_what_read_raises_is_raised(
    client: Any, async_client: Any, error: Exception, strategy: str
) -> None:
    def run(client: Any, file: Broken) -> Any:
        return client.run("emulator/echo", {"a": [1, file]}, file_encoding_strategy=strategy)

    with pytest.raises(type(error)) as raised:
        run(client, Broken(error))
    assert raised.value is error
    for file in (Broken(error), BrokenAsync(error)):
        with pytest.raises(type(error)) as raised:
            await run(async_client, file)
        assert raised.value is error


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
async def test_a_read_cannot_end_the_iterator_or_coroutine_of_its_call(
    client: Any, async_client: Any, error: type[Exception]
) -> None:
    calls: list[Any] = [
        lambda: async_client.files.create(Broken(error()), filename="x"),
        lambda: async_client.predictions.create(
            "emulator/echo", {"a": Broken(error())}, file_encoding_strategy="base64"
        ),
        lambda: async_client.run("emulator/echo", {"a": BrokenAsync(error())}),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match=error.__name__) as raised:
            await call()
        assert type(raised.value.__cause__) is error
    with pytest.raises(RuntimeError, match=error.__name__):
        list(client.stream("emulator/echo", {"a": Broken(error())}))
    with pytest.raises(RuntimeError, match=error.__name__):
        async for _ in async_client.stream("emulator/echo", {"a": Broken(error())}):
            pass


@pytest.mark.parametrize("strategy", ["upload", "base64"])
def test_a_file_with_an_invalid_read_is_an_invalid_argument(client: Any, strategy: str) -> None:
    class Number(Broken):
        def read(self, size: int = -1) -> Any:
            return 3

    for file, message in (
        (Number(OSError()), "`read`: expected bytes, not int"),
        (
            BrokenAsync(OSError()),
            "a file whose `read` is async needs an async call, such as `async_run`",
        ),
    ):
        with pytest.raises(replicant.InvalidArgumentError) as invalid:
            client.run("emulator/echo", {"a": [1, file]}, file_encoding_strategy=strategy)
        assert str(invalid.value) == f"`input.a[1]`: {message}"
    with pytest.raises(replicant.InvalidArgumentError, match="`file`: `read`: expected bytes"):
        client.files.create(Number(OSError()), filename="x")


@pytest.mark.parametrize("file", [io.BytesIO, lambda content: io.StringIO(content.decode())])
def test_a_file_at_its_end_is_rewound(client: Any, file: Any) -> None:
    written = file(b"hello")
    written.seek(0, 2)
    for _ in range(2):
        assert client.files.create(written).size == 5
        sent = client.run(
            "emulator/echo",
            {"value": written},
            file_encoding_strategy="base64",
            use_file_output=False,
        )
        assert sent.endswith(",aGVsbG8=")
    written.seek(2)
    assert client.files.create(written).size == 3
    assert client.files.create(file(b"")).size == 0


class AsyncSeek(AsyncRead):
    """As starlette's `UploadFile`, whose position cannot be asked for."""

    async def seek(self, offset: int) -> None:
        self._file.seek(offset)


class AsyncPosition(AsyncSeek):
    """As a file of aiofiles."""

    async def seekable(self) -> bool:
        return True

    async def tell(self) -> int:
        return self._file.tell()


@pytest.mark.parametrize("kind", [AsyncSeek, AsyncPosition])
@pytest.mark.filterwarnings("error::RuntimeWarning")
async def test_an_async_file_at_its_end_is_rewound(async_client: Any, kind: Any) -> None:
    file = kind(CONTENT)
    await file.read()
    for _ in range(2):
        assert (await async_client.files.create(file, filename="x")).size == len(CONTENT)
    await file.seek(len(CONTENT) - 3)
    assert (await async_client.files.create(file, filename="x")).size == 3
    assert (await async_client.files.create(kind(b""), filename="x")).size == 0
    gc.collect()


@pytest.mark.alone
async def test_a_file_that_yields_nothing_and_cannot_be_rewound_is_refused(
    async_client: Any, client: Any, emulator: Emulator
) -> None:
    read, async_read = OnlyRead(CONTENT), AsyncRead(CONTENT)
    assert client.files.create(read, filename="x").size == len(CONTENT)
    assert (await async_client.files.create(async_read, filename="x")).size == len(CONTENT)
    emulator.forget()
    message = r"`input\.value`: the file yields nothing: it is empty or was already read"
    for strategy in ("upload", "base64"):
        options = {"file_encoding_strategy": strategy}
        with pytest.raises(replicant.InvalidArgumentError, match=message):
            client.run("emulator/echo", {"value": read}, **options)
        with pytest.raises(replicant.InvalidArgumentError, match=message):
            await async_client.run("emulator/echo", {"value": async_read}, **options)
    assert not [r for r in emulator.requests() if r["path"].endswith("/predictions")]
