"""Uses the package in every way that prints something. `test_token.py` searches what it printed for the token."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import replicant

API, PROXY, FOLDER = sys.argv[1:4]
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
warnings.simplefilter("always")


def options(**changes: Any) -> dict[str, Any]:
    return {"base_url": API, "proxy": PROXY, "max_retries": 1, "timeout": 5, **changes}


def show(value: Any) -> None:
    print(repr(value), str(value))
    members = getattr(value, "__dict__", None)
    if members is not None:
        print(members)
    for name in dir(value):
        if name.startswith("_") or name in ("api_token", "bearer_token"):
            continue
        try:
            print(name, repr(getattr(value, name))[:10_000])
        except Exception as error:
            print(name, error)
    for dump in (pickle.dumps, copy.copy, copy.deepcopy):
        try:
            print(repr(dump(value)))
        except Exception as error:
            print(repr(error))


def attempt(call: Callable[[], Any]) -> None:
    try:
        show(call())
    except BaseException as error:
        show(error)
        for cause in (error, error.__cause__, error.__context__):
            if cause is not None:
                kind, frames = type(cause), cause.__traceback__
                told = traceback.TracebackException(kind, cause, frames, capture_locals=True)
                print("".join(told.format()))


def blocking(client: replicant.Client) -> None:
    attempt(lambda: client)
    attempt(lambda: client._native)
    attempt(lambda: client.predictions)
    attempt(lambda: client.account.current())
    attempt(lambda: client.models.list())
    attempt(lambda: client.predictions.create(version="5c7d", input={"image": b"content"}))
    attempt(lambda: client.run("acme/text", {"image": b"content"}))
    attempt(lambda: [*client.stream("acme/text", {})])
    attempt(lambda: client.predictions.get("echo"))
    attempt(lambda: client.predictions.get("broken"))
    attempt(lambda: client.request("GET", "/echo", headers={"x-mine": "1"}))
    attempt(lambda: replicant.FileOutput(f"{API}/v1/files/a", client).save(Path(FOLDER) / "a"))
    attempt(lambda: client.with_raw_response.predictions.get("p1"))
    attempt(lambda: client.webhooks.default.secret())
    attempt(lambda: client.with_options(timeout=1, headers={"x-mine": "1"}))


async def awaited(client: replicant.AsyncClient) -> None:
    for call in (
        lambda: client.predictions.get("p1"),
        lambda: client.predictions.get("echo"),
        lambda: client.run("acme/text", {}),
        lambda: asyncio.wait_for(client.predictions.get("slow"), 0.05),
    ):
        try:
            show(await call())
        except BaseException as error:
            attempt(lambda error=error: (_ for _ in ()).throw(error))  # type: ignore[misc]
    asyncio.get_running_loop().create_task(client.run("acme/text", {}))  # abandoned


def constructors(token: str) -> None:
    given: list[dict[str, Any]] = [
        {"base_url": "nowhere"},
        {"timeout": "soon"},
        {"unknown": 1},
        {"ca_bundle": "missing.pem"},
        {"base_url": "http://api.example"},
        {"base_url": "http://api.example", "require_https": True},
        {"base_url": "http://127.0.0.1:1", "proxy": None},
        {"headers": {"authorization": f"Bearer {token}", "x-key": token}, "timeout": -1},
    ]
    for changes in given:
        for cls in (replicant.Client, replicant.AsyncClient):
            # The program's own frames hold the token, so it is passed where they do not.
            attempt(lambda cls=cls, changes=changes: cls(**options(**changes)))  # type: ignore[misc]


blocking(replicant.Client(**options()))
with replicant.Client(**options(on_abandon="leave")) as second:
    attempt(lambda: second.predictions.get("p1"))
asyncio.run(awaited(replicant.AsyncClient(**options())), debug=True)
constructors("r8_of_a_header")
replicant.base_url, replicant.timeout = API, 3  # type: ignore[attr-defined]
attempt(lambda: replicant.default_client)
raise RuntimeError("the last traceback")
