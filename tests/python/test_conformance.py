"""Runs the conformance cases in `tests/cases`: blocking, with AsyncClient, and with the `async_` methods of Client."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import ROOT, Emulator

import replicant
from replicant import _native
from replicant._core_options import PUBLIC_NAMES
from replicant._dumps import plain
from replicant._errors import BY_CODE
from replicant._files import FileOutput
from replicant._progress import Progress
from replicant._response import RawResponse

CASES = [
    pytest.param(json.dumps(case), id=f"{path.stem}:{case['name']}")
    for path in sorted((ROOT / "tests/cases").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]
MODES = ("blocking", "awaited", "twin")

# Operations that are methods of a file output.
FILE_METHODS = {
    "output.bytes": ("read", "aread"),
    "output.save": ("save", "asave"),
    "output.head": ("head", "ahead"),
    "output.read": ("__iter__", "__aiter__"),
}

# Operations that are methods of a handle.
HANDLE_METHODS = {"predictions.result": "result", "predictions.watch": "events"}

# Operations whose method is not at `client.<operation>`.
NAMES = {"output.save_all": "save_all"}


def verify(**params: Any) -> Any:
    """Calls `webhooks.validate`, which takes the three header parameters as headers."""
    headers = dict(params.pop("headers", {}))
    for name in ("id", "timestamp", "signature"):
        if name in params:
            headers[f"webhook-{name}"] = str(params.pop(name))
    return replicant.Client("x").webhooks.validate(headers=headers, **params)


def parse_progress(logs: Any) -> Any:
    found = Progress.parse(logs if isinstance(logs, str) else logs.get("logs") or "")
    return None if found is None else found._asdict()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "map.push": lambda **params: replicant._native.compute("map.push", params),
    "map.row": lambda **params: replicant._native.compute("map.row", params),
    "map.stats": lambda **params: replicant._native.compute("map.stats", params),
    "map.stop": lambda **params: replicant._native.compute("map.stop", params),
    "handle.parse": lambda handle: replicant.Client("x").handle(handle).dict(),
    "file.name": lambda **params: replicant._native.compute("file.name", params),
    "identifier.parse": lambda ref: replicant.ModelVersionIdentifier.parse(ref)._asdict(),
    "progress.parse": parse_progress,
    "options.advice": lambda **params: replicant._native.compute("options.advice", params),
    "response.describe": lambda **params: replicant._native.compute("response.describe", params),
    "options.table": lambda: replicant._native.compute("options.table", {}),
    "webhooks.verify": verify,
}


def method(
    client: Any, operation: str, params: dict[str, Any], mode: str, stream: bool = False
) -> Callable[..., Any]:
    """Returns the public method of an operation."""
    if operation in FILE_METHODS:
        file = FileOutput(params.pop("url"), client)
        if stream:
            return lambda: file
        return getattr(file, FILE_METHODS[operation][mode != "blocking"])
    if operation in FUNCTIONS:
        return FUNCTIONS[operation]
    if operation in HANDLE_METHODS:
        name = HANDLE_METHODS[operation]
        handle = client.handle(params.pop("id", "p1"))
        return getattr(handle, f"async_{name}" if mode == "twin" else name)
    *names, last = NAMES.get(operation, operation).split(".")
    for name in names:
        client = getattr(client, name)
    if operation == "map":
        # Its results are for both kinds of loops.
        return getattr(client, last)
    return getattr(client, f"async_{last}" if mode == "twin" else last)


def revive(value: Any, folder: Path) -> Any:
    """Returns the arguments of a case, with its files and bytes."""
    if isinstance(value, list):
        return [revive(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    if "$file" in value:
        return SameFile.at(folder, value["$file"])
    return {name: revive(member, folder) for name, member in value.items()}


class SameFile:
    """The files of a case by name; a name that occurs twice is one file."""

    @staticmethod
    def at(folder: Path, file: dict[str, str]) -> Path:
        path = folder / file["filename"]
        content = file["text"].encode() if "text" in file else base64.b64decode(file["base64"])
        path.write_bytes(content)
        return path


def shown(value: Any) -> Any:
    """Returns a result as plain JSON: files as their URLs, bytes as `$bytes`."""
    if isinstance(value, replicant.ServerSentEvent):
        kind = value.event.value
        event = {"event": kind, "data": str(value.data), "id": value.id, "retry": value.retry}
        return {
            name: member
            for name, member in event.items()
            if member not in (None, "") or name == "data"
        }
    if isinstance(value, replicant.MapItem):
        error = None if value.error is None else value.error.code
        return {**value.to_dict(), "error": error}
    if isinstance(value, (replicant.Page, replicant.AsyncPage)):
        return value.to_dict()
    if isinstance(value, RawResponse):
        return value.json()
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, list):
        return [shown(item) for item in value]
    return plain(value, lambda each: each.to_dict())


def same(actual: Any, expected: Any) -> bool:
    """Whether a result is the expected one; `{{any}}` matches any value, `1` also `1.0`."""
    if expected == "{{any}}":
        return True
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and actual.keys() == expected.keys()
            and all(same(actual[name], expected[name]) for name in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected)
            and all(map(same, actual, expected))
        )
    return actual == expected and isinstance(actual, bool) is isinstance(expected, bool)


def make(cls: type, options: dict[str, Any]) -> Any:
    """Builds a client with options of the core; `clock_rate`, which only tests need, is not public."""
    clock_rate = options.pop("clock_rate", None)
    client = cls(**{PUBLIC_NAMES.get(name, name): value for name, value in options.items()})
    if clock_rate is not None:
        client._set_option("clock_rate", clock_rate)
    return client


async def play(text: str, emulator: Emulator, mode: str, folder: Path) -> None:
    replay = emulator.replay_text(text)
    places = {
        "base": replay.base_url,
        "origin": replay.origin,
        "other": replay.other,
        "tmp": str(folder),
    }
    for name, place in places.items():
        text = text.replace("{{" + name + "}}", place)
    case = json.loads(text)
    cls = replicant.AsyncClient if mode == "awaited" else replicant.Client
    client = make(cls, {"token": "r8_test", "base_url": replay.base_url, **case.get("client", {})})
    call = case["call"]
    own = revive(call.get("python", {}), folder)
    params = own.get("kwargs", {}) if own else revive(call["params"], folder)
    streams = call.get("stream", False)
    if call["operation"] == "map":
        rows = revive(call["rows"], folder)
        keyed = any("key" in row for row in rows)
        params.update(rows=rows, input="input", key="key" if keyed else None)
        for name, content in case.get("files", {}).items():
            (folder / name).write_text(content, encoding="utf-8")
    items: list[Any] = []
    result: Any = None
    error: Exception | None = None
    try:
        if call["operation"] in ("files.get", "files.delete") and "id" in params:
            params["file_id"] = params.pop("id")
        if call["operation"] == "run" and not own.get("args"):
            # With an observer, `run` waits for the output and does not fetch the schema of a pinned version, a
            # request that the cases do not expect.
            params.setdefault("on_update", lambda prediction: None)
        found = method(client, call["operation"], params, mode, streams)
        got = found(*own.get("args", ()), **params)
        if not streams:
            result = await got if inspect.isawaitable(got) else got
        else:
            # A page iterates over its own items; the cases list the items of all pages.
            got = got.auto_paging_iter() if hasattr(got, "auto_paging_iter") else got
            items.extend(got if mode == "blocking" else [item async for item in got])
    except replicant.ReplicateException as caught:
        error = caught
    if "error" in case:
        assert error is not None, f"no error, but {items or result!r}"
        check_error(error, case["error"])
    elif error is not None:
        raise error
    if "result" in case:
        assert same(shown(result), case["result"]), f"{shown(result)} is not {case['result']}"
    if "content" in case:
        assert base64.b64encode(b"".join(items)).decode() == case["content"]
    if call["operation"] == "map" and error is None:
        check_batch(items, got.stats, case)
    elif "items" in case:
        flat = [item for page in items for item in (page["results"] if is_page(page) else [page])]
        assert same(shown(flat), case["items"]), f"{shown(flat)} is not {case['items']}"
    await asyncio.to_thread(_native.drain, 5.0)
    replay.check()


def check_batch(items: list[Any], stats: Any, case: dict[str, Any]) -> None:
    """Checks the listed members of the results and of the progress at the end."""
    found = [shown(item) for item in sorted(items, key=lambda item: item.index)]
    assert len(found) == len(case["items"]), found
    found.append(stats._asdict())
    for actual, expected in zip(found, [*case["items"], case.get("stats", {})]):
        assert same({name: actual[name] for name in expected}, expected), actual


def is_page(item: Any) -> bool:
    """Whether this is a page of `paginate`."""
    return isinstance(item, dict) and "results" in item


def check_error(error: Any, expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if name == "code":
            assert type(error) is BY_CODE[value], repr(error)
            assert error.code == value
        elif name == "message_contains":
            for part in [value] if isinstance(value, str) else value:
                assert part in error.message
        elif name == "outcome_unknown":
            assert error.outcome_unknown is value
        elif name == "prediction":
            assert same(error.prediction.to_dict(), value)
        else:
            assert same(shown(getattr(error, name)), value), f"{name}: {getattr(error, name)}"
    assert "r8_test" not in repr(error) + str(error) + repr(error.__dict__)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
async def test_case(case: str, mode: str, emulator: Emulator, tmp_path: Path) -> None:
    await play(case, emulator, mode, tmp_path)
