"""Types: stubs against the modules they describe, and the package as type checkers and editors see it."""

from __future__ import annotations

import inspect
import os
import pydoc
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from conftest import ROOT

import replicant

needs_mypy = pytest.mark.skipif(
    sys.version_info < (3, 10), reason="mypy 2 supports no older Python"
)


@needs_mypy
def test_the_stubs_match_the_modules(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    # The private modules have no stubs, so `_native` and the package itself remain.
    allowed = tmp_path / "allowed"
    allowed.write_text("replicant\\._(?!native).*\n")
    command = ["-m", "mypy.stubtest", "replicant", "--allowlist", allowed]
    done = subprocess.run(
        [sys.executable, *command, "--ignore-unused-allowlist"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@needs_mypy
def test_the_package_passes_the_type_checkers() -> None:
    for module in ("mypy", "pyright"):
        pytest.importorskip(module)
        done = subprocess.run(
            [sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def completions(code: str) -> dict[str, str]:
    """Returns the names that jedi completes at the end of `code`, with their documentation."""
    jedi = pytest.importorskip("jedi")
    script = jedi.Script(f"import replicant\n{code}", project=jedi.Project(ROOT / "python"))
    return {found.name.strip("\"'"): found.docstring() for found in script.complete()}


def test_an_editor_completes_the_package_and_its_clients() -> None:
    assert set(replicant.__all__) <= completions("replicant.").keys()
    for client in ("client = replicant.Client()", "client = replicant.AsyncClient()"):
        found = completions(f"{client}\nclient.")
        assert "Runs a model" in found["run"]
        assert "Creates a prediction" in completions(f"{client}\nclient.predictions.")["create"]


OPTIONS = {
    "RunOptions": "replicant.run",
    "StreamOptions": "replicant.stream",
    "ClientOptions": "replicant.Client",
    "CreateOptions": "replicant.Client().predictions.create",
    "WaitOptions": "replicant.Client().predictions.wait",
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_editor_shows_the_options_with_their_documentation(kind: str) -> None:
    jedi = pytest.importorskip("jedi")
    names = getattr(replicant, kind).__optional_keys__
    assert names <= completions(f"options: replicant.{kind} = {{}}\noptions['").keys()
    documented = completions(f"replicant.{kind}.")
    assert all(len(documented[name]) > 15 for name in names)
    code = f"import replicant\n{OPTIONS[kind]}("
    (signature,) = jedi.Script(code, project=jedi.Project(ROOT / "python")).get_signatures()
    assert f"Unpack[{kind}]" in signature.to_string()
    for name in names:
        assert f"{name}: " in signature.docstring()


@pytest.mark.parametrize("kind", [*OPTIONS, "RequestOptions", "InputOptions"])
def test_help_lists_the_options_with_their_documentation(kind: str) -> None:
    shown = pydoc.render_doc(getattr(replicant, kind), renderer=pydoc.plaintext)
    for name in getattr(replicant, kind).__optional_keys__:
        assert re.search(rf"\b{name}: [A-Z].{{15}}", shown), name


def methods(space: Any) -> Iterator[Any]:
    """Yields the public methods of a client, its namespaces and theirs."""
    for name in dir(space):
        found = None if name[0] == "_" or name == "with_raw_response" else getattr(space, name)
        if inspect.isroutine(found):
            yield found
        elif hasattr(found, "with_raw_response"):
            yield from methods(found)


def test_annotations_can_be_evaluated() -> None:
    for function in (replicant.Client.__init__, replicant.Client.run, replicant.AsyncClient.stream):
        assert "options" in get_type_hints(function)
    assert "timeout" in get_type_hints(replicant.RunOptions)
    clients = replicant.Client("x"), replicant.AsyncClient("x")
    names = [
        method.__qualname__
        for client in clients
        for method in methods(client)
        if get_type_hints(method)
    ]
    assert {"Client.submit", "AsyncPredictions.list", "Webhooks.validate"} <= {*names}
    for name, member in vars(replicant.FileOutput).items():
        assert name[0] == "_" or not inspect.isfunction(member) or get_type_hints(member)
    for name in ("run", "use", "stream", "submit", "handle", "paginate"):
        member = getattr(replicant, name)
        # An imported module of this name can be called as the function.
        assert inspect.ismodule(member) or get_type_hints(member)


USES = """
from typing import List, Optional
from typing_extensions import assert_type
import httpx
import io
import replicant
from replicant import APIResponse, AsyncPage, AsyncPrediction, Client, Model, Page, Prediction, Version

client = Client()
other = replicant.AsyncClient()
raw = client.predictions.with_raw_response
assert_type(raw.get("x"), APIResponse[Prediction])
assert_type(raw.list(), APIResponse[Page[Prediction]])
assert_type(client.with_raw_response.models.versions.get("a/b", id="x"), APIResponse[Version])
assert_type(replicant.models.with_raw_response.get("a/b").parse(), Model)
assert_type(client.files.create(b"").size, int)
assert_type(replicant.FileOutput("x").open(), io.BufferedReader)
assert_type(client.save_all([], "x"), List[str])
assert_type(client.submit("a/b", {}), replicant.Handle)
for event in replicant.handle("x").events():
    assert_type(event, replicant.HandleEvent)
    assert_type(event.prediction, Optional[Prediction])
    assert_type(event.progress, Optional[replicant.Progress])

async def main() -> None:
    assert_type(await raw.async_get("x"), APIResponse[Prediction])
    assert_type(await raw.async_list(), APIResponse[AsyncPage[Prediction]])
    answer = await other.predictions.with_raw_response.create(model="a/b")
    assert_type(answer, APIResponse[AsyncPrediction])
    async for text in other.stream("a/b").text():
        assert_type(text, str)
    async for prediction in other.predictions.list():
        assert_type(prediction, AsyncPrediction)
    handle = await other.submit("a/b", {}, webhook="x")
    assert_type(handle, replicant.AsyncHandle)
    async for update in handle.events(since=event.cursor):
        assert_type(update.prediction, Optional[AsyncPrediction])
    other.submit("a/b", timeout=3)  # error
    handle.result(timeout="3")  # error
    raw.get(3)  # error
    raw.gets("x")  # error
    client.run("a/b", progress="yes")  # error
    client.run("a/b", on_abandon="leaf")  # error
    client.predictions.create("x", webhook_events_filter=["completed"])
    client.run("a/b", {}, timeuot=3)  # error
    replicant.run("a/b", {}, wait="x")  # error
    client.predictions.create("x", timeout=3)  # error
    replicant.Client("x", timeout="3")  # error
    replicant.Client("x", token="3")  # error
    replicant.Client("x", timeout=httpx.Timeout(3), idle_timeout=3, base_url=None)
    client.with_options(timeout=3, idle_timeout=3).run("a/b", timeout=None)
    options: replicant.RunOptions = {"timeout": 3, "progress": True}
    client.run("a/b", {}, **options)
"""


# As in programs for 1.x.
PATTERNS = """
import asyncio
import copy
from typing import Any, AsyncIterator, Iterator, List, Literal, Optional, Protocol, Union
from unittest.mock import Mock
import httpx
from typing_extensions import assert_type
import replicant
from replicant import Client, ModelError, Prediction, ReplicateError, ReplicateException
from replicant.account import Account
from replicant.deployment import Deployment, DeploymentPredictions
from replicant.file import File, FileEncodingStrategy, Files
from replicant.model import Model, Models, Page
from replicant.prediction import Predictions
from replicant.stream import ServerSentEvent
from replicant.training import Trainings
from replicant.version import Versions

client = Client()

def relay(prompt: str) -> Iterator[str]:
    for event in client.stream("a/b", input={"prompt": prompt}):
        yield event.data
        yield f"event: {event.event}\\n"
    for delta in replicant.stream("a/b", input={}):
        yield delta.data
        yield str(delta)

async def arelay() -> AsyncIterator[str]:
    async for event in await client.async_stream("a/b", input={}):
        yield event.data
    async for event in client.async_stream("a/b", input={}):
        yield event.data
    async for event in await replicant.async_stream("a/b", input={}):
        yield event.data

assert_type(client.poll_interval, float)
client.poll_interval = 0.5
client.api_token = "r8_x"
replicant.default_client.poll_interval = 1
replicant.default_client.api_token = "r8_x"
replicant.default_client._api_token = "r8_x"
p = client.predictions.get("x")
assert_type(p.status, Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted"])
d: dict[str, Any] = p.dict(include={"id"}, exclude={"logs"}, exclude_none=True)
s: str = p.json(exclude_none=True)
q: Prediction = p.copy(update={"status": "failed"})
Prediction.parse_obj({})
Prediction.model_validate({})
vars(p); dict(p); copy.copy(client)
options: Predictions.CreatePredictionParams = {"webhook": "https://x"}
strategy: FileEncodingStrategy = "base64"
page: Page[Prediction] = Page(results=[p], next=None, previous=None)
Page[Prediction](results=[p])
e = ServerSentEvent(event=ServerSentEvent.EventType.OUTPUT, data="x", id="1", retry=None)
t: str = e.data
k = e.event
err = ReplicateError(type="a", title="b", status=429, detail="c", instance="d")
err.status = 500
ModelError(Mock(error="x"))
replicant.RateLimitError("slow", response=Mock(), body=None)
replicant.NotFoundError(status=404)
try:
    replicant.run("a/b")
except ModelError as error:
    assert_type(error.prediction, Any)
except ReplicateError as error:
    print(error.status, error.title, error.to_dict())
except ReplicateException as error:
    print(error)
f = replicant.FileOutput("u")
upload: File = client.files.create(b"")
assert_type(client.files.delete(client.files.get(upload)), bool)
assert_type(next(client.map("a/b", [{"value": 1}])).status, Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted", "unknown", "rejected"])
model_params: Models.CreateModelParams = {"hardware": "cpu", "visibility": "private"}
client.models.create("a", "b", **model_params)
file_params: Files.CreateFileParams = {"filename": "x", "metadata": {}}
client.files.create(b"", **file_params)
training_params: Trainings.CreateTrainingParams = {"destination": "a/b", "webhook_events_filter": ["completed"]}
client.trainings.create(version="a/b:c", input={}, **training_params)
model: Model = client.models.get(key="a/b")
visibility: Literal["public", "private"] = model.visibility
client.models.delete(key="a/b")
versions: Versions = model.versions
Versions(client, model=("a", "b")).get("x")
def percentage(progress: Prediction.Progress) -> float:
    return progress.percentage
def instances(release: Deployment.Release) -> int:
    return release.configuration.max_instances
def kind(event: ServerSentEvent.EventType) -> str:
    return event.value
def texts(event: ServerSentEvent) -> Iterator[str]:
    found: ServerSentEvent.EventType = event.event
    yield found.value + event.event.value + event.event.name
DeploymentPredictions(client, client.deployments.get("a/b")).create({})
events = ["start", "completed"]
client.run("a/b", webhook_events_filter=events)
client.predictions.create("x", webhook_events_filter=events)
filtered: Predictions.CreatePredictionParams = {"webhook_events_filter": events}
filtered_training: Trainings.CreateTrainingParams = {"webhook_events_filter": events}
def owner(account: Account) -> str:
    kind: Literal["user", "organization"] = account.type
    return kind
class HasPredictions(Protocol):
    @property
    def predictions(self) -> Predictions: ...
    @property
    def models(self) -> Models: ...
def latest(account: HasPredictions) -> Prediction:
    return account.predictions.list()[0]
latest(client)
def problem(prediction: Prediction) -> Optional[str]:
    return prediction.error
files: List[File] = client.files.list()
etag: str = files[0].etag
cursor: Union[str, "ellipsis", None] = ...
while cursor is not None:
    models = client.models.list(cursor)
    cursor = models.next
for models in replicant.paginate(lambda cur: client.models.list(cur)):
    assert_type(models, Page[Model])
for models in replicant.paginate(client.models.list):
    assert_type(models, Page[Model])
f.url = "x"
replicant.install_as_replicate()
asyncio.run(client.predictions.async_list())
asyncio.run(client.async_run("a/b"))
asyncio.run(client.predictions.async_get("x"))
async def main() -> None:
    t1 = asyncio.create_task(client.predictions.async_list())
    assert_type(await t1, replicant.AsyncPage[Prediction])
    page: Page[Model] = await client.models.async_list()
    async for page in replicant.async_paginate(lambda cur: client.models.async_list(cur)):
        print(page.results)
    files: List[File] = await client.files.async_list()
    print(files)
    t2 = asyncio.create_task(client.async_stream("a/b", {}))
    async for ev in await t2: print(ev.data)
    await asyncio.gather(client.models.async_list(), client.async_run("a/b"))
    loop = asyncio.get_running_loop()
    asyncio.run_coroutine_threadsafe(client.models.async_list(), loop)
    loop.create_task(client.models.async_get("a/b"))
class Mine(Client):
    def __init__(self) -> None:
        super().__init__("x")
        self.history: list[str] = []
    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        response: httpx.Response = super()._request(method, path, **kwargs)
        return response
    async def _async_request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        response: httpx.Response = await super()._async_request(method, path, **kwargs)
        return response
"""


@pytest.mark.parametrize("uses", [USES, PATTERNS], ids=["exact", "patterns"])
@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["pyright"]], ids=lambda c: c[0])
def test_types_are_exact_where_they_are_used(tmp_path: Path, checker: list[str], uses: str) -> None:
    program = shutil.which(checker[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{checker[0]} is not installed")
    source = tmp_path / "uses.py"
    source.write_text(uses)
    # In the folder of the sources, where both find the package without an installation.
    done = subprocess.run(
        [program, *checker[1:], str(source)],
        cwd=ROOT / "python",
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(ROOT / "python")},
    )
    wrong = {
        int(line.split(":")[1])
        for line in done.stdout.splitlines()
        if "error" in line and "uses.py:" in line
    }
    expected = {n for n, line in enumerate(uses.split("\n"), 1) if line.endswith("# error")}
    assert wrong == expected, done.stdout + done.stderr


@pytest.mark.parametrize("hashable", ["Prediction", "Page", "ServerSentEvent"])
def test_mutable_objects_have_no_hash(hashable: str) -> None:
    assert getattr(replicant, hashable).__hash__ is None


def test_everything_public_has_a_type(tmp_path: Path) -> None:
    """Checks a copy in a new environment, because pyright verifies installed packages only."""
    pyright = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if pyright is None:
        pytest.skip("pyright is not installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    shutil.copytree(ROOT / "python/replicant", packages / "replicant")
    done = subprocess.run(
        [pyright, "--verifytypes", "replicant", "--ignoreexternal"],
        cwd=tmp_path,
        env={"VIRTUAL_ENV": str(tmp_path / "env"), "PATH": f"{tmp_path}/env/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert "Type completeness score: 100%" in done.stdout, done.stdout[-3000:]
