"""The public methods take exactly the options that the core declares."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any, Callable, Literal, get_args, get_origin, get_type_hints

import pytest
from conftest import ROOT

import replicant
from replicant import _native, _options
from replicant._client_base import _OF_A_REQUEST
from replicant._core_options import CORE_NAMES, LOCAL, PUBLIC_NAMES
from replicant._option_docs import option_docs

TABLE: dict[str, list[dict[str, Any]]] = _native.compute("options.table", {})
DOCS = option_docs((ROOT / "python/replicant/_options.py").read_text(encoding="utf-8"))

# Options that only Python has: HTTP transports and callbacks.
PYTHON_ONLY = {
    "client": set(LOCAL),
    "run": {"on_update", "progress"},
    "wait": {"on_update", "progress"},
    "map": {"progress", "drain"},
}
# Options that Python omits: `client.request()` sends any body.
CORE_ONLY = {"request": {"body"}}

Client, AsyncClient = replicant.Client, replicant.AsyncClient
SYNC, ASYNC = Client("x"), AsyncClient("x")
FUNCTIONS: dict[str, list[Callable[..., Any]]] = {
    "client": [
        Client.__init__,
        AsyncClient.__init__,
        Client.with_options,
        AsyncClient.with_options,
    ],
    "run": [replicant.run, replicant.async_run, SYNC.run, SYNC.async_run, ASYNC.run],
    "map": [SYNC.map, ASYNC.map],
    "stream": [
        replicant.stream,
        replicant.async_stream,
        SYNC.stream,
        SYNC.async_stream,
        ASYNC.stream,
    ],
    "wait": [
        SYNC.predictions.wait,
        SYNC.predictions.async_wait,
        ASYNC.predictions.wait,
        replicant.Prediction.wait,
        replicant.Prediction.async_wait,
        replicant.AsyncPrediction.wait,
    ],
    "create": [
        create
        for sync, awaited in [
            (SYNC.predictions, ASYNC.predictions),
            (SYNC.models.predictions, ASYNC.models.predictions),
            (SYNC.deployments.predictions, ASYNC.deployments.predictions),
            (
                replicant.Deployment({"owner": "a", "name": "b"}).predictions,
                replicant.AsyncDeployment({"owner": "a", "name": "b"}).predictions,
            ),
        ]
        for create in (sync.create, sync.async_create, awaited.create)
    ],
    "train": [SYNC.trainings.create, SYNC.trainings.async_create, ASYNC.trainings.create],
}
# Parameters that name what to run and its input; not options.
SUBJECTS = {
    "self",
    "ref",
    "input",
    "rows",
    "key",
    "id",
    "version",
    "model",
    "deployment",
    "owner",
    "name",
    "destination",
}


def names_of(function: Callable[..., Any]) -> set[str]:
    """Returns the core's names of the options that a function takes."""
    names: set[str] = set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            kind = re.fullmatch(r"Unpack\[(\w+)\]", parameter.annotation)
            assert kind, f"{function.__qualname__} takes any keyword"
            names |= getattr(_options, kind[1]).__optional_keys__
        else:
            names.add(parameter.name)
    return {CORE_NAMES.get(name, name) for name in names - SUBJECTS}


def test_the_tests_cover_every_table() -> None:
    assert set(TABLE) == {*FUNCTIONS, "request"}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_every_function_takes_the_options_of_the_core(kind: str) -> None:
    expected = {option["name"] for option in TABLE[kind]}
    for function in FUNCTIONS[kind]:
        assert names_of(function) - PYTHON_ONLY.get(kind, set()) == expected, function.__qualname__


def test_every_option_of_a_request_keeps_the_connections_of_the_client() -> None:
    expected = {option["name"] for option in TABLE["request"]} - CORE_ONLY["request"]
    assert set(_OF_A_REQUEST) == expected
    keys = replicant.RequestOptions.__optional_keys__
    assert {CORE_NAMES.get(name, name) for name in keys} == expected
    samples: dict[str, Any] = {"timeout": 3, "max_retries": 1}
    for name in keys:
        derived = SYNC.with_options(**{name: samples.get(name, {"x": "y"})})
        assert derived._native is SYNC._native, name


TYPES = {"string": str, "path": os.PathLike[str], "number": float, "integer": int, "boolean": bool}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_every_option_has_the_type_of_the_core(kind: str) -> None:
    hints = {
        name: hint
        for options in (
            _options.ClientOptions,
            _options.RunOptions,
            _options.CreateOptions,
            _options.MapOptions,
        )
        for name, hint in get_type_hints(options).items()
        if (kind == "client") == (options is _options.ClientOptions)
    }
    for option in TABLE[kind]:
        hint = hints.get(option["name"])
        if hint is None:
            continue
        for word in option["type"].split(" | "):
            assert word not in TYPES or TYPES[word] in get_args(hint), option
        literals = [arg for arg in get_args(hint) if get_origin(arg) is Literal]
        if literals and option["name"] in ("on_abandon", "errors"):
            assert list(get_args(literals[0])) == option["type"].split(" | ")


def test_every_option_is_documented_with_its_unit() -> None:
    seconds = {o["name"] for options in TABLE.values() for o in options if o["unit"] == "seconds"}
    for kind, docs in DOCS.items():
        if not kind.endswith("Options"):
            continue
        assert docs.keys() == getattr(_options, kind).__optional_keys__
        for name, text in docs.items():
            assert text[0].isupper() and text.endswith("."), f"{kind}.{name}"
            assert name not in seconds or text.startswith("Seconds"), f"{kind}.{name}"


@pytest.mark.parametrize("cls", [Client, AsyncClient])
def test_every_client_option_reaches_the_core(cls: Any) -> None:
    samples = {
        "string": "http://127.0.0.1:9",
        "path": Path("/nowhere"),
        "number": 3,
        "integer": 3,
        "boolean": False,
    }
    public = PUBLIC_NAMES
    for option in TABLE["client"]:
        name = option["name"]
        if name in ("headers", "query"):
            continue
        sample = samples.get(option["type"], option["type"].split(" | ")[0])
        if name not in ("ca_bundle", "client_cert", "client_key", "client_key_password"):
            client = cls(**{public.get(name, name): sample})
            shown = client._native.describe().get(name, sample)
            assert str(shown).startswith(str(sample)) or name == "file_encoding_strategy"
        with pytest.raises(replicant.InvalidArgumentError) as refused:
            cls(**{public.get(name, name): ["x"]})
        assert refused.value.argument == public.get(name, name)
        assert f"`{public.get(name, name)}`" in str(refused.value)


def test_an_error_has_the_argument_it_is_about(client: replicant.Client) -> None:
    with pytest.raises(replicant.InvalidArgumentError) as refused:
        client.run("a/b", {}, interval=-1)
    assert refused.value.argument == "interval"
    assert replicant.ReplicateException("x").argument is None


# `SYNC` for calls that would send a request if they accepted the option.
INFINITE: dict[str, Callable[[float], Any]] = {
    "timeout": lambda value: replicant.Client("t", timeout=value),
    "poll_interval": lambda value: replicant.AsyncClient("t", poll_interval=value),
    "max_retries": lambda value: SYNC.with_options(max_retries=value),  # type: ignore[arg-type]
    "idle_timeout": lambda value: setattr(SYNC, "idle_timeout", value),
    "interval": lambda value: SYNC.run("a/b", {}, interval=value),
    "cancel_after": lambda value: SYNC.predictions.create("a/b", {}, cancel_after=value),
    "max_error_rate": lambda value: list(SYNC.map("a/b", [{}], max_error_rate=value)),
    "timeout of a handle": lambda value: SYNC.handle("p1").result(timeout=value),
}


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
@pytest.mark.parametrize("case", INFINITE)
def test_an_infinite_number_is_refused_as_an_option(case: str, value: float) -> None:
    name = case.partition(" ")[0]
    expected = f"^`{name}` must be a finite number, not {value}; omit it for the default$"
    with pytest.raises(replicant.InvalidArgumentError, match=expected) as refused:
        INFINITE[case](value)
    assert refused.value.argument == name
