"""What goes in and what comes out."""

from __future__ import annotations

import collections
import contextlib
import decimal
import enum
import io
import json
import math
import pathlib
import tempfile
import types
from typing import Any

import pytest
from conftest import Emulator

import replicant

ESRGAN = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"
SURVIVORS = [
    None,
    True,
    0,
    -1,
    2**53 + 1,
    2**63,
    2**64 - 1,
    2**200,
    -(2**100),
    0.1,
    1e300,
    -0.0,
    5e-324,
    1.0,
    "",
    'é 漢 😀 \x00 \u2028 " \\ /',
    [],
    {},
    [[[]], {"": {}}],
    {"b": 1, "a": 2, "\n": [None, False]},
    [1, 1.0, "1", True],
]


@pytest.mark.parametrize("value", SURVIVORS, ids=repr)
def test_json_survives(client: replicant.Client, value: Any) -> None:
    back = client.run("emulator/echo", {"value": value})
    assert json.dumps(back) == json.dumps(value)


def test_member_order_survives(client: replicant.Client) -> None:
    input = {name: index for index, name in enumerate("zyxabc")}
    assert list(client.run("emulator/echo", {"value": input})) == list("zyxabc")


class Color(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Linked:
    __url__ = "https://example.com/x.png"


@pytest.mark.parametrize(
    ("given", "back"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ({1}, [1]),
        (frozenset({"x"}), ["x"]),
        ((n * n for n in range(3)), [0, 1, 4]),
        (iter([1, 2]), [1, 2]),
        (map(str, [1]), ["1"]),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": [1]}), {"a": [1]}),
        (collections.UserDict(a=1), {"a": 1}),
        (Linked(), "https://example.com/x.png"),
        (replicant.FileOutput("https://example.com/y"), "https://example.com/y"),
    ],
)
def test_python_values_go_in(client: replicant.Client, given: Any, back: Any) -> None:
    assert client.run("emulator/echo", {"value": given}, use_file_output=False) == back


def test_numpy_and_pil_values_go_in(client: replicant.Client, emulator: Emulator) -> None:
    numpy = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image")
    value = {
        "i": numpy.int64(3),
        "u": numpy.uint64(2**64 - 1),
        "f": numpy.float32(0.5),
        "b": numpy.bool_(True),
        "a": numpy.array([[1, 2], [3, 4]]),
        "s": numpy.str_("x"),
        "e": numpy.array([]),
    }
    back = client.run("emulator/echo", {"value": value})
    assert json.dumps(back) == json.dumps(
        {"i": 3, "u": 2**64 - 1, "f": 0.5, "b": True, "a": [[1, 2], [3, 4]], "s": "x", "e": []}
    )
    picture = image.new("RGB", (4, 4), "red")
    output = client.run(ESRGAN, {"image": picture, "scale": 2})
    again = image.open(io.BytesIO(output.read()))
    assert again.size == (8, 8)


def cyclic() -> Any:
    cycle: dict[str, Any] = {}
    cycle["a"] = [cycle]
    return cycle


def deep() -> Any:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([{"x": [object()]}], TypeError, r"`input\.value\[0\]\.x\[0\]`: object cannot be sent"),
        (cyclic(), ValueError, r"`input\.value\.a\[0\]`: circular reference"),
        (deep(), ValueError, "nested deeper than 250 levels"),
        (math.nan, ValueError, r"`input\.value`: NaN cannot be sent"),
        ([math.inf], ValueError, r"`input\.value\[0\]`: inf"),
        (
            {(1,): 2},
            TypeError,
            r"`input\.value`: keys must be strings, numbers, booleans or None, not tuple",
        ),
        ({math.nan: 2}, ValueError, r"`input\.value`: NaN cannot be sent"),
        ("\ud800", ValueError, r"`input\.value`: a string with an unpaired surrogate"),
        ({"\udfff": 1}, ValueError, "unpaired surrogate"),
        (decimal.Decimal(1), TypeError, r"`input\.value`: decimal\.Decimal cannot be sent"),
        (print, TypeError, r"input\.value"),
        (dict, TypeError, r"`input\.value`: type"),
        (pathlib.Path, TypeError, r"input\.value"),
        (1j, TypeError, r"`input\.value`: complex"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_sent_is_named(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        replicant.Client("x", base_url="http://127.0.0.1:9").run("a/b", {"value": value})


class OnlyRead:
    """Neither a name nor a way back."""

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
def test_files_go_up(client: replicant.Client, kind: str) -> None:
    import hashlib

    file = client.files.create(FILES[kind](), filename="x.bin")
    assert file.size == len(CONTENT)
    assert file.checksums["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("kind", FILES)
def test_files_go_into_inputs(client: replicant.Client, emulator: Emulator, kind: str) -> None:
    """Large ones are uploaded, wherever they are in the input."""
    value = client.run("emulator/echo", {"value": {"a": [FILES[kind]()]}}, use_file_output=False)
    assert value["a"][0].startswith(f"{emulator.base_url}/files/")


async def pieces() -> Any:
    for start in range(0, len(CONTENT), 5000):
        yield CONTENT[start : start + 5000]


async def test_files_that_are_read_with_await(async_client: replicant.AsyncClient) -> None:
    for content in (AsyncRead(CONTENT), pieces()):
        file = await async_client.files.create(content, filename="x")
        assert file.size == len(CONTENT)


def test_a_path_as_text(client: replicant.Client) -> None:
    assert client.files.create(str(on_disk())).name == "content.bin"
    with pytest.raises(FileNotFoundError):
        client.files.create("/does/not/exist")


def test_a_file_that_needs_await_is_refused_without(client: replicant.Client) -> None:
    with pytest.raises(replicant.ReplicateException, match="`read` is async"):
        client.files.create(AsyncRead(CONTENT), filename="x")


def test_garbage_never_ends_the_process(client: replicant.Client) -> None:
    import random

    chance = random.Random(7)
    odd: list[Any] = [
        None,
        -1,
        2**70,
        "",
        "\ud800",
        b"",
        math.nan,
        object(),
        type,
        [],
        {},
        {"a": {}},
        (1,),
        {1},
        print,
    ]
    names = [*replicant._native.OPERATIONS, *replicant._native.COMPUTATIONS, "", "nope"]
    keys = [
        "id",
        "ref",
        "input",
        "url",
        "path",
        "owner",
        "name",
        "cursor",
        "headers",
        "body",
        "logs",
        "request_options",
    ]
    native = replicant.Client("t", base_url="http://127.0.0.1:9", max_retries=0)._native
    for _ in range(1500):
        params = {key: chance.choice(odd) for key in chance.sample(keys, 3)}
        name = chance.choice(names)
        with contextlib.suppress(replicant.ReplicateException, TypeError, ValueError):
            if chance.random() < 0.3:
                replicant._native.compute(name, params)
            elif chance.random() < 0.3:
                next(replicant._native.Stream(native, name, params), None)
            else:
                native.call(name, params)


def test_the_same_file_twice_is_uploaded_once(client: replicant.Client, emulator: Emulator) -> None:
    emulator.forget()
    file = io.BytesIO(CONTENT)
    value = client.run("emulator/echo", {"value": [file, file]}, use_file_output=False)
    assert value[0] == value[1]
    uploads = [r for r in emulator.requests() if r["path"] == "/v1/files"]
    assert len(uploads) == 1


def test_a_file_is_read_from_where_it_stands_but_not_from_its_end(client: replicant.Client) -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert client.files.create(file, filename="x").size == 6
    file.seek(0, 2)
    assert client.files.create(file, filename="x").size == 10


def test_names_and_types_of_files_are_kept(client: replicant.Client, tmp_path: Any) -> None:
    path = tmp_path / "höhe.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    for file in (path, path.open("rb")):
        uploaded = client.files.create(file)
        assert (uploaded.name, uploaded.content_type) == ("höhe.png", "image/png")


def test_a_missing_file_is_an_error(client: replicant.Client) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        client.files.create(pathlib.Path("/does/not/exist"))
    assert isinstance(caught.value, replicant.ReplicateException)


def test_a_file_that_fails_to_read_is_an_error(client: replicant.Client) -> None:
    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise OSError("the disk is on fire")

    with pytest.raises(replicant.ReplicateException, match="the disk is on fire"):
        client.files.create(Broken(), filename="x")
    with pytest.raises(replicant.ReplicateException, match="bytes"):
        client.files.create(type("Odd", (), {"read": lambda self, n: 3})(), filename="x")


def test_outputs_can_be_read_again_saved_and_shown(client: replicant.Client, tmp_path: Any) -> None:
    output = client.run(
        "black-forest-labs/flux-schnell", {"prompt": "a heron", "megapixels": "0.25"}
    )
    file = output[0]
    assert repr(file) == f"FileOutput({file.url!r})"
    assert str(file) == file.url == f"{file}"
    content = file.read()
    assert content == file.read() == b"".join(file)
    with pytest.raises(TypeError, match="save"):
        open(file)
    saved = file.save(tmp_path / "x.webp")
    assert saved == str(tmp_path / "x.webp")
    with open(file, "rb") as opened:
        assert opened.read() == content
    assert json.dumps(output, default=str) == json.dumps([file.url])


async def test_outputs_can_be_awaited(async_client: replicant.AsyncClient, tmp_path: Any) -> None:
    output = await async_client.run(
        "black-forest-labs/flux-schnell", {"prompt": "a heron", "megapixels": "0.25"}
    )
    content = await output[0].aread()
    assert content == b"".join([chunk async for chunk in output[0]])
    assert pathlib.Path(await output[0].asave(tmp_path / "x")).read_bytes() == content
    assert (await output[0].ahead()).size == len(content)


def test_an_output_that_is_gone_is_an_error(client: replicant.Client, emulator: Emulator) -> None:
    file = replicant.FileOutput(f"{emulator.origin}/files/nothing/here.png", client)
    with pytest.raises(replicant.OutputExpiredError, match="hour"):
        file.read()
    assert replicant.FileOutput("data:text/plain;base64,aGk=").read() == b"hi"
