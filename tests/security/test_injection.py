"""No parameter of any operation can reach another endpoint, another host, or the head of a request.

The table has every operation of the core, with the parameters of its conformance cases and those that the core lists in
the error for an unknown one. A new operation is covered as soon as it exists.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from server import API, TOKEN, Request, Response, Server

import replicant
from replicant import _native

CASES = Path(__file__).resolve().parents[1] / "cases"
MARK = "injected"
PAYLOADS = [
    "",
    ".",
    "..",
    f"../{MARK}",
    f"a/../../{MARK}",
    f"%2e%2e/{MARK}",
    f"..%2f{MARK}",
    f"..\\{MARK}",
    f"x?{MARK}=1",
    f"x&{MARK}=1",
    f"x#{MARK}",
    f"x;{MARK}",
    f"x\r\n{MARK}: 1",
    f"x\n{MARK}: 1",
    f"x HTTP/1.1\r\nhost: evil.example\r\n\r\nGET /{MARK} HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    f"x\0{MARK}",
    f'x"; filename="{MARK}',
    f"//evil.example/{MARK}",
    f"https://evil.example/{MARK}",
    f"http://evil.example/{MARK}",
    f"http://api.localhost@evil.example/{MARK}",
    f"{API}/v1/{MARK}",
    "é\u202e\U0001f680",
]
# These choose among the endpoints that create a prediction by the form of a reference.
CREATES = [
    "map",
    "run",
    "stream",
    "predictions.create",
    "models.predictions.create",
    "deployments.predictions.create",
]
# Parameters whose purpose is to choose where a request goes. The token must still reach the API only.
PLACES = {"path", "cursor", "url", "outputs", "output", "prediction", "base_url"}
OBJECT = {
    "id": "p1",
    "status": "succeeded",
    "output": None,
    "results": [],
    "next": None,
    "key": "whsec_c2VjcmV0",
    "owner": "acme",
    "name": "text",
    "urls": {"get": f"{API}/v1/predictions/p1", "stream": f"{API}/v1/stream/p1"},
}
STREAM = b"event: output\nid: 1\ndata: x\n\nevent: done\nid: 2\ndata: {}\n\n"


def respond(request: Request) -> Response:
    if request.target.startswith(f"{API}/v1/stream/"):
        return Response(200, (("content-type", "text/event-stream"),), STREAM)
    return Response(200, (("content-type", "application/json"),), json.dumps(OBJECT).encode())


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(respond) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> replicant.Client:
    return replicant.Client(
        TOKEN, base_url=API, proxy=server.url, max_retries=0, timeout=10, poll_interval=0.01
    )


def decoded(value: Any) -> Any:
    """Replaces the forms of the cases for bytes and files."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$file" in value:
            return b"a file"
        return {name: decoded(member) for name, member in value.items()}
    if isinstance(value, str):
        return re.sub(r"\{\{(base|origin|other)\}\}", API + "/v1", value)
    return value


def table() -> dict[str, list[dict[str, Any]]]:
    """Returns the parameters of the cases of each operation."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(CASES.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8")):
            call = case["call"]
            if "error" not in case and "{{tmp}}" not in json.dumps(call):
                found.setdefault(call["operation"], []).append(decoded(call.get("params", {})))
    return found


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the paths of the texts in `value`."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))


def replaced(params: dict[str, Any], path: tuple[Any, ...], payload: str) -> dict[str, Any]:
    changed = copy.deepcopy(params)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = payload
    return changed


def without(params: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in params.items() if other != name}


def perform(client: replicant.Client, operation: str, params: dict[str, Any]) -> None:
    """Calls an operation. It may fail in every way that the package declares."""
    try:
        if operation == "map":
            # Without rows, a batch sends nothing.
            list(client.map(params["ref"], [{"prompt": "x"}], **without(params, "ref")))
        elif operation in _native.STREAMS:
            for _ in itertools.islice(_native.Stream(client._native, operation, params), 5):
                pass
        if operation in _native.OPERATIONS:
            client._native.call(operation, params)
    except (replicant.ReplicateException, TypeError, ValueError) as error:
        assert TOKEN not in f"{error!r} {vars(error)}"


def known_parameters(client: replicant.Client, operation: str, params: dict[str, Any]) -> list[str]:
    """Returns the parameters that the core lists in the error for an unknown one."""
    call = client._native.call
    if operation not in _native.OPERATIONS:

        def call(name: str, params: dict[str, Any]) -> Any:  # type: ignore[misc]
            return list(_native.Stream(client._native, name, params))

    with pytest.raises(replicant.ReplicateException) as caught:
        call(operation, {**params, "qqqqqq": 1})
    return re.findall(r"`(\w+)`", str(caught.value).partition("expected")[2])


def parts(request: Request) -> list[str]:
    return urlsplit(request.target).path.split("/")


def check(
    request: Request, like: list[Request], chooses_place: bool, is_file: bool = False
) -> None:
    """Checks one request against those of the same operation with harmless parameters."""
    said = repr(request)
    # Exactly one well-formed head.
    assert re.fullmatch(r"[A-Z]+", request.method) and re.fullmatch(r"[!-~]+", request.target), said
    for name, value in request.headers:
        assert re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name) and name.lower() != MARK, said
        assert "\r" not in value and "\n" not in value, said
    if not request.at_api:
        assert chooses_place, said
        assert TOKEN.encode() not in request.raw, said
        return
    if is_file and parts(request)[:3] != ["", "v1", "files"]:
        # The URL of a file must not read another endpoint.
        assert TOKEN.encode() not in request.raw, said
        return
    assert request.header("authorization") == f"Bearer {TOKEN}", said
    rest = request.raw.replace(f"Bearer {TOKEN}".encode(), b"")
    assert TOKEN.encode() not in rest, said
    if request.body and "json" in (request.header("content-type") or ""):
        json.loads(request.body)
    if chooses_place:
        return
    # The same endpoint: the same method and segments, apart from those that the parameter fills.
    assert any(
        request.method == other.method
        and len(parts(request)) == len(parts(other))
        and parts(request)[:3] == parts(other)[:3]
        for other in like
    ), (said, [(other.method, other.target) for other in like])
    for segment in parts(request)[2:]:
        assert unquote(segment) not in ("", ".", ".."), said
    assert MARK not in dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True)), said


OPERATIONS = sorted({*_native.OPERATIONS, *_native.STREAMS})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_parameter_reaches_elsewhere(
    operation: str, server: Server, client: replicant.Client, tmp_path: Path
) -> None:
    cases = table().get(operation, [])
    if operation.startswith("output.save"):
        place = (
            {"path": str(tmp_path / "a")} if operation == "output.save" else {"dir": str(tmp_path)}
        )
        cases = [{"outputs" if "all" in operation else "url": f"{API}/v1/files/a", **place}]
    assert cases, f"{operation} has no conformance case"
    server.take()
    like: list[Request] = []
    places: dict[tuple[Any, ...], dict[str, Any]] = {}
    for other in CREATES if operation in CREATES else []:
        for params in table()[other][:12]:
            perform(client, other, params)
        like += server.take()
    for params in cases[:6]:
        perform(client, operation, params)
        like += server.take()
        for path in leaves(params):
            places.setdefault(path, params)
    for name in known_parameters(client, operation, cases[0]):
        places.setdefault((name,), {**cases[0], name: ""})
    server.take()
    for path, params in places.items():
        if path[0] in ("dir", "checkpoint", "save_to") or (
            operation == "output.save" and path[0] == "path"
        ):
            continue
        for payload in PAYLOADS:
            perform(client, operation, replaced(params, path, payload))
            for request in server.take():
                place = path[0] in PLACES or operation == "request"
                check(request, like, place, operation.startswith("output."))


def test_no_option_of_a_request_reaches_its_head(server: Server, client: replicant.Client) -> None:
    perform(client, "account.get", {})
    like = server.take()
    for payload in PAYLOADS:
        for options in (
            {"headers": {"x-mine": payload}},
            {"headers": {f"x-{payload}": "1"}},
            {"query": {"mine": payload}},
            {"query": {payload: "1"}},
        ):
            perform(client, "account.get", {"request_options": options})
            for request in server.take():
                target = urlsplit(request.target)
                named = {name for name, _ in parse_qsl(target.query, keep_blank_values=True)}
                assert named <= {"mine", payload}, request
                check(request._replace(target=target._replace(query="").geturl()), like, False)
        for option in ("user_agent", "base_url"):
            try:
                other = client.with_options(**{option: payload})  # type: ignore[misc]
            except replicant.ReplicateException:
                continue
            perform(other, "account.get", {})
            for request in server.take():
                assert MARK not in [name.lower() for name, _ in request.headers], request
