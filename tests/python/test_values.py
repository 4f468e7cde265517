"""Values that cross between Python and the core."""

from __future__ import annotations

import collections
import contextlib
import decimal
import enum
import io
import json
import math
import pathlib
import pickle
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
def test_json_values_are_unchanged(client: replicant.Client, value: Any) -> None:
    back = client.run("emulator/echo", {"value": value})
    assert json.dumps(back) == json.dumps(value)


def test_the_order_of_members_is_kept(client: replicant.Client) -> None:
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
def test_python_values_are_converted(client: replicant.Client, given: Any, back: Any) -> None:
    assert client.run("emulator/echo", {"value": given}, use_file_output=False) == back


def test_numpy_and_pil_values_are_converted(client: replicant.Client, emulator: Emulator) -> None:
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
def test_a_value_that_cannot_be_sent_is_named(
    value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        replicant.Client("x", base_url="http://127.0.0.1:9").run("a/b", {"value": value})
    assert isinstance(raised.value, replicant.InvalidArgumentError)
    assert raised.value.code == "invalid_argument"
    assert str(raised.value).startswith(f"`{raised.value.argument}`: ")
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again)) == (type(raised.value), str(raised.value))


def test_invalid_values_never_crash_the_process(client: replicant.Client) -> None:
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


DEEP = 3000
# What the text of a response contains, and what `json.loads` reads.
PYTHON_ONLY = {
    r'"\ud83d"': "\ud83d",
    r'["a\udc00\n", "\\ud83d"]': ["a\udc00\n", "\\ud83d"],
    r'{"\ud800": 1, "b": {}}': {"\ud800": 1, "b": {}},
    "[1e400, -1e400, 1e-400]": [math.inf, -math.inf, 0.0],
    "[ 123456789012345678901234567890 , -0, [], true ]": [
        123456789012345678901234567890,
        0,
        [],
        True,
    ],
}


@pytest.mark.parametrize("text", PYTHON_ONLY)
@pytest.mark.parametrize("call", ["get", "run"])
def test_json_that_only_python_can_express_is_delivered(
    emulator: Emulator, text: str, call: str
) -> None:
    body = f'{{"id": "p1", "status": "succeeded", "output": {text}}}'
    replay = emulator.replay({"expect": {}, "reply": {"status": 201, "text": body}})
    client = replicant.Client("x", base_url=replay.base_url)
    got = client.run("acme/text", {}) if call == "run" else client.predictions.get("p1").output
    assert got == PYTHON_ONLY[text] == json.loads(text)
    assert [type(item) for item in got] == [type(item) for item in PYTHON_ONLY[text]]


@pytest.mark.parametrize("call", ["get", "run"])
def test_an_integer_with_more_digits_than_python_converts_is_infinite(
    emulator: Emulator, call: str
) -> None:
    body = f'{{"id": "p1", "status": "succeeded", "output": [-{"9" * 5000}, 1]}}'
    replay = emulator.replay({"expect": {}, "reply": {"status": 201, "text": body}})
    client = replicant.Client("x", base_url=replay.base_url)
    got = client.run("acme/text", {}) if call == "run" else client.predictions.get("p1").output
    assert got == [-math.inf, 1]


@pytest.mark.parametrize("call", ["get", "run"])
def test_deeply_nested_json_is_delivered(emulator: Emulator, call: str) -> None:
    output = '[{"a":' * DEEP + "1" + "}]" * DEEP
    body = f'{{"id": "p1", "status": "succeeded", "output": {output}}}'
    replay = emulator.replay({"expect": {}, "reply": {"status": 201, "text": body}})
    client = replicant.Client("x", base_url=replay.base_url)
    got = client.run("acme/text", {}) if call == "run" else client.predictions.get("p1").output
    for _ in range(DEEP):
        (got,) = got
        got = got["a"]
    assert got == 1


def test_a_dictionary_that_changes_during_the_conversion_is_sent_as_it_was(
    client: replicant.Client,
) -> None:
    class Growing:
        @property
        def __url__(self) -> str:
            value["new"] = 1
            return "a"

    value: Any = {"url": Growing(), "last": 3}
    sent = client.run("emulator/echo", {"value": value})
    assert sent == {"url": "a", "last": 3}
    assert "new" in value
