"""Plays `tests/cases/*.json` through the clients: blocking, awaited, and awaited on the blocking one."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import ROOT, TOKEN, Emulator

import replicant
from replicant._errors import BY_CODE
from replicant._files import FileOutput
from replicant._native import OPERATIONS
from replicant._object import plain
from replicant._progress import Progress
from replicant._webhook import validate

CASES = [
    pytest.param(case, id=f"{path.stem}:{case['name']}")
    for path in sorted((ROOT / "tests/cases").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]
MODES = ("blocking", "awaited", "twin")

# Operations whose method is not found at `client.<operation>`; the rest of the parameters are keywords.
FILE_METHODS = {
    "output.bytes": ("read", "aread"),
    "output.save": ("save", "asave"),
    "output.head": ("head", "ahead"),
    "output.read": ("__iter__", "__aiter__"),
}


def verify(**params: Any) -> Any:
    """`webhooks.verify`, whose three header parameters Python takes as headers."""
    headers = dict(params.pop("headers", {}))
    for name in ("id", "timestamp", "signature"):
        if name in params:
            headers[f"webhook-{name}"] = str(params.pop(name))
    return {"event": validate(headers=headers, **params)}


def parse_progress(logs: Any) -> Any:
    found = Progress.parse(logs if isinstance(logs, str) else logs.get("logs") or "")
    return None if found is None else found._asdict()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "identifier.parse": lambda ref: replicant.ModelVersionIdentifier.parse(ref)._asdict(),
    "progress.parse": parse_progress,
    "webhooks.verify": verify,
}


def method(
    client: Any, operation: str, params: dict[str, Any], mode: str, stream: bool = False
) -> Callable[..., Any]:
    """The public method that carries out an operation."""
    if operation in FILE_METHODS:
        file = FileOutput(params.pop("url"), client)
        return getattr(file, FILE_METHODS[operation][mode != "blocking"])
    if operation in FUNCTIONS:
        return FUNCTIONS[operation]
    pages = stream and operation in OPERATIONS
    *names, last = operation.split(".")
    for name in names:
        client = getattr(client, name)
    found = getattr(client, f"async_{last}" if mode == "twin" else last)
    if not pages:
        return found
    return lambda **kwargs: found(**kwargs).pages()


def unpack(value: Any, places: dict[str, str]) -> Any:
    """A case's value with its placeholders filled in and its files made."""
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace("{{" + name + "}}", place)
        return value
    if isinstance(value, list):
        return [unpack(item, places) for item in value]
    if isinstance(value, dict):
        if "$bytes" in value:
            return unpack(value["$bytes"], places).encode()
        if "$path" in value:
            return Path(unpack(value["$path"], places))
        return {unpack(name, places): unpack(item, places) for name, item in value.items()}
    return value


def shown(value: Any) -> Any:
    """A result as plain data."""
    if isinstance(value, replicant.ServerSentEvent):
        kind = value.event.value if isinstance(value.event, replicant.EventType) else value.event
        event = {
            "event": kind,
            "data": plain(value.data),
            "id": value.id or None,
            "retry": value.retry,
        }
        return {name: member for name, member in event.items() if member is not None}
    if isinstance(value, (replicant.Page, replicant.AsyncPage)):
        return value.dict()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [shown(item) for item in value]
    return plain(value)


def make(cls: type, options: dict[str, Any]) -> Any:
    """A client with options of the core, of which some are for tests only."""
    client = cls.__new__(cls)
    client._setup(options)
    return client


async def play(case: dict[str, Any], emulator: Emulator, mode: str) -> None:
    replay = emulator.replay(*case["exchanges"])
    places = {"base": replay.base_url, "origin": replay.origin, "other": replay.other}
    cls = replicant.AsyncClient if mode == "awaited" else replicant.Client
    options = {
        "token": TOKEN,
        "base_url": replay.base_url,
        **unpack(case.get("client", {}), places),
    }
    call = unpack(case["call"], places)
    own = call.get("python", {})
    params = dict(own.get("kwargs", {} if "args" in own else call.get("params", {})))
    items: list[Any] = []
    result: Any = None
    error: Exception | None = None
    try:
        client = make(cls, options)
        streams = bool(call.get("stream") or "items" in case)
        found = method(client, call["operation"], params, mode, streams)
        got = found(*own.get("args", ()), **params)
        if streams and mode == "blocking":
            for item in got:
                items.append(shown(item))
        elif streams:
            async for item in got:
                items.append(shown(item))
        else:
            result = await got if inspect.isawaitable(got) else got
    except replicant.ReplicateException as caught:
        error = caught
    expected = unpack(case.get("error"), places)
    if expected is None and error is not None:
        raise error
    if expected is not None:
        assert error is not None, f"no error, but {items or result!r}"
        check_error(error, expected)
    if "result" in case:
        assert shown(result) == unpack(case["result"], places)
    if "items" in case:
        assert items == unpack(case["items"], places)
    replay.check()


def check_error(error: Any, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if name == "code":
            assert type(error) is BY_CODE[value], repr(error)
            assert error.code == value
        elif name == "message_contains":
            for part in [value] if isinstance(value, str) else value:
                assert part in str(error)
        elif name == "prediction":
            found = error.prediction.dict()
            assert {key: found.get(key) for key in value} == value
        elif name == "outcome_unknown":
            assert error._fields.get("outcome_unknown", False) is value
        else:
            assert shown(getattr(error, name)) == value, name
    assert TOKEN not in repr(error) + str(error) + repr(error.__dict__)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
async def test_case(case: dict[str, Any], mode: str, emulator: Emulator) -> None:
    await play(case, emulator, mode)
