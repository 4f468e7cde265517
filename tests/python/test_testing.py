"""The testing kit: models of the test, scripts, time, failures, records and assertions."""

from __future__ import annotations

import asyncio
import enum
import io
import pickle
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, AsyncIterator, Dict, Iterator, List, Literal, Optional, Union

import pytest

import replicant
from replicant._testing.control import Control
from replicant._testing.models import Model
from replicant._testing.worker import Worker
from replicant.testing import Emulator, EmulatorError

PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def schemas(emulator: Emulator, name: str) -> Dict[str, Any]:
    version = emulator.client().models.get(name).latest_version
    assert version is not None
    found: Dict[str, Any] = version.openapi_schema["components"]["schemas"]
    return found


def test_a_function_is_a_model(emulator: Emulator) -> None:
    @emulator.model("acme/resize")
    def resize(image: Path, scale: int = 2, mode: Literal["fast", "good"] = "good") -> Path:
        """Makes an image larger."""
        print("scale", scale, mode)
        larger = image.with_name("larger.png")
        larger.write_bytes(image.read_bytes() * scale)
        return larger

    client = emulator.client()
    output = client.run("acme/resize", {"image": io.BytesIO(PNG), "scale": 3})
    assert output.read() == PNG * 3
    (prediction,) = emulator.predictions
    assert prediction["logs"] == "scale 3 good\n"
    assert client.models.get("acme/resize").description == "Makes an image larger."
    schema = schemas(emulator, "acme/resize")["Input"]
    assert schema["required"] == ["image"]
    assert schema["properties"]["image"]["format"] == "uri"
    assert schema["properties"]["mode"]["enum"] == ["fast", "good"]
    with pytest.raises(replicant.ReplicateError, match="mode"):
        client.run("acme/resize", {"image": io.BytesIO(PNG), "mode": "best"})
    assert client.run("acme/resize", {"image": io.BytesIO(b"x")}).read() == b"xx"


def test_files_are_read_as_the_type_of_the_parameter(emulator: Emulator) -> None:
    @emulator.model("acme/join")
    def join(first: bytes, rest: List[bytes], note: Optional[str] = None) -> Dict[str, Any]:
        assert note is None
        return {"file": first + b"".join(rest), "count": 1 + len(rest)}

    output = emulator.client().run(
        "acme/join", {"first": "data:,a", "rest": ["data:,b", "data:,c"]}
    )
    assert output["count"] == 3
    assert output["file"].read() == b"abc"


def test_generators_and_coroutines_are_models(emulator: Emulator) -> None:
    @emulator.model("acme/words")
    def words(text: str) -> Iterator[str]:
        yield from text.split()

    @emulator.model("acme/slow_words")
    async def slow_words(text: str) -> AsyncIterator[str]:
        for word in text.split():
            await asyncio.sleep(0)
            yield word

    @emulator.model("acme/add")
    async def add(a: float, b: float = 1) -> float:
        await asyncio.sleep(0)
        return a + b

    client = emulator.client()
    for name in ("acme/words", "acme/slow_words"):
        assert [str(event) for event in client.stream(name, {"text": "a b"}) if str(event)] == [
            "a",
            "b",
        ]
        assert schemas(emulator, name)["Output"]["x-cog-array-type"] == "iterator"
    assert client.run("acme/add", {"a": 2}) == 3


def test_an_exception_fails_the_prediction(emulator: Emulator) -> None:
    @emulator.model("acme/broken")
    def broken() -> str:
        raise RuntimeError("out of memory")

    with pytest.raises(replicant.ModelError, match="out of memory") as caught:
        emulator.client().run("acme/broken", {})
    assert caught.value.prediction is not None
    logs = caught.value.prediction.logs or ""
    assert logs.startswith("Traceback") and "in broken" in logs


def test_a_cancel_ends_a_generator_and_a_coroutine(emulator: Emulator) -> None:
    began, ended = threading.Event(), threading.Event()

    @emulator.model("acme/forever")
    def forever() -> Iterator[int]:
        try:
            began.set()
            for number in range(10_000):
                yield number
                time.sleep(0.01)
        finally:
            ended.set()

    @emulator.model("acme/sleeps")
    async def sleeps() -> None:
        try:
            began.set()
            await asyncio.sleep(600)
        finally:
            ended.set()

    for name in ("acme/forever", "acme/sleeps"):
        prediction = emulator.client().predictions.create(model=name, input={})
        assert began.wait(30)
        prediction.cancel()
        assert ended.wait(30)
        began.clear()
        ended.clear()


def test_what_other_threads_print_is_not_logged(
    emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    @emulator.model("acme/prints")
    def prints() -> str:
        print("inside")
        return "x"

    assert emulator.client().run("acme/prints", {}) == "x"
    print("outside")
    assert capsys.readouterr().out == "outside\n"
    assert emulator.predictions[0]["logs"] == "inside\n"


def test_a_refused_redefinition_keeps_the_model(emulator: Emulator) -> None:
    emulator.model("acme/kept")(lambda: "first")
    with pytest.raises(ValueError, match=r"`input\.required` must be a list of names"):
        emulator.model("acme/kept", input={"required": "a"})(lambda: "second")
    assert emulator.client().run("acme/kept", {}) == "first"


def test_schemas_of_pydantic_are_schemas_of_inputs(emulator: Emulator) -> None:
    pydantic = pytest.importorskip("pydantic", minversion="2")

    class Color(enum.Enum):
        RED = "red"
        BLUE = "blue"

    size = pydantic.create_model("Size", width=(int, ...))
    picture = pydantic.create_model(
        "Picture",
        color=(Color, Color.RED),
        size=(size, ...),
        count=(Optional[int], ...),
        tags=(List[Union[int, str]], []),
    )

    @emulator.model("acme/paint", input=picture.model_json_schema())
    def paint(color: Any, size: Any, count: Any, tags: Any) -> Any:
        return [color, size, count, tags]

    client = emulator.client()
    given = {"size": {"width": 1}, "count": None, "tags": [1, "a"]}
    assert client.run("acme/paint", given) == ["red", {"width": 1}, None, [1, "a"]]
    for name, value in [
        ("color", "green"),
        ("size", {}),
        ("size", {"width": "1"}),
        ("count", "1"),
        ("tags", [None]),
    ]:
        with pytest.raises(replicant.UnprocessableEntityError, match=name):
            client.run("acme/paint", {**given, name: value})


def test_a_received_request_shows_no_token_of_the_environment(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_real")
    emulator.client().run("emulator/echo", {"value": 1})

    async def main() -> None:
        await emulator.async_client().run("emulator/echo", {"value": 1})

    asyncio.run(main())
    sent = {request["headers"]["authorization"] for request in emulator.requests}
    assert len(sent) == 2
    assert all(token.startswith("Bearer r8_a-token-for-tests-") for token in sent)


def test_a_pause_after_a_429_is_not_that_of_the_next_client(emulator: Emulator) -> None:
    emulator.fail_next("predictions.create", status=429, retry_after=60)
    with pytest.raises(replicant.RateLimitError):
        emulator.client(max_retries=0).run("emulator/echo", {"value": 1})
    emulator.reset()
    assert emulator.client().run("emulator/echo", {"value": 1}, timeout=20) == 1


def test_any_name_exists_with_one_line(emulator: Emulator) -> None:
    client = emulator.client(max_retries=0)
    with pytest.raises(replicant.ReplicateError, match=r"emulator\.script\('acme/new'"):
        client.run("acme/new", {})
    emulator.script("acme/new", outputs=["a", "b"])
    assert client.run("acme/new", {"x": 1}) == ["a", "b"]
    emulator.script("acme/new", output={"n": 1}, versions=["v1"])
    assert client.run("acme/new:v1", {}) == {"n": 1}
    emulator.script("acme/new", fails="no GPU")
    with pytest.raises(replicant.ModelError, match="no GPU"):
        client.run("acme/new", {})
    with pytest.raises(ValueError, match="owner/name"):
        emulator.script("new", output=1)


def test_a_script_may_have_no_output_or_items_and_then_an_error(emulator: Emulator) -> None:
    client = emulator.client()
    emulator.script("acme/silent", output=None)
    assert client.run("acme/silent", {}) is None
    emulator.script("acme/breaks", outputs=["a"], fails="out of memory")
    with pytest.raises(replicant.ModelError, match="out of memory"):
        client.run("acme/breaks", {})
    assert emulator.predictions[-1]["output"] == ["a"]


def test_the_origin_is_the_address_of_the_page(emulator: Emulator) -> None:
    with urllib.request.urlopen(emulator.origin) as page:
        assert page.headers["content-type"].startswith("text/html")
    assert emulator.base_url == emulator.origin + "/v1"


def test_what_the_emulator_refuses_is_one_error(tmp_path: Path) -> None:
    with (
        Emulator() as upstream,
        Emulator(record=tmp_path / "cassette", upstream=upstream.origin) as recorder,
    ):
        calls: List[Any] = [
            lambda: recorder.predictions,
            recorder.assert_called,
            lambda: recorder.script("acme/x", output=1),
            lambda: recorder.model("acme/x")(lambda: 1),
            lambda: upstream.script("x", output=1),
        ]
        for call in calls:
            with pytest.raises(EmulatorError) as caught:
                call()
            assert isinstance(caught.value, ValueError)
            copy = pickle.loads(pickle.dumps(caught.value))
            assert (str(copy), copy.status) == (str(caught.value), caught.value.status)


def test_a_model_of_a_closed_emulator_is_refused() -> None:
    with Emulator() as emulator:
        pass
    with pytest.raises(OSError):
        emulator.model("acme/x")(lambda: 1)


def test_an_emulator_that_does_not_respond_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replicant._testing.control._TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        control = Control(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(OSError, match=r"the emulator did not respond within 0\.2 seconds"):
            control.request("POST", "reset")


def test_an_emulator_that_refuses_a_worker_reports_why() -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"detail": "too many workers"}')

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        model = Model(lambda: 1, sys._getframe())
        worker = Worker(Control(f"http://127.0.0.1:{server.server_port}"))
        for _ in range(2):
            with pytest.raises(EmulatorError, match="too many workers") as caught:
                worker.define(model, {"name": "acme/x"})
            assert caught.value.status == 503
        server.shutdown()


def test_time_can_be_advanced(emulator: Emulator) -> None:
    emulator.script("acme/cold", output=1, cold_start=3600)
    client = emulator.client()
    prediction = client.predictions.create(model="acme/cold", input={})
    emulator.time.advance("1h1s")
    prediction.wait()
    assert prediction.output == 1
    emulator.time.advance(2 * 3600)
    assert client.predictions.get(prediction.id).data_removed
    with pytest.raises(ValueError, match="advance"):
        emulator.time.advance("soon")


def test_the_next_requests_fail(emulator: Emulator) -> None:
    client = emulator.client(max_retries=0)
    emulator.fail_next("predictions.create", status=429, retry_after=2)
    with pytest.raises(replicant.RateLimitError) as caught:
        client.run("emulator/echo", {"value": 1})
    assert caught.value.retry_after == 2
    assert client.run("emulator/echo", {"value": 1}) == 1
    emulator.fail_next("predictions.create", lost=True)
    with pytest.raises(replicant.OutcomeUnknownError):
        client.run("emulator/echo", {"value": 1})
    with pytest.raises(ValueError, match=r"predictions\.crate"):
        emulator.fail_next("predictions.crate")


def test_requests_predictions_and_reset(emulator: Emulator) -> None:
    client = emulator.client()
    client.run("emulator/echo", {"value": 1})
    assert emulator.requests()[0] == emulator.requests[0]
    assert emulator.requests[0]["json"]["input"] == {"value": 1}
    assert emulator.requests.dropped == 0
    assert emulator.predictions[0]["output"] == 1
    emulator.script("acme/kept", output=1)
    emulator.reset()
    assert emulator.requests == [] and emulator.predictions == []
    assert client.run("acme/kept", {}) == 1


def test_dropped_requests_are_counted() -> None:
    with Emulator(keep_requests=1) as emulator:
        for _ in range(3):
            emulator.client().hardware.list()
        assert len(emulator.requests) == 1 and emulator.requests.dropped == 2


def test_an_emulator_serves_https() -> None:
    with Emulator(tls=True) as emulator:
        assert emulator.tls_base_url is not None and emulator.tls_base_url.startswith("https://")
        assert emulator.ca_bundle is not None
        client = emulator.client(base_url=emulator.tls_base_url, ca_bundle=emulator.ca_bundle)
        assert client.run("emulator/echo", {"value": 1}) == 1
        authority = Path(emulator.ca_bundle)
        assert authority.is_file()
    assert not authority.exists()


def test_the_fixtures_set_the_certificate_authority(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nreplicant_tls = true\n")
    check_fixtures(
        tmp_path,
        """
import os, ssl, urllib.request
import replicant

def test_https(replicant_emulator):
    assert os.environ["REPLICATE_BASE_URL"].startswith("https://")
    assert replicant.Client().run("emulator/echo", {"value": 1}) == 1
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    assert urllib.request.urlopen(replicant_emulator.tls_base_url + "/hardware", context=context).status == 200
""",
    )


def test_the_plugin_has_fixtures(tmp_path: Path) -> None:
    check_fixtures(
        tmp_path,
        """
import os
import replicant

def test_first(replicant_emulator, replicant_client):
    assert os.environ["REPLICATE_BASE_URL"] == replicant_emulator.origin, "official clients add /v1"
    replicant_emulator.script("acme/x", output=1)
    assert replicant_client.run("acme/x", {}) == 1
    assert replicant.Client().run("acme/x", {}) == 1, "the environment names the emulator"
    replicant_emulator.assert_called("acme/x", times=2)

def test_second(replicant_emulator, replicant_async_client):
    replicant_emulator.assert_not_called()
    import asyncio
    assert asyncio.run(replicant_async_client.run("acme/x", {})) == 1
""",
        passed=2,
    )


def test_the_logs_of_a_model_that_runs_through_the_phases_of_a_test_are_kept(
    tmp_path: Path,
) -> None:
    check_fixtures(
        tmp_path,
        """
import sys
import threading
import pytest

@pytest.fixture
def running(replicant_emulator, replicant_client):
    steps = {phase: (threading.Event(), threading.Event()) for phase in ("setup", "call", "teardown")}

    @replicant_emulator.model("acme/long")
    def long():
        for phase, (go, printed) in steps.items():
            assert go.wait(60)
            print("in", phase)
            print("error in", phase, file=sys.stderr)
            printed.set()

    def step(phase):
        go, printed = steps[phase]
        go.set()
        assert printed.wait(60)

    prediction = replicant_client.predictions.create(model="acme/long", input={}, wait=False)
    step("setup")
    yield step
    step("teardown")
    prediction.wait()
    expected = "".join(f"in {phase}\\nerror in {phase}\\n" for phase in steps)
    assert prediction.logs == expected
    print("by the test")

def test_spans_the_phases(running, capsys):
    running("call")
    print("by the test")
    assert capsys.readouterr() == ("by the test\\n", "")
""",
    )


def check_fixtures(folder: Path, tests: str, passed: int = 1) -> None:
    """Runs tests with the plugin of the package."""
    (folder / "test_application.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{passed} passed" in ran.stdout


def test_a_session_is_recorded_and_replayed_with_files_and_streams(tmp_path: Path) -> None:
    folder = tmp_path / "cassette"

    def session(emulator: Emulator) -> List[Any]:
        client = emulator.client(api_token="r8_secret_token")
        image = client.run("acme/resize", {"image": io.BytesIO(PNG)})
        events = [str(event) for event in client.stream("acme/writer", {"prompt": "a heron"})]
        return [image.read(), events, client.files.list().results[0].id]

    with Emulator() as upstream:

        @upstream.model("acme/resize")
        def resize(image: Path) -> Path:
            larger = image.with_name("larger.png")
            larger.write_bytes(image.read_bytes() * 2)
            return larger

        upstream.script("acme/writer", outputs=["a ", "heron"])
        with Emulator(record=folder, upstream=upstream.base_url) as recorder:
            recorded = session(recorder)
    with Emulator(replay=folder) as player:
        assert session(player) == recorded
        with pytest.raises(
            replicant.BadRequestError,
            match=r'expected json\.input\.prompt = "a heron", got "a gull"',
        ):
            list(player.client().stream("acme/writer", {"prompt": "a gull"}))
        player.reset()
        assert session(player) == recorded
    assert recorded[0] == PNG * 2
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert len(texts) > 5 and not any(b"r8_secret_token" in text for text in texts)
    with pytest.raises((ValueError, OSError), match="has exchanges already"):
        Emulator(record=folder)


def test_retry_after_is_rounded_up_to_whole_seconds(emulator: Emulator) -> None:
    emulator.fail_next("predictions.create", status=429, retry_after=0.1)
    with pytest.raises(replicant.RateLimitError) as caught:
        emulator.client(max_retries=0).run("emulator/echo", {"value": 1})
    assert caught.value.retry_after == 1
    with pytest.raises(ValueError, match="`retry_after` must be between 0 and"):
        emulator.fail_next("predictions.create", status=429, retry_after=-1)


def test_a_model_needs_its_name(emulator: Emulator) -> None:
    model: Any = emulator.model
    with pytest.raises(TypeError, match=r'write `@emulator.model\("owner/name"\)`'):

        @model
        def shout(text: str) -> str:
            return text

    with pytest.raises(TypeError, match="`name` must be a string, not None"):
        model(None)


@pytest.mark.parametrize(
    ("method", "arguments", "options", "error", "message"),
    [
        ("model", ["a/b"], {"versions": "abc"}, TypeError, "`versions` must be a list"),
        (
            "script",
            ["a/b"],
            {"output": 1, "versions": {"v": 1}},
            TypeError,
            "`versions` must be a list",
        ),
        ("script", ["a/b"], {"outputs": "abc"}, TypeError, "`outputs` must be a list, not 'abc'"),
        ("script", ["a/b"], {"outputs": b"abc"}, TypeError, "`outputs` must be a list"),
        ("script", ["a/b"], {"outputs": [1, b"x"]}, TypeError, r"`outputs\[1\]`: bytes"),
        ("script", ["a/b"], {"output": float("nan")}, ValueError, "`output`: nan"),
        ("script", ["a/b"], {"fails": ValueError("x")}, TypeError, "`fails`: ValueError"),
        ("script", ["a/b"], {}, ValueError, "`output`, `outputs` or `fails` is missing"),
        ("script", ["a/b"], {"delay": 1}, ValueError, "`output`, `outputs` or `fails` is missing"),
        ("script", ["a/b"], {"output": "a", "outputs": ["b"]}, ValueError, "pass one of them"),
        ("script", ["a/b"], {"output": "a", "fails": "x"}, ValueError, "no effect with `fails`"),
        ("fail_next", [None], {}, TypeError, "`operation` must be a string, not None"),
        ("fail_next", ["files.get"], {"delay": "1"}, TypeError, "`delay` must be a number"),
        ("fail_next", ["files.get"], {"delay": True}, TypeError, "`delay` must be a number"),
        ("fail_next", ["files.get"], {"delay": -1}, ValueError, "`delay` must be 0 or more"),
        ("fail_next", ["files.get"], {"delay": float("nan")}, ValueError, "`delay` must be 0"),
        ("fail_next", ["files.get"], {"lost": True, "status": 429}, ValueError, "`lost` sends no"),
        ("fail_next", ["files.get"], {"json": {"a": b""}}, TypeError, r"`json.a`: bytes"),
        ("assert_called_with", [None, {}], {}, TypeError, "`model` must be a string"),
        ("assert_any_call", ["a/b", None], {}, TypeError, "`input` must be a dictionary"),
    ],
)
def test_a_wrong_argument_is_rejected_by_name(
    emulator: Emulator, method: str, arguments: Any, options: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        getattr(emulator, method)(*arguments, **options)
    with pytest.raises(TypeError, match="`advance`"):
        emulator.time.advance(b"1h")  # type: ignore[arg-type]
