"""The tables of the core match the methods and classes of this package."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from typing import Any, Callable

import pytest
from conftest import ROOT
from test_conformance import FILE_METHODS, FUNCTIONS, method

import replicant
from replicant import _errors, _native

PACKAGE = ROOT / "python/replicant"
NAMES = {*_native.OPERATIONS, *_native.STREAMS, *_native.COMPUTATIONS}


def test_every_operation_is_used_and_every_used_operation_exists() -> None:
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if "_sync" not in path.parts:
            calls = r'(?:_call|_call_raw|_async_call|call|call_async|_list|compute)\(\s*"([\w.]+)"'
            opens = r'Stream\(\s*[\w.]+,\s*"([\w.]+)"'
            text = path.read_text(encoding="utf-8")
            used.update(re.findall(calls, text), re.findall(opens, text))
    # The first is used only by the tests of the options; the second is in no list.
    assert {*used, "options.table"} == {*NAMES, "request.read"}


@pytest.mark.parametrize("mode", ["blocking", "awaited", "twin"])
@pytest.mark.parametrize("operation", sorted({*_native.OPERATIONS, *_native.STREAMS}))
def test_every_operation_has_a_method(operation: str, mode: str) -> None:
    cls = replicant.AsyncClient if mode == "awaited" else replicant.Client
    found = method(cls("token"), operation, {"url": "data:,"}, mode)
    assert callable(found)
    if operation not in FILE_METHODS:
        assert (inspect.getdoc(found) or "").strip(), "a public method needs a docstring"


@pytest.mark.parametrize("operation", sorted(_native.COMPUTATIONS))
def test_every_computation_has_a_function(operation: str) -> None:
    assert operation in FUNCTIONS


def test_every_error_code_has_a_class() -> None:
    listed = json.loads((ROOT / "tests/errors.json").read_text(encoding="utf-8"))
    codes = {entry["code"] for entry in listed}
    assert set(_errors.BY_CODE) == set(_native.ERROR_CODES) == codes
    for code, cls in _errors.BY_CODE.items():
        assert cls.code == code
        assert issubclass(cls, replicant.ReplicateException)
        assert cls.__doc__
        assert getattr(replicant, cls.__name__) is cls


def test_sync_is_derived_from_async() -> None:
    script = ROOT / "python/scripts/unasync.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_public_names_exist_and_are_documented() -> None:
    for name in replicant.__all__:
        found = getattr(replicant, name)
        if inspect.isclass(found):
            assert found.__doc__, name
            for member, value in vars(found).items():
                if member[0] != "_" and inspect.isfunction(value):
                    assert value.__doc__, f"{name}.{member}"
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        replicant.nonsense  # noqa: B018
    assert set(replicant.__all__) <= set(dir(replicant))


def test_parameters_are_documented() -> None:
    missing = []
    for path in sorted((PACKAGE / "_async").glob("*.py")):
        module = __import__(f"replicant._async.{path.stem}", fromlist=["*"])
        for cls in vars(module).values():
            if not inspect.isclass(cls) or cls.__module__ != module.__name__:
                continue
            for name, value in vars(cls).items():
                client = name == "__init__" and cls.__name__ == "AsyncClient"
                if not inspect.isfunction(value) or (name[0] == "_" and not client):
                    continue
                doc = inspect.getdoc(cls if client else value) or ""
                for parameter in inspect.signature(value).parameters:
                    if parameter in ("self", "id"):
                        continue
                    if f"\n    {parameter}:" not in doc:
                        missing.append(f"{cls.__name__}.{name}({parameter})")
    assert not missing


def test_an_unknown_keyword_is_a_type_error_with_a_suggestion() -> None:
    client = replicant.Client("x")

    def message_of(call: Callable[..., Any], *args: Any, **options: Any) -> str:
        with pytest.raises(TypeError) as caught:
            call(*args, **options)
        return str(caught.value)

    wrong = "Client.__init__() got an unexpected keyword argument "
    assert (
        message_of(replicant.Client, api_key="x") == f"{wrong}'api_key'; did you mean `api_token`?"
    )
    assert message_of(replicant.Client, auth="x") == f"{wrong}'auth'; did you mean `api_token`?"
    assert message_of(replicant.AsyncClient, api_tokn="x").endswith("; did you mean `api_token`?")
    assert message_of(client.with_options, retries=1).endswith("; did you mean `max_retries`?")
    for name, instead in {
        "verify": "pass `ca_bundle`, or `http_client=httpx.Client(verify=...)`",
        "limits": "pass `max_connections` and `pool_idle_timeout`",
        "follow_redirects": "omit it: redirects are followed",
        "event_hooks": "pass `on_request` and `on_response`",
        "cookies": "pass `headers={'Cookie': ...}`",
        "params": "pass `default_query`",
        "trust_env": "pass `proxy`, or `http_client=httpx.Client(trust_env=False)`",
    }.items():
        assert message_of(replicant.Client, **{name: 1}) == f"{wrong}{name!r}; {instead}"
        assert message_of(client.with_options, **{name: 1}).endswith(instead)
    for run in (client.run, client.stream, replicant.run, replicant.stream):
        assert message_of(run, "a/b", inputs={}).endswith(
            "argument 'inputs'; did you mean `input`?"
        )
    for create in (
        client.predictions.create,
        client.models.predictions.create,
        client.deployments.predictions.create,
        client.trainings.create,
    ):
        message = message_of(create, "a/b", webhook_event_filter=["start"])
        assert message.endswith("; did you mean `webhook_events_filter`?"), create
    assert message_of(client.run, "a/b", prompt="x").endswith(
        "; options of the model belong in `input`"
    )
    for call, option, calls in [
        (client.predictions.create, "timeout", "`run`, `stream`, `map` and `wait`"),
        (client.predictions.create, "on_abandon", "`run`, `stream` and `map`"),
        (client.submit, "timeout", "`run`, `stream`, `map` and `wait`"),
        (client.stream, "interval", "`run`, `map` and `wait`"),
        (client.run, "save_to", "`map`"),
    ]:
        message = message_of(call, "a/b", **{option: 1})
        assert message.endswith(f"argument {option!r}; it is an option of {calls}")
    assert "webhook" in message_of(client.predictions.create, "a", {}, webhok="")


@pytest.mark.parametrize("body", [b'{"title": "Oops", "detail": "gone"}', b"[1]", b"<html>"])
def test_an_error_can_be_built_from_a_response(body: bytes) -> None:
    httpx = pytest.importorskip("httpx")
    error = replicant.ReplicateError.from_response(httpx.Response(404, content=body))
    assert error.status == 404
    reported = body.startswith(b"{")
    assert (error.title, error.detail) == (("Oops", "gone") if reported else (None, None))
