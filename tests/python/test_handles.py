"""Handles: `submit`, and the events and results of predictions that other processes follow."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import pickle
from typing import Any

import pytest
from conftest import ENDLESS, TOKEN, Emulator, canceled, eventually, python

import replicant

PROGRESS = {"steps": 8, "step_seconds": 0.2}


def texts(events: list[Any]) -> str:
    return "".join(event.text for event in events if event.type == "logs")


def test_events_are_typed(client: replicant.Client) -> None:
    handle = client.submit("emulator/progress", PROGRESS)
    events = list(handle.events(interval=0.1))
    assert events[-1].type == "end"
    ended = events[-1].prediction
    assert isinstance(ended, replicant.Prediction)
    assert (ended.id, ended.status, events[-1].status) == (handle.id, "succeeded", "succeeded")
    assert texts(events) == ended.logs
    steps = [event.progress for event in events if event.type == "progress"]
    assert all(isinstance(step, replicant.Progress) for step in steps)
    assert steps[-1] == replicant.Progress(1.0, 8, 8)
    assert [event.output for event in events if event.type == "output"] == [8]
    assert [event.index for event in events if event.type == "output"] == [None]
    assert events[0].text is None
    assert "type='status'" in repr(events[0])
    assert replicant.HandleEvent.parse_raw(events[0].json()) == events[0]


async def test_awaited_events_and_results(async_client: replicant.AsyncClient) -> None:
    handle = await async_client.submit("emulator/stream", {"chunks": ["a", "b"], "pause": 0.1})
    outputs = [event.output async for event in handle.events() if event.type == "output"]
    assert outputs == ["a", "b"] == await handle.result()
    prediction = await handle.prediction()
    assert isinstance(prediction, replicant.AsyncPrediction)
    assert prediction.status == "succeeded"
    for each in (prediction, await handle.cancel()):
        assert each._bound is async_client


async def test_twins_of_a_blocking_handle(client: replicant.Client) -> None:
    handle = await client.async_submit("emulator/stream", {"chunks": ["a", "b"]})
    assert isinstance(handle, replicant.Handle)
    assert [event.type async for event in handle.async_events()][-1] == "end"
    assert await handle.async_result() == ["a", "b"]
    for prediction in (await handle.async_prediction(), handle.prediction(), handle.cancel()):
        assert (prediction.id, prediction._bound) == (handle.id, client)


def test_files_in_events_and_results_can_be_read(client: replicant.Client) -> None:
    handle = client.submit("black-forest-labs/flux-schnell", {"prompt": "a heron"})
    files = [event.output for event in handle.events() if event.type == "output"]
    assert [type(file) for file in files] == [replicant.FileOutput]
    assert files[0].read() == handle.result()[0].read()
    urls = [
        event.output for event in handle.events(use_file_output=False) if event.type == "output"
    ]
    assert urls == [files[0].url] == handle.result(use_file_output=False)


READ = """
import json, os, sys, replicant
client = replicant.Client(base_url=sys.argv[1])
given = json.loads(sys.argv[2])
count = 0
for event in client.handle(given["handle"]).events(since=given["since"], interval=0.05):
    print(event.json(), flush=True)
    count += 1
    if count == given["limit"]:
        os._exit(9)
"""


def test_another_process_continues_after_the_last_event(
    client: replicant.Client, emulator: Emulator
) -> None:
    logs = client.submit("emulator/progress", PROGRESS)
    items = client.submit("emulator/stream", {"chunks": ["a", "b", "b", "c"], "pause": 0.3})
    for handle in (logs, items):
        seen: list[dict[str, Any]] = []
        processes = 0
        while not seen or seen[-1]["type"] != "end":
            since = seen[-1]["cursor"] if seen else None
            given = {"handle": handle.json(), "since": since, "limit": 3}
            done = python(READ, emulator.base_url, json.dumps(given))
            assert done.returncode in (0, 9), done.stderr
            seen += map(json.loads, done.stdout.splitlines())
            processes += 1
            assert processes < 50
        assert processes > 1
        ended = seen[-1]["prediction"]
        assert "".join(e["text"] for e in seen if e["type"] == "logs") == (ended["logs"] or "")
        outputs = [event["output"] for event in seen if event["type"] == "output"]
        assert outputs == (ended["output"] if handle is items else [ended["output"]])
        statuses = [event["status"] for event in seen if "status" in event]
        assert len(statuses) == len(set(statuses))
        assert list(handle.events(since=seen[-1]["cursor"])) == []


@pytest.mark.alone
def test_the_end_of_the_process_cancels_nothing(
    client: replicant.Client, emulator: Emulator
) -> None:
    before = canceled(emulator)
    script = """
import sys, replicant
handle = replicant.submit("emulator/endless", {})
next(handle.events())
print(handle.to_json())
"""
    done = python(script, REPLICATE_BASE_URL=emulator.base_url, REPLICATE_API_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    handle = client.handle(done.stdout)
    assert handle.model == ENDLESS
    assert handle.prediction().status == "processing"
    with pytest.raises(replicant.PredictionTimeoutError, match="it continues to run") as caught:
        handle.result(timeout=3)
    assert caught.value.prediction.id == handle.id
    assert canceled(emulator) == before
    assert handle.cancel().id == handle.id
    with pytest.raises(replicant.PredictionCanceledError):
        handle.result()
    assert [event.status for event in handle.events()][-1] == "canceled"


async def test_a_canceled_task_leaves_no_request_behind(emulator: Emulator) -> None:
    stalled = {"expect": {"method": "GET"}, "reply": {"delay_ms": 60_000, "json": {}}}
    for use in ("events", "result"):
        replay = emulator.replay(stalled)
        handle = replicant.AsyncClient(TOKEN, base_url=replay.base_url).handle("p1")

        async def follow(handle: Any = handle, use: str = use) -> None:
            if use == "events":
                async for _ in handle.events():
                    pass
            else:
                await handle.result()

        def requests(replay: Any = replay) -> list[dict[str, Any]]:
            return replay.report()["requests"]

        task = asyncio.create_task(follow())
        await asyncio.to_thread(eventually, lambda: len(requests()) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(eventually, lambda: requests()[0]["closed_by_client"])
        await asyncio.sleep(0.2)
        assert len(requests()) == 1


def test_a_handle_is_plain_data_without_the_token(client: replicant.Client) -> None:
    handle = client.handle({"id": "p1", "model": "acme/text"})
    assert handle.dict() == handle.to_dict() == {"id": "p1", "model": "acme/text"}
    for same in (
        client.handle(handle.json()),
        client.handle(handle),
        client.handle(handle.to_dict()),
        client.handle(replicant.Prediction({"id": "p1", "model": "acme/text", "status": "failed"})),
        copy.deepcopy(handle),
        pickle.loads(pickle.dumps(handle)),
    ):
        assert same == handle
    assert client.handle("p1").dict() == {"id": "p1", "model": None}
    assert repr(handle) == "Handle(id='p1', model='acme/text')"
    assert TOKEN.encode() not in pickle.dumps(handle)
    assert TOKEN not in repr(handle) + handle.json() + str(vars(handle))


def test_temporal_converts_handles() -> None:
    # Its JSON converter writes what has `dict()`, and reads classes that have a class method `parse_obj`.
    for cls in (replicant.Handle, replicant.AsyncHandle):
        written = json.dumps(cls({"id": "p1", "model": None}), default=lambda value: value.dict())
        assert isinstance(inspect.getattr_static(cls, "parse_obj"), classmethod)
        assert cls.parse_obj(json.loads(written)) == cls({"id": "p1", "model": None})


@pytest.mark.parametrize("given", ["", "acme/text", "two words", "{}", "{", 3, None, {}, {"id": 1}])
def test_what_is_not_a_handle_is_an_error(client: replicant.Client, given: Any) -> None:
    with pytest.raises(replicant.InvalidArgumentError, match="`handle` must be the id") as caught:
        client.handle(given)
    assert caught.value.argument == "handle"


def test_errors_of_the_functions_of_the_module(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    monkeypatch.setenv("REPLICATE_BASE_URL", emulator.base_url)
    unknown = pickle.loads(pickle.dumps(replicant.Client("x").handle("nope")))
    with pytest.raises(replicant.NotFoundError, match='no prediction "nope"'):
        next(unknown.events())
    with pytest.raises(TypeError, match="did you mean `input`"):
        replicant.submit(ENDLESS, inputs={})  # type: ignore[call-arg]
    handle = replicant.submit("emulator/echo", {"value": 3})
    assert replicant.handle(handle.id).result() == 3
    cursor = next(handle.events()).cursor
    with pytest.raises(replicant.InvalidArgumentError, match="belongs to prediction"):
        next(replicant.handle("other").events(since=cursor))
