"""Models in `examples/cog` that Cog runs, called through the emulator from Python and Node."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from conftest import INSTALLED, ROOT, StartEmulator
from PIL import Image

import replicant
from replicant.testing import Emulator

EXAMPLES = ROOT / "examples/cog"
PYTHON = INSTALLED / "cog/bin"
TEXTS = ["This is an example sentence", "Each sentence is converted", "A heron in the harbor"]
#: The start of the vector of the first text, as the card of the model gives it.
PUBLISHED = [0.0676569, 0.0634959, 0.0487131, 0.0793049, 0.0374480, 0.0026528, 0.0393750]


#: A model whose output grows slowly.
WORDS = """
import time
from cog import BasePredictor, ConcatenateIterator, current_scope

class Predictor(BasePredictor):
    def predict(self, text: str, pause: float) -> ConcatenateIterator[str]:
        words = text.split()
        current_scope().record_metric("words", len(words))
        for number, word in enumerate(words, 1):
            print(f"word {number}")  # one write, as Cog loses some of many
            time.sleep(pause)
            yield word + " "
"""


class Cog:
    """A Cog server that runs the model in `folder`."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [PYTHON / "python", "-m", "cog.server.http", "--host=127.0.0.1"],
            cwd=folder,
            env={
                **os.environ,
                "PATH": f"{PYTHON}{os.pathsep}{os.environ['PATH']}",
                "PORT": str(self.port),
                "COG_PREDICT_TYPE_STUB": "predict.py:Predictor",
            },
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def health(self) -> str:
        try:
            with urllib.request.urlopen(f"{self.url}/health-check", timeout=5) as response:
                status: str = json.load(response)["status"]
                return status
        except (urllib.error.URLError, ConnectionError):
            return "DOWN"

    def wait_until(self, status: str) -> None:
        deadline = time.monotonic() + 90
        while self.health() != status:
            assert self.process.poll() is None and time.monotonic() < deadline, self.stop()
            time.sleep(0.1)

    def stop(self) -> str:
        """Ends the server with its children and returns what it has printed."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self.output.seek(0)
        return self.output.read().decode()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, Cog]]:
    words = tmp_path_factory.mktemp("words")
    (words / "predict.py").write_text(WORDS)
    (words / "cog.yaml").write_text("predict: predict.py:Predictor\n")
    folders = {"retouch": EXAMPLES / "retouch", "embed": EXAMPLES / "embed", "words": words}
    running = {name: Cog(folder) for name, folder in folders.items()}
    try:
        for server in running.values():
            server.wait_until("READY")
        yield running
    finally:
        for server in running.values():
            server.stop()


@pytest.fixture(scope="module")
def addresses(servers: Dict[str, Cog], start_emulator: StartEmulator) -> Dict[str, str]:
    models = [f"--cog=acme/{name}={server.url}" for name, server in servers.items()]
    return start_emulator("--tls", *models)


@pytest.fixture
def client(addresses: Dict[str, str]) -> replicant.Client:
    return replicant.Client("any-token", base_url=addresses["base_url"])


@pytest.fixture(scope="module")
def picture() -> bytes:
    image = Image.new("RGB", (40, 30), "white")
    image.paste((200, 30, 30), (0, 0, 20, 30))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def colors(content: bytes) -> Tuple[str, Any, Any]:
    """Returns the mode of a picture, and its colors at the left and the right."""
    image = Image.open(io.BytesIO(content))
    return image.mode, image.getpixel((3, 3)), image.getpixel((36, 3))


def test_the_schema_of_the_server_is_that_of_the_version(client: replicant.Client) -> None:
    model = client.models.get("acme/retouch")
    schemas = model.latest_version.openapi_schema["components"]["schemas"]
    properties = schemas["Input"]["properties"]
    assert properties["image"]["format"] == "uri" and properties["pause"]["maximum"] == 60
    assert schemas["Output"]["x-cog-array-type"] == "iterator"
    with pytest.raises(replicant.UnprocessableEntityError, match="pause"):
        client.run("acme/retouch", {"image": "data:,a", "pause": 61})
    with pytest.raises(replicant.UnprocessableEntityError, match="image is required"):
        client.run("acme/retouch", {})


def test_files_go_to_the_model_and_come_back(client: replicant.Client, picture: bytes) -> None:
    outputs = client.run(
        "acme/retouch", {"image": io.BytesIO(picture), "effects": "mirror,grayscale"}
    )
    mirrored, gray = [output.read() for output in outputs]
    assert colors(picture) == ("RGB", (200, 30, 30), (255, 255, 255))
    assert colors(mirrored) == ("RGB", (255, 255, 255), (200, 30, 30))
    assert colors(gray)[0] == "L"


def test_an_output_file_is_an_input_over_https_too(
    addresses: Dict[str, str], picture: bytes
) -> None:
    client = replicant.Client(
        "any-token", base_url=addresses["tls_base_url"], ca_bundle=addresses["ca_bundle"]
    )
    [mirrored] = client.run("acme/retouch", {"image": io.BytesIO(picture), "effects": "mirror"})
    [again] = client.run("acme/retouch", {"image": mirrored, "effects": "mirror"})
    assert colors(again.read()) == colors(picture)


def test_items_and_logs_arrive_while_the_model_runs(client: replicant.Client) -> None:
    prediction = client.predictions.create(
        "acme/words", input={"text": "a heron stands", "pause": 0.8}
    )
    began = time.monotonic()
    events = [(event, time.monotonic() - began) for event in prediction.stream()]
    outputs = [(event.data, seconds) for event, seconds in events if event.event == "output"]
    assert [text for text, _ in outputs] == ["a ", "heron ", "stands "]
    assert outputs[0][1] < events[-1][1] - 0.4, outputs
    prediction.reload()
    assert prediction.status == "succeeded"
    assert prediction.logs.endswith("word 1\nword 2\nword 3\n")
    assert prediction.metrics["words"] == 3
    assert "".join(client.run("acme/words", {"text": "a heron", "pause": 0})) == "a heron "


def test_an_exception_fails_the_prediction_with_its_logs(
    client: replicant.Client, picture: bytes
) -> None:
    with pytest.raises(replicant.ModelError, match="unknown effect 'sparkle'") as failed:
        client.run("acme/retouch", {"image": io.BytesIO(picture), "effects": "mirror,sparkle"})
    logs = failed.value.prediction.logs
    assert "step 2: sparkle" in logs and "Traceback" in logs


def test_a_cancel_stops_the_model(
    client: replicant.Client, servers: Dict[str, Cog], picture: bytes
) -> None:
    prediction = client.predictions.create(
        "acme/retouch", input={"image": io.BytesIO(picture), "effects": "mirror", "pause": 60}
    )
    servers["retouch"].wait_until("BUSY")
    prediction.cancel()
    assert prediction.status == "canceled"
    servers["retouch"].wait_until("READY")


def test_predictions_wait_for_a_busy_server(client: replicant.Client, picture: bytes) -> None:
    made = [
        client.predictions.create(
            "acme/retouch",
            input={"image": io.BytesIO(picture), "effects": "mirror", "pause": 0.3},
        )
        for _ in range(3)
    ]
    for prediction in made:
        prediction.wait()
        assert prediction.status == "succeeded", prediction.error


def test_vectors_are_those_of_direct_use_of_the_package(
    client: replicant.Client,
    addresses: Dict[str, str],
    servers: Dict[str, Cog],
    node_program: Callable[..., str],
) -> None:
    output = client.run("acme/embed", {"texts": TEXTS})
    vectors = [item["vector"] for item in output]
    assert [item["text"] for item in output] == TEXTS
    assert vectors[0][: len(PUBLISHED)] == pytest.approx(PUBLISHED, abs=1e-5)
    direct = directly(TEXTS)
    for vector, expected in zip(vectors, direct):
        assert len(vector) == 384 and vector == pytest.approx(expected, abs=1e-6)
    likeness = [sum(a * b for a, b in zip(vectors[0], other)) for other in vectors]
    assert likeness[0] == pytest.approx(1, abs=1e-5) and likeness[1] > likeness[2]
    node_program(
        "cog.mjs",
        COG_URL=servers["words"].url,
        BASE_URL=addresses["base_url"],
        TEXTS=json.dumps(TEXTS),
        VECTORS=json.dumps(direct),
    )


def directly(texts: List[str]) -> List[List[float]]:
    """Computes vectors without Cog, with the weights of the package."""
    program = (
        "import json, sys; from predict import weights; from minilm import MiniLM;"
        "print(json.dumps(MiniLM(weights()).embed(json.load(sys.stdin))))"
    )
    ran = subprocess.run(
        [PYTHON / "python", "-c", program],
        cwd=EXAMPLES / "embed",
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    vectors: List[List[float]] = json.loads(ran.stdout)
    return vectors


def test_a_test_connects_a_model_to_its_emulator(servers: Dict[str, Cog]) -> None:
    with Emulator() as emulator:
        emulator.cog("acme/mine", servers["words"].url)
        assert "".join(emulator.client().run("acme/mine", {"text": "a b", "pause": 0})) == "a b "
        with pytest.raises(ValueError, match=r"the Cog server at .* is it running"):
            emulator.cog("acme/mine", "http://127.0.0.1:1")


def test_a_server_that_dies_fails_the_prediction(
    start_emulator: StartEmulator, picture: bytes
) -> None:
    server = Cog(EXAMPLES / "retouch")
    try:
        server.wait_until("READY")
        base_url = start_emulator(f"--cog=acme/retouch={server.url}")["base_url"]
        client = replicant.Client("any-token", base_url=base_url)
        prediction = client.predictions.create(
            "acme/retouch", input={"image": io.BytesIO(picture), "effects": "blur", "pause": 30}
        )
        server.wait_until("BUSY")
    finally:
        server.stop()
    prediction.wait()
    assert prediction.status == "failed"
    assert f"the Cog server at {server.url} stopped responding" in prediction.error
    with pytest.raises(replicant.ModelError, match=r"does not respond .*is it running"):
        client.run("acme/retouch", {"image": io.BytesIO(picture)})


def test_an_emulator_without_its_server_does_not_start(start_emulator: StartEmulator) -> None:
    with pytest.raises(OSError, match=r"acme/retouch: the Cog server at .* is it running"):
        start_emulator("--cog=acme/retouch=http://127.0.0.1:1")
