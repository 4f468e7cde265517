"""Fixtures: the emulator as a child process, clients for it, and scripts in interpreters of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from waiting import eventually as eventually
from waiting import within as within

if TYPE_CHECKING:
    import replicant.testing

ROOT = Path(__file__).resolve().parents[2]
# A background shell ignores Ctrl-C, and child processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
TOKEN = "r8_secretsecretsecretsecretsecretsecret0"
ENDLESS = "emulator/endless"


class Emulator:
    """The running emulator and its control endpoints."""

    # Whether a single test uses this emulator, and so can count what arrives. A test may leave a create in the background,
    # whose prediction is canceled as soon as the response arrives.
    alone = False

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the emulator printed nothing"
        self.ready: dict[str, str] = json.loads(line)
        self.base_url = self.ready["base_url"]
        self.origin = self.ready["origin"]

    def post(self, url: str, body: Any) -> Any:
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(url, data, headers, method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def get(self, url: str) -> Any:
        with urllib.request.urlopen(url) as answer:
            return json.loads(answer.read())

    def requests(self) -> list[dict[str, Any]]:
        self._must_be_alone()
        found = self.get(f"{self.origin}/_emulator/requests")
        return found["requests"] if isinstance(found, dict) else found

    def state(self) -> dict[str, Any]:
        self._must_be_alone()
        return self.get(f"{self.origin}/_emulator/state")

    def advance(self, seconds: float) -> None:
        self._must_be_alone()
        self.post(f"{self.origin}/_emulator/time", {"advance": seconds})

    def created(self) -> int:
        """Returns the number of predictions."""
        return sum(self.state()["predictions"].values())

    def forget(self) -> None:
        self._must_be_alone()
        request = urllib.request.Request(f"{self.origin}/_emulator/requests", method="DELETE")
        urllib.request.urlopen(request).close()

    def fault(self, **rule: Any) -> None:
        self._must_be_alone()
        self.post(f"{self.origin}/_emulator/faults", rule)

    def remove_faults(self) -> None:
        self._must_be_alone()
        request = urllib.request.Request(f"{self.origin}/_emulator/faults", method="DELETE")
        urllib.request.urlopen(request).close()

    def _must_be_alone(self) -> None:
        assert self.alone, "other tests use this emulator: mark the test with `@pytest.mark.alone`"

    def replay(self, *exchanges: dict[str, Any]) -> Replay:
        return self.replay_text(json.dumps({"exchanges": list(exchanges)}))

    def replay_text(self, case: str) -> Replay:
        return Replay(self, self.post(f"{self.ready['replay_origin']}/_replay", case.encode()))


class Replay:
    """A replay of scripted exchanges."""

    def __init__(self, emulator: Emulator, run: dict[str, str]) -> None:
        self.emulator = emulator
        self.base_url = run["base_url"]
        self.origin = run["origin"]
        self.other = run["other"]
        self._url = f"{emulator.ready['replay_origin']}/_replay/{run['run']}"

    def report(self) -> dict[str, Any]:
        return self.emulator.get(self._url)

    def check(self) -> None:
        report = self.report()
        assert report["ok"], report["problems"]


@contextmanager
def running() -> Iterator[Emulator]:
    """Starts an emulator, and ends it."""
    binary = Path(os.environ.get("REPLICANT_EMULATOR", ROOT / "target/debug/replicant-emulator"))
    if not binary.exists():
        pytest.fail(f"build the emulator first: make native ({binary})")
    with subprocess.Popen(
        [str(binary), "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Emulator(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[Emulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """The emulator of all tests. A test with the marker `alone` has one of its own."""
    if request.node.get_closest_marker("alone") is None:
        yield request.getfixturevalue("shared_emulator")
        return
    with running() as emulator:
        emulator.alone = True
        yield emulator


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the options of the developer's environment."""
    for name in list(os.environ):
        if name.startswith("REPLICATE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def client(emulator: Emulator) -> Any:
    import replicant

    return replicant.Client(TOKEN, base_url=emulator.base_url)


@pytest.fixture
def async_client(emulator: Emulator) -> Any:
    import replicant

    return replicant.AsyncClient(TOKEN, base_url=emulator.base_url)


def python(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script in a new interpreter."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("REPLICATE_")}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**env, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def canceled(emulator: Emulator) -> int:
    """Returns the number of canceled predictions."""
    return int(emulator.state()["predictions"].get("canceled", 0))


@pytest.fixture
def local() -> Iterator[replicant.testing.Emulator]:
    """An emulator of its own for one test, as users start it."""
    import replicant.testing

    with replicant.testing.Emulator() as emulator:
        yield emulator


def numbers(count: int) -> list[dict[str, Any]]:
    """Returns rows for `emulator/echo`, whose outputs are their numbers."""
    return [{"value": number} for number in range(count)]


def statuses(emulator: replicant.testing.Emulator) -> list[str]:
    return [prediction["status"] for prediction in emulator.predictions]
