"""Models that tests define: their inputs, outputs, logs and failures."""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import enum
import functools
import sys
import threading
from pathlib import Path
from typing import (
    IO,
    Any,
    AsyncIterator,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Literal,
    NewType,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypedDict,
    Union,
)

import pytest
from conftest import eventually, python

import replicant
from replicant.testing import Emulator


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(shared: Emulator) -> Emulator:
    shared.reset()
    return shared


def failed(emulator: Emulator, function: Callable[..., Any]) -> replicant.Prediction:
    """Returns the prediction of a model that fails."""
    emulator.model("acme/fails")(function)
    with pytest.raises(replicant.ModelError) as caught:
        emulator.client().run("acme/fails", {}, timeout=60)
    assert caught.value.prediction is not None
    return caught.value.prediction


def interrupted() -> None:
    raise KeyboardInterrupt


async def gives_up() -> None:
    raise asyncio.CancelledError("by itself")


async def exits() -> None:
    sys.exit(3)


def exits_later() -> Iterator[str]:
    yield "a"
    sys.exit(4)


class Silent(BaseException):
    def __str__(self) -> str:
        raise RuntimeError


def silent() -> None:
    raise Silent


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda: pytest.fail("must not be called"), "Failed: must not be called"),
        (lambda: pytest.skip("not today"), "Skipped: not today"),
        (lambda: sys.exit(3), "SystemExit: 3"),
        (exits, "SystemExit: 3"),
        (exits_later, "SystemExit: 4"),
        (interrupted, "KeyboardInterrupt"),
        # Tasks of Python before 3.11 lose the message.
        (
            gives_up,
            "CancelledError: by itself" if sys.version_info >= (3, 11) else "CancelledError",
        ),
        (silent, "Silent"),
    ],
)
def test_whatever_a_model_raises_fails_the_prediction(
    emulator: Emulator, capfd: pytest.CaptureFixture[str], function: Any, error: str
) -> None:
    prediction = failed(emulator, function)
    assert error in (prediction.error or "")
    assert (prediction.logs or "").startswith("Traceback")
    assert capfd.readouterr() == ("", "")


def test_what_a_canceled_model_raises_is_dropped(emulator: Emulator) -> None:
    running, raised = threading.Event(), threading.Event()

    @emulator.model("acme/stubborn")
    async def stubborn() -> None:
        running.set()
        try:
            await asyncio.sleep(60)
        finally:
            raised.set()
            raise RuntimeError("while it is canceled")

    prediction = emulator.client().predictions.create(model="acme/stubborn", input={})
    assert running.wait(30)
    prediction.cancel()
    assert raised.wait(30)
    eventually(lambda: not [t for t in threading.enumerate() if t.name == prediction.id])
    assert emulator.predictions[0]["status"] == "canceled"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (float("nan"), "`output`: nan cannot be sent as JSON"),
        ({"scores": [0.5, float("-inf")]}, r"`output.scores[1]`: -inf cannot be sent as JSON"),
        ({"when": [object()]}, "`output.when[0]`: object cannot be sent as JSON"),
        ({(1, 2): "x"}, "keys must be str"),
        (nested(2000), "maximum recursion depth exceeded"),
    ],
    ids=["nan", "member", "object", "key", "deep"],
)
def test_an_output_that_cannot_be_sent_fails_the_prediction(
    emulator: Emulator, output: Any, reason: str
) -> None:
    def whole() -> Any:
        return output

    def one_by_one() -> Iterator[Any]:
        print("before")
        yield "a"
        print("after")
        yield output

    async def asynchronous() -> AsyncIterator[Any]:
        yield "a"
        yield output

    assert reason in (failed(emulator, whole).error or "")
    prediction = failed(emulator, one_by_one)
    assert reason in (prediction.error or "") and prediction.output == ["a"]
    assert (prediction.logs or "").startswith("before\nafter\nTraceback")
    prediction = failed(emulator, asynchronous)
    assert reason in (prediction.error or "") and prediction.output == ["a"]


def test_an_output_that_is_too_large_fails_the_prediction(emulator: Emulator) -> None:
    prediction = failed(emulator, lambda: "x" * 161_000_000)
    # The emulator may close the connection before it has read all of it.
    assert "too large" in (prediction.error or "") or "Errno" in (prediction.error or "")


class Mode(enum.Enum):
    FAST = "fast"
    GOOD = "good"


def test_enumerations_and_sets_are_outputs(emulator: Emulator) -> None:
    @emulator.model("acme/modes")
    def modes() -> Dict[str, Any]:
        return {"mode": Mode.FAST, "some": {1}}

    assert emulator.client().run("acme/modes", {}) == {"mode": "fast", "some": [1]}


class Message(TypedDict):
    role: str
    image: Path


UserId = NewType("UserId", int)


def kind_of(value: Any) -> Any:
    """Describes a value: the type and the content of each file, and the types of the rest."""
    if isinstance(value, Path):
        return ["Path", value.read_text()]
    if isinstance(value, (bytes, bytearray)):
        return [type(value).__name__, value.decode()]
    if hasattr(value, "read"):
        return ["file", value.read().decode()]
    if isinstance(value, dict):
        return {name: kind_of(member) for name, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [type(value).__name__, *(kind_of(item) for item in value)]
    return repr(value)


URL = "data:,x"


@pytest.mark.parametrize(
    ("hint", "given", "received"),
    [
        (Path, URL, ["Path", "x"]),
        (bytearray, URL, ["bytearray", "x"]),
        (IO[bytes], URL, ["file", "x"]),
        (Sequence[Path], [URL], ["list", ["Path", "x"]]),
        (list[bytes], [URL], ["list", ["bytes", "x"]]),
        (Iterable[bytes], [URL], ["list", ["bytes", "x"]]),
        (Tuple[Path, ...], [URL], ["tuple", ["Path", "x"]]),
        (Set[bytes], [URL], ["set", ["bytes", "x"]]),
        (FrozenSet[int], [1], ["frozenset", "1"]),
        (Dict[str, Path], {"a": URL}, {"a": ["Path", "x"]}),
        (List[Optional[Dict[str, bytes]]], [{"a": URL}], ["list", {"a": ["bytes", "x"]}]),
        (Message, {"role": "user", "image": URL}, {"role": "'user'", "image": ["Path", "x"]}),
        (Mode, "fast", "<Mode.FAST: 'fast'>"),
        (Optional[int], None, "None"),
        (Optional[Mode], None, "None"),
        (List[Optional[int]], [None, 1], ["list", "None", "1"]),
        (List[Mode], ["good"], ["list", "<Mode.GOOD: 'good'>"]),
        (Literal["a", 1], 1, "1"),
        (Union[int, str], "a", "'a'"),
        (Union[List[float], str, None], [1.5], ["list", "1.5"]),
        (UserId, 1, "1"),
        (float, 1, "1.0"),
        (int, 3.0, "3"),
        (list, [URL], ["list", "'data:,x'"]),
        (Any, URL, "'data:,x'"),
    ],
    ids=str,
)
def test_a_parameter_receives_its_type(
    emulator: Emulator, hint: Any, given: Any, received: Any
) -> None:
    def shows(value: Any) -> Any:
        return kind_of(value)

    # As without `from __future__ import annotations`.
    shows.__annotations__["value"] = hint
    emulator.model("acme/shows")(shows)
    assert emulator.client().run("acme/shows", {"value": given}) == received


def test_a_path_has_the_suffix_of_its_file(emulator: Emulator, tmp_path: Path) -> None:
    @emulator.model("acme/suffix")
    def suffix(file: Path) -> str:
        return file.suffix

    words = tmp_path / "words.csv"
    words.write_text("a,b")
    client = emulator.client()
    for file, expected in (
        (words, ".csv"),
        (b"GIF89a", ".gif"),
        ("data:application/json,{}", ".json"),
        ("data:,x", ""),
    ):
        assert client.run("acme/suffix", {"file": file}) == expected


def test_a_default_is_received_as_the_type_of_its_parameter(emulator: Emulator) -> None:
    @emulator.model("acme/modes")
    def modes(mode: Mode = Mode.GOOD, files: Tuple[Path, ...] = ()) -> str:
        return f"{mode} {files}"

    client = emulator.client()
    assert client.run("acme/modes", {}) == "Mode.GOOD ()"
    assert client.run("acme/modes", {"mode": "fast"}) == "Mode.FAST ()"
    version = client.models.get("acme/modes").latest_version
    assert version is not None
    schema = version.openapi_schema["components"]["schemas"]["Input"]["properties"]["mode"]
    assert (schema["enum"], schema["default"]) == (["fast", "good"], "good")
    with pytest.raises(replicant.ReplicateError, match="mode"):
        client.run("acme/modes", {"mode": "best"})


def test_types_may_be_local_to_the_test(emulator: Emulator) -> None:
    from pathlib import Path as LocalPath

    @emulator.model("acme/local")
    def local(image: LocalPath, count: int) -> str:
        return image.read_text() * count

    assert emulator.client().run("acme/local", {"image": URL, "count": 2}) == "xx"


def test_the_parameters_of_any_callable_have_their_types(emulator: Emulator) -> None:
    class Reader:
        def method(self, image: Path) -> str:
            return image.read_text()

        def __call__(self, image: Path) -> Iterator[str]:
            yield image.read_text()

    def read(image: Path, times: int) -> str:
        return image.read_text() * times

    def rest(**images: Path) -> str:
        return images["image"].read_text()

    client = emulator.client()
    for function, output in (
        (Reader().method, "x"),
        (Reader(), ["x"]),
        (functools.partial(read, times=2), "xx"),
        (rest, "x"),
    ):
        emulator.model("acme/read")(function)
        assert client.run("acme/read", {"image": URL}) == output


@pytest.mark.parametrize(
    "hint",
    [
        Union[Path, str],
        Union[Mode, int],
        Tuple[int, str],
        Dict[int, str],
        IO[str],
        List[complex],
        list[object()],  # type: ignore[misc]
        collections.abc.Callable,
        [int],
        "Missing",
        "1 +",
    ],
    ids=str,
)
def test_a_type_that_no_input_can_have_is_refused(emulator: Emulator, hint: Any) -> None:
    def function(fine: Path, odd: Any) -> str:
        return fine.read_text() + odd

    function.__annotations__["odd"] = hint
    with pytest.raises(TypeError, match=r"`odd`: the annotation .* as `input=`"):
        emulator.model("acme/odd")(function)
    # The schema of the test decides, and the other parameters keep their types.
    emulator.model("acme/odd", input={"type": "object"})(function)
    assert emulator.client().run("acme/odd", {"fine": URL, "odd": URL}) == "xdata:,x"


def test_a_result_of_an_unknown_type_is_any_output(emulator: Emulator) -> None:
    def function() -> Any:
        return 1

    for hint in ("Missing", complex, Iterator):
        function.__annotations__["return"] = hint
        emulator.model("acme/any")(function)
        assert emulator.client().run("acme/any", {}) == 1


def test_a_model_that_is_defined_again_keeps_its_earlier_function(emulator: Emulator) -> None:
    client = emulator.client()
    began, release = threading.Event(), threading.Event()

    @emulator.model("acme/again", versions=["again-1"])
    def first(x: int) -> str:
        if x == 0:
            began.set()
            assert release.wait(60)
        return f"first {x}"

    running = client.predictions.create(model="acme/again", input={"x": 0}, wait=False)
    assert began.wait(60)

    @emulator.model("acme/again", versions=["again-2"], cold_start=1800)
    def second(y: str) -> str:
        return f"second {y}"

    starting = client.predictions.create(model="acme/again", input={"y": "a"}, wait=False)

    @emulator.model("acme/again", versions=["again-3"])
    def third(z: float) -> str:
        return f"third {z}"

    assert client.run("acme/again:again-1", {"x": 1}) == "first 1"
    assert client.run("acme/again", {"z": 2}) == "third 2.0"
    emulator.time.advance("30m")
    release.set()
    for prediction, output in ((running, "first 0"), (starting, "second a")):
        prediction.wait()
        assert prediction.output == output


def test_lines_are_joined_and_none_is_lost(emulator: Emulator) -> None:
    @emulator.model("acme/talks")
    def talks() -> Iterator[int]:
        for number in range(2000):
            print(number)
            if number % 500 == 0:
                yield number
        print("the end is \ud800", end="")

    def connections() -> int:
        return int(emulator._control.request("GET", "state")["connections_ever"])

    before = connections()
    assert emulator.client().run("acme/talks", {}) == [0, 500, 1000, 1500]
    # Without joining, a line would be two.
    assert connections() - before < 2000
    lines = "".join(f"{number}\n" for number in range(2000))
    assert emulator.predictions[0]["logs"] == lines + "the end is \\ud800"


@pytest.mark.parametrize("text", ["a\n", "50%"])
def test_what_a_model_prints_is_logged_while_it_runs(emulator: Emulator, text: str) -> None:
    go_on = threading.Event()

    @emulator.model("acme/waits")
    def waits() -> int:
        print("first")
        print(text, end="")
        go_on.wait(60)
        return 1

    prediction = emulator.client().predictions.create(model="acme/waits", input={})
    eventually(lambda: emulator.predictions[0]["logs"] == "first\n" + text)
    go_on.set()
    prediction.wait()
    assert prediction.status == "succeeded"


def test_what_the_threads_of_a_model_print_is_in_order(emulator: Emulator) -> None:
    @emulator.model("acme/threads")
    def threads() -> int:
        for number in range(100):
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(print, number))
            thread.start()
            thread.join()
        return 1

    assert emulator.client().run("acme/threads", {}) == 1
    assert emulator.predictions[0]["logs"] == "".join(f"{number}\n" for number in range(100))


GREENLETS = """
import gevent.monkey
gevent.monkey.patch_all()
import asyncio, sys, gevent
from replicant.testing import Emulator
emulator = Emulator()
client = emulator.client()
started = []

@emulator.model("acme/meets")
async def meets(number: int) -> int:
    print(number)
    started.append(number)
    while len(started) < 3:
        await asyncio.sleep(0.01)
    return number

@emulator.model("acme/exits")
async def exits() -> None:
    sys.exit(3)

@emulator.model("acme/waits")
async def waits() -> None:
    started.clear()
    try:
        await asyncio.sleep(600)
    finally:
        started.append("canceled")

jobs = [gevent.spawn(client.run, "acme/meets", {"number": number}) for number in range(3)]
gevent.joinall(jobs, raise_error=True)
print([job.value for job in jobs], sorted(prediction["logs"] for prediction in emulator.predictions))
client.predictions.create("acme/exits", {}).wait()
print(emulator.predictions[-1]["error"])
prediction = client.predictions.create("acme/waits", {})
while started:
    gevent.sleep(0.01)
prediction.cancel()
while not started:
    gevent.sleep(0.01)
print(started)
emulator.close()
"""


def test_coroutines_run_concurrently_in_greenlets() -> None:
    pytest.importorskip("gevent")
    done = python(GREENLETS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[0, 1, 2] ['0\\n', '1\\n', '2\\n']",
        "SystemExit: 3",
        "['canceled']",
    ]
    assert done.stderr == ""
