"""Files that models wrote, read by what people read files with."""

from __future__ import annotations

import base64
import csv
import io
import os
import pathlib
import pickle
import random
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import Emulator, python

import replicant

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
    """A host of files that knows ranges, or one that does not, or does not even tell sizes."""

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


def test_opening_sends_nothing_and_reading_is_whole(host: Host) -> None:
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


def test_seeking_and_reading_is_as_in_a_file_on_the_disk(host: Host) -> None:
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


def test_an_archive_is_read(host: Host) -> None:
    with zipfile.ZipFile(host.file("archive.zip").open()) as opened:
        assert opened.namelist() == ["noise.bin", "deep/hello.txt"]
        assert opened.read("deep/hello.txt") == b"hello"
        assert opened.testzip() is None


def test_a_part_of_a_large_file_is_all_that_is_fetched() -> None:
    host = Host(ranges=True, lengths=True)
    file = host.file("large.bin").open()
    file.seek(-10, os.SEEK_END)
    assert file.read() == FILES["/large.bin"][-10:]
    assert host.asked[-1] == f"bytes={len(FILES['/large.bin']) - 10}-"
    host.close()


def test_tables_are_read(host: Host) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(host.file("table.csv").open())
    assert list(table["count"]) == [3, 4]
    text = io.TextIOWrapper(host.file("table.csv").open(), encoding="utf-8")
    assert list(csv.reader(text)) == [["name", "count"], ["heron", "3"], ["lå", "4"]]
    assert [line.decode() for line in host.file("table.csv").open()] == TABLE.splitlines(True)


def test_copying(host: Host, tmp_path: pathlib.Path) -> None:
    with (
        host.file("large.bin").open() as source,
        open(tmp_path / "copy", "wb") as target,
    ):
        shutil.copyfileobj(source, target)
    assert (tmp_path / "copy").read_bytes() == FILES["/large.bin"]


def test_pictures_and_arrays(client: replicant.Client) -> None:
    image = pytest.importorskip("PIL.Image")
    numpy = pytest.importorskip("numpy")
    output = client.run(PAINTER, HERON)[0]
    picture = image.open(output.open())
    assert (picture.format, picture.size) == ("WEBP", (512, 512))
    assert numpy.asarray(picture).shape == (512, 512, 3)


def test_an_output_is_an_input(client: replicant.Client) -> None:
    image = pytest.importorskip("PIL.Image")
    output = client.run(PAINTER, HERON)[0]
    for given in (output, output.open()):
        larger = client.run(UPSCALE, {"image": given, "scale": 2})
        assert image.open(larger.open()).size == (1024, 1024)


async def test_saving_all(
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
        assert [pathlib.Path(file).read_bytes() for file in output] == [f.read() for f in output]
        assert [os.fspath(file) for file in output] == paths
        assert shown[-1][0] == sum(len(file.read()) for file in output)
    gone = replicant.FileOutput(output[0].url + "x", client)
    with pytest.raises(replicant.OutputExpiredError) as caught:
        client.save_all([output[0], gone], tmp_path / "part")
    assert [pathlib.Path(path).name for path in os.listdir(tmp_path / "part")] == ["out-0.webp"]
    assert str(tmp_path / "part" / "out-0.webp") in caught.value.partial


def test_a_data_url_is_a_file_as_well() -> None:
    url = "data:text/plain;base64," + base64.b64encode(b"0123456789").decode()
    file = replicant.FileOutput(url, replicant.Client("x")).open()
    file.seek(-3, 2)
    assert file.read() == b"789"
    file.seek(2)
    assert file.read(3) == b"234"


def test_a_file_that_is_gone_says_so(client: replicant.Client, emulator: Emulator) -> None:
    file = replicant.FileOutput(f"{emulator.origin}/files/nothing/here.png", client).open()
    with pytest.raises(replicant.OutputExpiredError, match="hour"):
        file.read(1)


def test_what_is_known_is_shown_without_a_request(
    client: replicant.Client, emulator: Emulator
) -> None:
    output = client.run(PAINTER, HERON)[0]
    emulator.forget()
    assert repr(output) == f"FileOutput({output.url!r})"
    assert not emulator.requests()
    size = len(output.read())
    told = f"FileOutput({output.url!r}, image/webp, {size:,} bytes)"
    assert repr(output) == told
    again = pickle.loads(pickle.dumps(output))
    assert (again, again.url) == (output, output.url)
    again._client = client
    again.head()
    assert repr(again) == told


def test_chunks_are_neither_crumbs_nor_the_whole(host: Host) -> None:
    sizes = [len(chunk) for chunk in host.file("large.bin")]
    assert sum(sizes) == 3_000_000
    assert len(sizes) > 2
    assert sum(sizes) / len(sizes) > 4_000


# What a notebook shows.


def test_what_a_notebook_shows(client: replicant.Client) -> None:
    output = client.run(PAINTER, HERON)[0]
    shown = output._repr_mimebundle_()
    content = base64.b64encode(output.read()).decode()
    assert shown["text/html"] == f'<img src="data:image/webp;base64,{content}">'
    assert shown["text/plain"] == repr(output)
    png = client.run(PAINTER, {**HERON, "output_format": "png"})[0]
    assert set(png._repr_mimebundle_()) == {"text/plain", "image/png"}


def test_media_of_each_kind() -> None:
    def shown(kind: str) -> dict[str, str]:
        return replicant.FileOutput(f"data:{kind};base64,aGk=")._repr_mimebundle_()

    assert shown("audio/wav")["text/html"] == (
        '<audio controls src="data:audio/wav;base64,aGk="></audio>'
    )
    assert shown("video/mp4")["text/html"].startswith("<video controls")
    assert shown("image/svg+xml")["text/html"].startswith("<img")
    assert shown("image/jpeg")["image/jpeg"] == "aGk="
    assert set(shown("text/html")) == {"text/plain"}
    evil = shown('image/"><script>alert(1)</script>')
    assert "<script" not in evil.get("text/html", "")


def test_what_is_too_large_or_gone_is_a_link(
    client: replicant.Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from replicant import _notebook

    output = client.run(PAINTER, HERON)[0]
    monkeypatch.setattr(_notebook, "_LIMIT", 1000)
    emulator.forget()
    shown = output._repr_mimebundle_()["text/html"]
    assert shown.startswith(f'<a href="{output.url}"')
    assert len(emulator.requests()) == 1
    gone = replicant.FileOutput(f"{emulator.origin}/files/x/<b>.png?a&b", client)
    shown = gone._repr_mimebundle_()["text/html"]
    assert "<b>" not in shown
    assert "?a&amp;b" in shown
    assert "hour" in shown
    assert (
        "text/html" not in replicant.FileOutput("javascript:alert(1)", client)._repr_mimebundle_()
    )


NOTEBOOK = """
import replicant
client = replicant.Client(base_url="BASE")
pictures = client.run("black-forest-labs/flux-schnell", {"prompt": "a heron", "megapixels": "0.25"})
pictures[0]
"""


def test_in_a_real_notebook(emulator: Emulator) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cell = nbformat.v4.new_code_cell(NOTEBOOK.replace("BASE", emulator.base_url))
    awaited = nbformat.v4.new_code_cell(
        "picture = (await client.async_run('black-forest-labs/flux-schnell',"
        " {'prompt': 'x', 'megapixels': '0.25', 'output_format': 'png'}))[0]\npicture"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell, awaited])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    nbformat.validate(notebook)
    (shown,) = cell.outputs
    assert shown["data"]["text/html"].startswith('<img src="data:image/webp;base64,UklGR')
    (shown,) = awaited.outputs
    assert base64.b64decode(shown["data"]["image/png"]).startswith(b"\x89PNG")


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


def test_a_full_disk_is_an_error_of_the_system_and_the_old_file_stays(
    host: Host, tmp_path: pathlib.Path
) -> None:
    done = python(FULL_DISK, host.url + "/large.bin", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["FileNotWrittenError file_not_written True", "b'old' 1"]
