"""Downloads: reading and saving file outputs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import csv
import io
import json
import os
import pathlib
import random
import shutil
import socket
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from conftest import TOKEN, Emulator, python
from listener import Listener

import replicant
from replicant._contents import Contents


def test_outputs_can_be_read_again_saved_and_shown(client: replicant.Client, tmp_path: Any) -> None:
    output = client.run(
        "black-forest-labs/flux-schnell", {"prompt": "a heron", "megapixels": "0.25"}
    )
    file = output[0]
    assert repr(file) == f"FileOutput({file.url!r})"
    assert str(file) == file.url == f"{file}"
    content = file.read()
    assert content == file.read() == b"".join(file)
    saved = file.save(tmp_path / "x.webp")
    assert saved == str(tmp_path / "x.webp")
    with open(saved, "rb") as opened:
        assert opened.read() == content
    assert json.dumps(output, default=str) == json.dumps([file.url])


async def test_an_output_can_be_read_and_saved_with_await(
    async_client: replicant.AsyncClient, tmp_path: Any
) -> None:
    output = await async_client.run(
        "black-forest-labs/flux-schnell", {"prompt": "a heron", "megapixels": "0.25"}
    )
    content = await output[0].aread()
    assert content == b"".join([chunk async for chunk in output[0]])
    assert pathlib.Path(await output[0].asave(tmp_path / "x")).read_bytes() == content
    assert (await output[0].ahead()).size == len(content)


def test_an_expired_output_is_an_error(client: replicant.Client, emulator: Emulator) -> None:
    file = replicant.FileOutput(f"{emulator.origin}/files/nothing/here.png", client)
    with pytest.raises(replicant.OutputExpiredError, match="hour"):
        file.read()
    assert replicant.FileOutput("data:text/plain;base64,aGk=").read() == b"hi"


def test_a_file_output_can_be_a_test_double() -> None:
    output: Any = replicant.FileOutput("https://example.com/a.png")
    output.read = lambda: b"bytes"
    assert output.read() == b"bytes"
    bare: Any = replicant.FileOutput.__new__(replicant.FileOutput)
    bare.url = "https://example.com/b.png"
    assert repr(bare) == "FileOutput('https://example.com/b.png')"


PAINTER = "black-forest-labs/flux-schnell"


UPSCALE = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"


HERON = {"prompt": "a heron", "megapixels": "0.25", "seed": 3}


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("noise.bin", random.Random(1).randbytes(400_000))
        written.writestr("deep/hello.txt", "hello")
    return file.getvalue()


TABLE = "name,count\nheron,3\nlå,4\n"


FILES = {
    "/table.csv": TABLE.encode(),
    "/archive.zip": archive(),
    "/large.bin": random.Random(2).randbytes(3_000_000),
    "/empty": b"",
}


class Host:
    """A file server with support for ranges, without it, or without sizes, too."""

    def __init__(self, *, ranges: bool, lengths: bool) -> None:
        self.asked: list[str] = []
        self.sent = 0
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if lengths else "HTTP/1.0"

            def do_GET(self) -> None:
                wanted = self.headers.get("range")
                host.asked.append(wanted or "all")
                content = FILES[self.path]
                start = int(wanted[len("bytes=") : -1]) if wanted and ranges else 0
                self.send_response(206 if start else 200)
                if start:
                    self.send_header(
                        "content-range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                    )
                if lengths:
                    self.send_header("content-length", str(len(content) - start))
                self.end_headers()
                try:
                    for place in range(start, len(content), 65536):
                        piece = content[place : place + 65536]
                        self.wfile.write(piece)
                        host.sent += len(piece)
                except ConnectionError:
                    pass

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def file(self, name: str) -> replicant.FileOutput:
        return replicant.FileOutput(f"{self.url}/{name}", replicant.Client("x"))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(params=["ranges", "no ranges", "no lengths"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    host = Host(ranges=request.param == "ranges", lengths=request.param != "no lengths")
    yield host
    host.close()


def test_opening_sends_no_request_and_reading_returns_everything(host: Host) -> None:
    file = host.file("large.bin").open()
    assert not host.asked
    assert isinstance(file, io.BufferedReader)
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    assert (file.name, file.mode) == ("large.bin", "rb")
    assert file.read() == FILES["/large.bin"]
    assert file.read() == b""
    assert file.tell() == len(FILES["/large.bin"])
    assert host.file("empty").open().read() == b""
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_seeking_and_reading_match_a_file_on_disk(host: Host) -> None:
    content = FILES["/large.bin"]
    file, disk = host.file("large.bin").open(), io.BytesIO(content)
    chance = random.Random(5)
    for _ in range(40):
        whence = chance.choice([0, 0, 1, 2])
        offset = {
            0: chance.randrange(len(content) + 100),
            1: chance.randrange(-1000, 100_000),
            2: -chance.randrange(len(content)),
        }[whence]
        if disk.tell() + offset < 0 and whence == 1:
            continue
        assert file.seek(offset, whence) == disk.seek(offset, whence)
        size = chance.choice([0, 1, 10, 5_000, 100_000])
        assert file.read(size) == disk.read(size)
        assert file.tell() == disk.tell()
    with pytest.raises(ValueError, match="before the beginning"):
        file.seek(-1)


def test_seeking_one_byte_beyond_what_has_arrived_skips_nothing(host: Host) -> None:
    with Contents(host.file("large.bin")) as file:
        file.read(1)
        at = file.seek(len(file._rest) + 1, io.SEEK_CUR)
        assert file.read(10) == FILES["/large.bin"][at : at + 10]


def test_an_archive_can_be_read(host: Host) -> None:
    with zipfile.ZipFile(host.file("archive.zip").open()) as opened:
        assert opened.namelist() == ["noise.bin", "deep/hello.txt"]
        assert opened.read("deep/hello.txt") == b"hello"
        assert opened.testzip() is None


def test_reading_a_part_downloads_only_that_part() -> None:
    host = Host(ranges=True, lengths=True)
    file = host.file("large.bin").open()
    file.seek(-10, os.SEEK_END)
    assert file.read() == FILES["/large.bin"][-10:]
    assert host.asked[-1] == f"bytes={len(FILES['/large.bin']) - 10}-"
    host.close()


def test_tables_can_be_read(host: Host) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(host.file("table.csv").open())
    assert list(table["count"]) == [3, 4]
    text = io.TextIOWrapper(host.file("table.csv").open(), encoding="utf-8")
    assert list(csv.reader(text)) == [["name", "count"], ["heron", "3"], ["lå", "4"]]
    assert [line.decode() for line in host.file("table.csv").open()] == TABLE.splitlines(True)


def test_an_output_can_be_copied_to_a_file(host: Host, tmp_path: pathlib.Path) -> None:
    with (
        host.file("large.bin").open() as source,
        open(tmp_path / "copy", "wb") as target,
    ):
        shutil.copyfileobj(source, target)
    assert (tmp_path / "copy").read_bytes() == FILES["/large.bin"]


def test_images_can_be_read(client: replicant.Client) -> None:
    image = pytest.importorskip("PIL.Image")
    numpy = pytest.importorskip("numpy")
    output = client.run(PAINTER, HERON)[0]
    # The file itself as in the README of 1.x: Pillow tries to open what claims to be a path.
    for given in (output, output.open()):
        picture = image.open(given)
        assert (picture.format, picture.size) == ("WEBP", (512, 512))
        assert numpy.asarray(picture).shape == (512, 512, 3)
    assert not isinstance(output, os.PathLike)


def test_an_output_can_be_an_input(client: replicant.Client) -> None:
    image = pytest.importorskip("PIL.Image")
    output = client.run(PAINTER, HERON)[0]
    for given in (output, output.open()):
        larger = client.run(UPSCALE, {"image": given, "scale": 2})
        assert image.open(larger.open()).size == (1024, 1024)


async def test_save_all_saves_every_file(
    client: replicant.Client, async_client: replicant.AsyncClient, tmp_path: pathlib.Path
) -> None:
    output = client.run(PAINTER, {**HERON, "num_outputs": 2})
    shown: list[tuple[int, int | None]] = []
    for number, save in enumerate((client.save_all, client.async_save_all, async_client.save_all)):
        folder = tmp_path / f"{number}" / "new"
        outputs = {"pictures": output, "text": "none"}
        saved = save(outputs, folder, progress=shown.append)
        paths = saved if isinstance(saved, list) else await saved
        assert paths == [str(folder / name) for name in ("out-0.webp", "out-1.webp")]
        assert [pathlib.Path(path).read_bytes() for path in paths] == [f.read() for f in output]
        assert shown[-1][0] == sum(len(file.read()) for file in output)
    gone = replicant.FileOutput(output[0].url + "x", client)
    with pytest.raises(replicant.OutputExpiredError) as caught:
        client.save_all([output[0], gone], tmp_path / "part")
    assert [pathlib.Path(path).name for path in os.listdir(tmp_path / "part")] == ["out-0.webp"]
    assert str(tmp_path / "part" / "out-0.webp") in caught.value.partial


async def test_save_all_saves_the_output_of_a_prediction(
    client: replicant.Client, async_client: replicant.AsyncClient, tmp_path: pathlib.Path
) -> None:
    # The file in the input is not saved.
    picture = "data:image/png;base64,eA=="
    made = client.predictions.create(
        model=PAINTER, input={**HERON, "num_outputs": 2, "image": picture}, wait=True
    )
    made.wait()
    awaited = await async_client.predictions.get(made.id)
    names = ["out-0.webp", "out-1.webp"]
    for number, (save, outputs) in enumerate(
        [
            (client.save_all, made),
            (client.async_save_all, made),
            (async_client.save_all, awaited),
            (client.save_all, {"first": [made]}),
            (client.save_all, (made,)),
            (client.save_all, replicant.pagination.Page(results=[made])),
            # As a webhook or a test builds it, without URLs of the API.
            (client.save_all, replicant.Prediction(id="p", input=made.input, output=made.output)),
        ]
    ):
        folder = tmp_path / f"{number}"
        saved = save(outputs, folder)
        paths = saved if isinstance(saved, list) else await saved
        assert paths == [str(folder / name) for name in names], number


async def test_save_all_waits_for_an_output_that_is_being_written(
    client: replicant.Client, async_client: replicant.AsyncClient, tmp_path: pathlib.Path
) -> None:
    ref = "emulator/stream:0ec4000000000000000000000000000000000000000000000000000000000005"
    given = {"chunks": ["data:text/plain,a", "text", "data:text/plain,b"]}
    for number in range(2):
        folder = tmp_path / f"{number}"
        if number == 0:
            paths = client.save_all(client.run(ref, given), folder)
        else:
            paths = await async_client.save_all([await async_client.run(ref, given)], folder)
        assert [pathlib.Path(path).read_text() for path in paths] == ["a", "b"]
    begun = client.run(ref, given)
    assert next(begun).url == given["chunks"][0]
    assert len(client.save_all([begun], tmp_path / "begun")) == 2, "from the first item on"


async def test_save_all_waits_for_a_running_prediction(
    client: replicant.Client, async_client: replicant.AsyncClient, tmp_path: pathlib.Path
) -> None:
    chunks = {"chunks": ["data:text/plain,a", "data:text/plain,b"], "pause": 0.1}

    def start(model: str = "emulator/stream", **input: Any) -> Any:
        return client.predictions.create(model=model, input={**chunks, **input}, wait=False)

    async def astart() -> Any:
        return await async_client.predictions.create(
            model="emulator/stream", input=chunks, wait=False
        )

    for number, (save, made) in enumerate(
        [
            (client.save_all, start()),
            (client.async_save_all, start()),
            (async_client.save_all, await astart()),
            (async_client.save_all, start()),
        ]
    ):
        assert made.status == "starting"
        saved = save(({"first": [made, (made,)]},), tmp_path / f"{number}")
        paths = saved if isinstance(saved, list) else await saved
        assert [pathlib.Path(path).read_text() for path in paths] == ["a", "b"] * 2, number
        assert made.status == "succeeded"
    with pytest.raises(replicant.ModelError):
        client.save_all(start("emulator/fails"), tmp_path / "failed")
    with pytest.raises(replicant.ModelError):
        await async_client.save_all([start("emulator/fails")], tmp_path / "failed")
    training = replicant.Training(id="t", status="processing", output=None)
    assert client.save_all(training, tmp_path) == [], "it is not waited for"


async def test_save_all_accepts_an_output_without_files(
    client: replicant.Client, async_client: replicant.AsyncClient, tmp_path: pathlib.Path
) -> None:
    without = replicant.Prediction(id="p", status="succeeded", output=None)
    # It is not waited for.
    training = replicant.Training(id="t", status="processing", output=None)
    for outputs in (None, "text", without, training):
        assert client.save_all(outputs, tmp_path) == []
        assert await async_client.save_all(outputs, tmp_path) == []


async def test_save_all_waits_for_a_prediction_with_a_status_that_is_new(
    emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    ended = {"id": "p1", "status": "succeeded", "output": "data:text/plain,a"}
    for number, kind in enumerate((replicant.Client, replicant.AsyncClient)):
        replay = emulator.replay({"expect": {"method": "GET"}, "reply": {"json": ended}})
        client = kind(TOKEN, base_url=replay.base_url)
        made = client._prediction({"id": "p1", "status": "paused", "output": None})
        saved = client.save_all(made, tmp_path / f"{number}")
        (path,) = saved if isinstance(saved, list) else await saved
        assert pathlib.Path(path).read_text() == "a"
        replay.check()


def test_a_data_url_is_a_file() -> None:
    url = "data:text/plain;base64," + base64.b64encode(b"0123456789").decode()
    file = replicant.FileOutput(url, replicant.Client("x")).open()
    file.seek(-3, 2)
    assert file.read() == b"789"
    file.seek(2)
    assert file.read(3) == b"234"


def test_an_expired_file_raises_with_advice(client: replicant.Client, emulator: Emulator) -> None:
    file = replicant.FileOutput(f"{emulator.origin}/files/nothing/here.png", client).open()
    with pytest.raises(replicant.OutputExpiredError, match="hour"):
        file.read(1)


def into(file: io.BufferedReader) -> bytes:
    buffer = bytearray(1500)
    return bytes(buffer[: file.readinto(buffer)])


@pytest.mark.parametrize("begun", [0, 1000])
@pytest.mark.parametrize(
    "read",
    [lambda file: file.read(), lambda file: file.read(200_000), into, lambda file: next(file, b"")],
    ids=["read", "a part", "readinto", "a line"],
)
def test_a_read_that_has_failed_can_be_repeated(read: Any, begun: int) -> None:
    content = FILES["/large.bin"]
    breaks = True

    def serve(connection: socket.socket) -> None:
        nonlocal breaks
        request = connection.makefile("rb")
        start = 0
        while (line := request.readline().lower().strip()) != b"":
            if line.startswith(b"range: bytes="):
                start = int(line[len(b"range: bytes=") : -1])
        size = len(content)
        head = f"content-range: bytes {start}-{size - 1}/{size}\r\ncontent-length: {size - start}"
        if breaks and start:
            connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        connection.sendall(f"HTTP/1.1 {206 if start else 200} OK\r\n{head}\r\n\r\n".encode())
        connection.sendall(content[start : 300_000 if breaks else size])

    with Listener(serve) as listener:
        url = f"http://127.0.0.1:{listener.port}/large.bin"
        file = replicant.FileOutput(url, replicant.Client("x")).open()
        read_so_far = file.read(begun)
        with pytest.raises(replicant.DownloadError):
            while True:
                read_so_far += read(file)
        assert file.tell() == len(read_so_far)
        breaks = False
        while piece := read(file):
            read_so_far += piece
        assert read_so_far == content


def test_chunks_have_a_moderate_size(host: Host) -> None:
    sizes = [len(chunk) for chunk in host.file("large.bin")]
    assert sum(sizes) == 3_000_000
    assert len(sizes) > 2
    assert sum(sizes) / len(sizes) > 4_000


class Stalled:
    """A file server that sends the beginning of a file, and then waits until the client closes the connection."""

    def __init__(self) -> None:
        self.closed = threading.Semaphore(0)
        stalled = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", "1000000")
                self.end_headers()
                self.wfile.write(b"beginning")
                with contextlib.suppress(ConnectionError):
                    self.rfile.read(1)
                stalled.closed.release()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}/a.bin"
        self.file = replicant.FileOutput(url, replicant.Client("x"))


@pytest.fixture
def stalled() -> Iterator[Stalled]:
    stalled = Stalled()
    yield stalled
    stalled.server.shutdown()
    stalled.server.server_close()


def test_closing_a_file_ends_its_iterations(stalled: Stalled) -> None:
    first, second = iter(stalled.file), iter(stalled.file)
    assert next(first) == next(second) == b"beginning"
    stalled.file.close()
    assert stalled.closed.acquire(timeout=60)
    assert stalled.closed.acquire(timeout=60)
    assert list(first) == list(second) == []
    stalled.file.close()
    with contextlib.closing(stalled.file) as file:
        assert next(iter(file)) == b"beginning"


async def test_an_awaited_close_ends_the_iterations_of_a_file(stalled: Stalled) -> None:
    chunks = stalled.file.__aiter__()
    assert await chunks.__anext__() == b"beginning"
    await stalled.file.aclose()
    assert await asyncio.to_thread(stalled.closed.acquire, timeout=60)
    assert [chunk async for chunk in chunks] == []
    if sys.version_info < (3, 10):
        return
    async with contextlib.aclosing(stalled.file) as file:
        chunks = file.__aiter__()
        assert await chunks.__anext__() == b"beginning"
    assert await asyncio.to_thread(stalled.closed.acquire, timeout=60)


def test_closing_an_open_file_frees_its_connection(stalled: Stalled) -> None:
    file = stalled.file.open()
    assert file.read(9) == b"beginning"
    file.close()
    assert stalled.closed.acquire(timeout=60)
    with pytest.raises(ValueError):
        file.read()


def test_dropping_an_iteration_frees_its_connection(stalled: Stalled) -> None:
    for _ in stalled.file:
        break
    assert stalled.closed.acquire(timeout=60)


async def test_a_closed_file_can_be_read(host: Host) -> None:
    file = host.file("table.csv")
    file.close()
    await file.aclose()
    opened = file.open()
    assert opened.read(4) == b"name"
    file.close()
    assert opened.read() == FILES["/table.csv"][4:]
    assert file.read() == b"".join(file) == FILES["/table.csv"]
    data = replicant.FileOutput("data:text/plain,x")
    data.close()
    assert data.read() == b"x"


FULL_DISK = """
import pathlib, resource, signal, sys, replicant
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
target = pathlib.Path(sys.argv[2]) / "large.bin"
target.write_bytes(b"old")
try:
    replicant.FileOutput(sys.argv[1], replicant.Client("x")).save(target)
except OSError as error:
    print(type(error).__name__, error.code, target.name in str(error))
print(target.read_bytes(), len(list(target.parent.iterdir())))
"""


def test_a_full_disk_is_an_os_error_and_keeps_the_old_file(
    host: Host, tmp_path: pathlib.Path
) -> None:
    done = python(FULL_DISK, host.url + "/large.bin", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["FileNotWrittenError file_not_written True", "b'old' 1"]


def test_files_are_saved_in_the_folder_where_the_save_began(
    client: replicant.Client, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, other = tmp_path / "start", tmp_path / "other"
    start.mkdir()
    other.mkdir()
    monkeypatch.chdir(start)
    files = client.run("black-forest-labs/flux-schnell", {"prompt": "a heron", "num_outputs": 3})

    def leave(_: Any) -> None:
        os.chdir(other)

    assert files[0].save("x.webp", progress=leave) == "x.webp"
    os.chdir(start)
    saved = replicant.save_all(files, "all", concurrency=1, progress=leave)
    assert all(path.startswith(f"all{os.sep}") for path in saved)
    os.chdir(start)
    assert all(os.path.exists(path) for path in [*saved, "x.webp"])
    assert sorted(os.listdir(start)) == ["all", "x.webp"]
    assert os.listdir(other) == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="macOS and Windows have only names that are text"
)
async def test_a_file_can_be_saved_under_a_name_that_is_not_text(tmp_path: pathlib.Path) -> None:
    file = replicant.helpers.FileOutput("data:,hi")
    for path in (f"{tmp_path}/\udcff", os.fsencode(tmp_path) + b"/\xfe"):
        assert file.save(path) == os.fsdecode(path)
        with open(path, "rb") as saved:
            assert saved.read() == b"hi"
        os.remove(path)
        assert await file.asave(path) == os.fsdecode(path)
        assert os.path.exists(path)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a/b%20c.png?sig=1", "b c.png"),
        ("https://h/..%5C..%5Cx", "_.._x"),
        ("https://h/C:%5Cx", "C__x"),
        ("https://h/%2e%2e", "file"),
        (f"https://h/{'a' * 300}.png", f"{'a' * 116}.png"),
        ("data:image/png;base64,AA==", "file.png"),
    ],
)
def test_the_name_of_a_file_is_safe(url: str, name: str) -> None:
    file = replicant.helpers.FileOutput(url)
    assert file._name == name
    with file.open() as opened:
        assert opened.name == name
