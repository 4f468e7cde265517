"""Hooks, and the response of a successful call."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import json
import pickle
import threading
from typing import Any

import pytest
from conftest import TOKEN, Emulator, canceled, eventually, python

import replicant
from replicant import RequestEvent, ResponseEvent, RetryEvent

USER = contextvars.ContextVar("user", default="nobody")
ANSWER: dict[str, Any] = {
    "json": {"id": "p1", "status": "succeeded", "output": None},
    "headers": {"x-request-id": "q2", "ratelimit-remaining": "599", "ratelimit-reset": "1"},
}


class Recorder:
    """Hooks that keep what they receive."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.where: set[tuple[int, str]] = set()

    def keep(self, event: Any) -> None:
        self.seen.append(event)
        self.where.add((threading.get_ident(), USER.get()))

    def options(self) -> dict[str, Any]:
        return {"on_request": self.request, "on_response": self.keep, "on_retry": self.keep}

    def request(self, request: RequestEvent) -> None:
        self.keep(request)
        assert "authorization" not in request.headers
        request.headers["X-Tenant"] = "acme"
        del request.headers["user-agent"]


def expected(reply: dict[str, Any]) -> dict[str, Any]:
    headers = {"x-tenant": "acme", "user-agent": None, "authorization": f"Bearer {TOKEN}"}
    return {"expect": {"method": "GET", "headers": headers}, "reply": reply}


def check(recorder: Recorder) -> None:
    kinds = [type(event) for event in recorder.seen]
    assert kinds == [RequestEvent, ResponseEvent, RetryEvent, RequestEvent, ResponseEvent]
    first, busy, retry, second, done = recorder.seen
    assert len({event.request for event in recorder.seen}) == 1
    assert (first.method, first.attempt, second.attempt) == ("GET", 1, 2)
    assert first.url.endswith("/predictions/p1")
    assert busy.status_code == 503
    assert (retry.code, retry.status_code, retry.attempt) == ("server_error", 503, 1)
    assert done.request_id == "q2"
    assert done.rate_limit == (None, 599, 1.0)
    assert done.headers["X-Request-Id"] == "q2"
    assert done.duration >= 0
    assert TOKEN not in repr(recorder.seen)
    assert recorder.where == {(threading.get_ident(), "ada")}


def test_hooks_run_in_the_context_of_a_blocking_call(emulator: Emulator) -> None:
    USER.set("ada")
    replay = emulator.replay(expected({"status": 503}), expected(ANSWER))
    recorder = Recorder()
    client = replicant.Client(TOKEN, base_url=replay.base_url, **recorder.options())
    client.predictions.get("p1")
    replay.check()
    check(recorder)


async def test_hooks_run_in_the_context_of_an_awaited_call(emulator: Emulator) -> None:
    USER.set("ada")
    replay = emulator.replay(expected({"status": 503}), expected(ANSWER))
    recorder = Recorder()
    client = replicant.AsyncClient(TOKEN, base_url=replay.base_url, **recorder.options())
    await client.predictions.get("p1")
    replay.check()
    check(recorder)


async def test_a_coroutine_function_is_awaited(emulator: Emulator) -> None:
    async def on_request(request: RequestEvent) -> None:
        await asyncio.sleep(0.01)
        request.headers["x-tenant"] = "acme"

    replay = emulator.replay(
        {"expect": {"method": "GET", "headers": {"x-tenant": "acme"}}, "reply": ANSWER}
    )
    client = replicant.AsyncClient(TOKEN, base_url=replay.base_url, on_request=on_request)
    await client.predictions.get("p1")
    replay.check()
    blocking = replicant.Client(TOKEN, base_url=replay.base_url, on_request=on_request)
    with pytest.raises(TypeError, match="`on_request` is a coroutine function"):
        await asyncio.to_thread(blocking.predictions.get, "p1")


@pytest.mark.parametrize("name", ["on_request", "on_response", "on_retry"])
def test_an_exception_of_a_hook_ends_the_call(name: str, emulator: Emulator) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError("mine")

    replies = [{"status": 503}] if name == "on_retry" else [ANSWER]
    exchanges = [{"expect": {"method": "GET"}, "reply": reply} for reply in replies]
    replay = emulator.replay(*([] if name == "on_request" else exchanges))
    client = replicant.Client(TOKEN, base_url=replay.base_url, **{name: fail})
    with pytest.raises(ZeroDivisionError, match="mine"):
        client.predictions.get("p1")
    replay.check()


async def test_an_exception_of_a_hook_ends_the_awaited_call(emulator: Emulator) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError("mine")

    async def fail_later(_: Any) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("mine")

    replay = emulator.replay()
    for hook in (fail, fail_later):
        client = replicant.AsyncClient(TOKEN, base_url=replay.base_url, on_request=hook)
        with pytest.raises(ZeroDivisionError, match="mine"):
            await client.predictions.get("p1")
    replay.check()


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
async def test_a_hook_cannot_end_the_iterator_or_coroutine_of_its_call(
    emulator: Emulator, error: type[Exception]
) -> None:
    def fail(_: Any) -> None:
        raise error

    blocking = replicant.Client(TOKEN, base_url=emulator.base_url, on_request=fail)
    with pytest.raises(RuntimeError, match=error.__name__):
        list(blocking.stream("emulator/stream", {"chunks": ["a"]}))
    client = replicant.AsyncClient(TOKEN, base_url=emulator.base_url, on_request=fail)
    with pytest.raises(RuntimeError, match=error.__name__) as raised:
        await client.models.get("emulator/echo")
    assert type(raised.value.__cause__) is error


def test_an_invalid_header_of_a_hook_is_not_about_the_file_of_its_call(emulator: Emulator) -> None:
    def hook(request: RequestEvent) -> None:
        request.headers["x-a"] = "b\n"

    client = replicant.Client(TOKEN, base_url=emulator.base_url, on_request=hook)
    with pytest.raises(replicant.InvalidArgumentError) as invalid:
        client.files.create(b"content", filename="x")
    assert str(invalid.value).startswith("`on_request`: the name or value of")
    assert invalid.value.argument == "on_request"


def test_hooks_see_the_requests_of_streams_and_creates(emulator: Emulator) -> None:
    seen: list[str] = []

    def on_request(request: RequestEvent) -> None:
        seen.append(f"{request.method} {request.body}")

    client = replicant.Client(TOKEN, base_url=emulator.base_url, on_request=on_request)
    assert len(list(client.stream("emulator/stream", {"chunks": ["Sing", "."]}))) > 1
    assert len(seen) == 2
    assert '"chunks":["Sing","."]' in seen[0].replace(" ", "")
    assert seen[1] == "GET None"


async def test_hooks_see_the_requests_of_an_awaited_stream(emulator: Emulator) -> None:
    seen: list[str] = []
    client = replicant.AsyncClient(
        TOKEN, base_url=emulator.base_url, on_request=lambda request: seen.append(request.method)
    )
    async for _ in client.stream("emulator/stream", {"chunks": ["Sing", "."]}):
        pass
    assert seen == ["POST", "GET"]


ABANDONED = """
import asyncio, sys
import replicant

async def main():
    client = replicant.AsyncClient("r8_x", base_url=sys.argv[1], on_request=lambda request: None)
    try:
        await asyncio.wait_for(client.run("emulator/endless", {}, wait=False), 2)
    except asyncio.TimeoutError:
        pass

asyncio.run(main())
"""


@pytest.mark.alone
def test_a_cancel_at_the_exit_waits_for_no_hook(emulator: Emulator) -> None:
    before = canceled(emulator)
    done = python(ABANDONED, emulator.base_url)
    assert done.returncode == 0, done.stderr
    eventually(lambda: canceled(emulator) == before + 1)


def test_wrong_hooks_are_rejected(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match="`on_retry` must be a function, not str"):
        replicant.Client(TOKEN, on_retry="print")  # type: ignore[arg-type]

    def on_request(request: RequestEvent) -> None:
        request.headers["x-count"] = 1  # type: ignore[assignment]

    client = replicant.Client(TOKEN, base_url=emulator.base_url, on_request=on_request)
    with pytest.raises(TypeError, match="the header 'x-count' must be a string, not int"):
        client.accounts.current()


def test_copies_and_pickles_keep_hooks(emulator: Emulator) -> None:
    recorder = Recorder()
    client = replicant.Client(TOKEN, base_url=emulator.base_url, **recorder.options())
    for other in (copy.copy(client), client.with_options(max_retries=1)):
        other.accounts.current()
    responses: list[Any] = []
    client.with_options(on_response=responses.append).accounts.current()
    assert [type(event) for event in recorder.seen] == [RequestEvent, ResponseEvent] * 2 + [
        RequestEvent
    ]
    assert len(responses) == 1
    restored = pickle.loads(
        pickle.dumps(replicant.Client(base_url=emulator.base_url, on_retry=print))
    )
    assert restored._hooks.on_retry is print


def test_an_object_knows_the_response_it_came_in(emulator: Emulator) -> None:
    replay = emulator.replay({"expect": {"method": "GET"}, "reply": ANSWER})
    prediction = replicant.Client(TOKEN, base_url=replay.base_url).predictions.get("p1")
    assert prediction.request_id == "q2"
    response = prediction._response
    assert response is not None
    assert response.status_code == 200
    assert response.headers["ratelimit-remaining"] == "599"
    assert response.rate_limit == replicant.RateLimit(remaining=599, reset=1.0)
    assert response.parse() is prediction
    # The object itself is as it was.
    plain = {"id": "p1", "status": "succeeded", "output": None}
    assert vars(prediction) == dict(prediction) == prediction.dict()
    assert isinstance(vars(prediction), dict)
    assert prediction.dict(exclude_unset=True) == plain
    assert json.loads(json.dumps(prediction._data)) == plain
    assert prediction == type(prediction)(plain)
    for other in (pickle.loads(pickle.dumps(prediction)), copy.deepcopy(prediction)):
        assert other == prediction
        assert other._response is None
        assert other.request_id is None
        assert type(other._data) is dict


async def test_pages_and_awaited_objects_know_their_responses(emulator: Emulator) -> None:
    page = {"json": {"results": [{"id": "p1"}], "next": None}, "headers": ANSWER["headers"]}
    exchange = {"expect": {"method": "GET"}, "reply": page}
    replay = emulator.replay(exchange, {"expect": {"method": "GET"}, "reply": ANSWER})
    client = replicant.AsyncClient(TOKEN, base_url=replay.base_url)
    listed = await client.predictions.list()
    assert listed.request_id == "q2"
    assert listed.results[0].request_id is None
    prediction = await client.predictions.get("p1")
    assert prediction.request_id == "q2"


BLOCKING = """
import asyncio, sys
import replicant

async def hook(event):
    pass

async def main():
    client = replicant.Client("r8_x", base_url=sys.argv[1], **{sys.argv[2]: hook})
    try:
        client.accounts.current()
    except TypeError as error:
        print(error)

asyncio.run(main())
"""


@pytest.mark.parametrize("name", ["on_request", "on_response"])
def test_a_blocking_call_in_an_event_loop_refuses_an_async_hook(
    name: str, emulator: Emulator
) -> None:
    done = python(BLOCKING, emulator.base_url, name)
    assert f"`{name}` is a coroutine function" in done.stdout, done.stderr
    assert "never awaited" not in done.stderr
