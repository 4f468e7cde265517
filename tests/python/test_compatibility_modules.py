"""Modules, functions and the default client are those of replicate 1.0.7."""

from __future__ import annotations

import importlib
import io
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from conftest import Emulator, python

import replicant

# The names of `replicate` 1.0.7 by module.
NAMES = {
    "account": "Account Accounts",
    "client": "Client",
    "collection": "Collection Collections",
    "deployment": "Deployment Deployments",
    "exceptions": "ReplicateException ModelError ReplicateError",
    "file": "File Files",
    "hardware": "Hardware",
    "helpers": "FileOutput base64_encode_file transform_output",
    "identifier": "ModelVersionIdentifier",
    "model": "Model Models",
    "pagination": "Page",
    "prediction": "Prediction Predictions",
    "run": "run async_run _has_output_iterator_array_type make_schema_backwards_compatible",
    "schema": "make_schema_backwards_compatible version_has_no_array_type",
    "stream": "ServerSentEvent stream async_stream",
    "training": "Training Trainings",
    "version": "Version Versions",
    "webhook": "Webhooks WebhookSigningSecret InvalidSecretKeyError InvalidSignatureError "
    "InvalidTimestampError MissingWebhookBodyError MissingWebhookHeaderError WebhookValidationError",
}


@pytest.mark.parametrize("module", NAMES)
def test_module_paths_of_1x_can_be_imported(module: str) -> None:
    found = importlib.import_module(f"replicant.{module}")
    for name in NAMES[module].split():
        assert hasattr(found, name), name


def test_submodules_need_no_import_statement() -> None:
    # The submodules that `import replicate` loads, except those with the name of a function or namespace.
    modules = sorted(set(NAMES) - {"account", "hardware", "run", "stream"})
    for module in modules:
        done = python(f"import replicant; print(replicant.{module}.__name__)")
        assert done.stdout == f"replicant.{module}\n", done.stderr


@pytest.mark.parametrize(
    ("cog_version", "old"),
    [
        ("0.3.8", True),
        ("v0.3", True),
        ("0.3.9-beta1", True),
        ("0.3.9.dev4+g12ab", True),
        ("0.3.9", False),
        ("0.3.9+local", False),
        ("0.10.0a5", False),
        ("1", False),
        ("dev", None),
        ("", None),
        (None, None),
    ],
)
def test_outputs_of_old_versions_are_iterators(cog_version: Any, old: Any) -> None:
    from replicant.run import _has_output_iterator_array_type as iterates
    from replicant.run import make_schema_backwards_compatible
    from replicant.schema import version_has_no_array_type

    def version(output: dict[str, str]) -> replicant.Version:
        schema = {"components": {"schemas": {"Output": output}}}
        return replicant.Version(cog_version=cog_version, openapi_schema=schema)

    assert version_has_no_array_type(cog_version) is old
    assert version_has_no_array_type("1" + "a-" * 10_000 + "!") is None
    assert iterates(version({"type": "array"})) is bool(old)
    assert iterates(version({"type": "array", "x-cog-array-type": "iterator"}))
    assert not iterates(version({"type": "string"}))
    assert not iterates(replicant.Version(id="v", cog_version=cog_version))
    schema = version({"type": "array"}).openapi_schema or {}
    assert make_schema_backwards_compatible(schema, cog_version) is schema


def test_an_open_file_becomes_a_data_url(tmp_path: Path) -> None:
    from replicant.helpers import base64_encode_file

    path = tmp_path / "a.png"
    path.write_bytes(b"\x00\xff")
    with path.open("rb") as file:
        file.read()
        assert base64_encode_file(file) == "data:image/png;base64,AP8="
    assert base64_encode_file(io.BytesIO(b"a")) == "data:application/octet-stream;base64,YQ=="
    assert base64_encode_file(io.StringIO("é")) == "data:application/octet-stream;base64,w6k="


def test_functions_can_be_called_after_their_modules_are_imported(emulator: Emulator) -> None:
    script = """
from replicant.stream import ServerSentEvent
from replicant.run import run
from replicant.hardware import Hardware
from replicant.account import Account
import replicant
assert replicant.run("emulator/echo", {"value": 1}) == run("emulator/echo", {"value": 1}) == 1
events = list(replicant.stream("emulator/echo", {"value": "x"}))
assert isinstance(events[0], ServerSentEvent)
assert isinstance(replicant.hardware.list()[0], Hardware)
assert isinstance(replicant.account.get(), Account)
print("good")
"""
    done = python(script, REPLICATE_BASE_URL=emulator.base_url)
    assert done.stdout == "good\n", done.stderr


@pytest.mark.alone
async def test_functions_of_modules_take_a_client(emulator: Emulator) -> None:
    from replicant.run import async_run, run
    from replicant.stream import async_stream, stream

    client = replicant.Client("r8_user", base_url=emulator.base_url)
    emulator.forget()
    inputs, chunks = {"value": 1}, {"chunks": ["a", "b"]}
    assert run(client, "emulator/echo", inputs) == 1
    assert run(client=client, ref="emulator/echo", input=inputs, wait=False) == 1
    assert run(client, "emulator/echo") == {}
    assert pickle.loads(pickle.dumps(run)) is run
    assert await async_run(client, "emulator/echo", inputs) == 1
    assert "".join(map(str, stream(client, "emulator/stream", chunks))) == "ab"
    events = await async_stream(client, "emulator/stream", input=chunks)
    assert "".join([str(event) async for event in events]) == "ab"
    tokens = {request["headers"].get("authorization") for request in emulator.requests()}
    assert tokens == {"Bearer r8_user"}


def test_functions_whose_modules_are_imported_can_be_pickled_and_inspected() -> None:
    script = """
import copy, inspect, pickle, cloudpickle, pydantic
from replicant.stream import ServerSentEvent
from replicant.run import run
import replicant, replicant.account, replicant.webhooks

def task():
    return replicant.stream, replicant.run, replicant.account, replicant.webhooks

assert pickle.loads(cloudpickle.dumps(task))() == task()
assert pickle.loads(pickle.dumps(replicant.run)) is replicant.run
assert copy.deepcopy({"tool": replicant.run})["tool"] is replicant.run
assert inspect.signature(replicant.run) == inspect.signature(run)
assert list(inspect.signature(replicant.run).parameters) == ["ref", "input", "options"]
pydantic.validate_call(run)
print("good")
"""
    done = python(script)
    assert done.stdout == "good\n", done.stderr


def test_the_module_is_a_client_configured_by_the_environment(emulator: Emulator) -> None:
    script = """
import os, sys, replicant, asyncio
os.environ["REPLICATE_API_TOKEN"] = "late"
os.environ["REPLICATE_BASE_URL"] = sys.argv[1]
os.environ["REPLICATE_POLL_INTERVAL"] = "0.01"
prediction = replicant.predictions.create(model="emulator/echo", input={"value": 1})
prediction.wait()
assert prediction.output == 1
assert asyncio.run(replicant.async_run("emulator/echo", {"value": 2})) == 2
assert replicant.default_client.poll_interval == 0.01
pages = list(replicant.paginate(replicant.predictions.list))
assert prediction.id in [p.id for page in pages for p in page]
print("good")
"""
    for url in (emulator.base_url, emulator.origin):
        done = python(script, url)
        assert done.stdout == "good\n", done.stderr


@pytest.mark.alone
def test_the_token_of_a_cog_scope_takes_precedence(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    from replicant._default import _DefaultClient

    scope = types.SimpleNamespace(context={"replicate_api_token": "of-the-run"})
    cog = types.SimpleNamespace(current_scope=lambda: scope)
    monkeypatch.setitem(sys.modules, "cog", cog)  # type: ignore[arg-type]
    monkeypatch.setenv("REPLICATE_API_TOKEN", "of-the-machine")
    monkeypatch.setenv("REPLICATE_BASE_URL", emulator.base_url)
    for token, sent in (("of-the-run", "Bearer of-the-run"), ("", None), (None, None)):
        scope.context["replicate_api_token"] = token
        emulator.forget()
        _DefaultClient().predictions.list()
        assert emulator.requests()[-1]["headers"].get("authorization") == sent
