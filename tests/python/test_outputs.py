"""The outputs that `run` returns, complete or written item by item."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import json
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
import pandas
import pytest
from conftest import Emulator, eventually, python
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

import replicant
from replicant import _native
from replicant.testing import Emulator as LocalEmulator

pytestmark = pytest.mark.alone

VERSION = "0ec4000000000000000000000000000000000000000000000000000000000005"
PINNED = f"emulator/stream:{VERSION}"
FAILS = "emulator/fails:0ec4000000000000000000000000000000000000000000000000000000000002"
SLOW = {"chunks": ["a", "b", "c"], "pause": 0.4}
# Its items follow when the clock is advanced.
STOPPED = {"chunks": ["a", "b", "c"], "pause": 60}
ENDLESS = {"chunks": list("abcdef"), "pause": 0.2, "repeat": 1000}


@pytest.fixture(autouse=True)
def forget(emulator: Emulator) -> None:
    emulator.forget()


def requests(emulator: Emulator) -> list[tuple[str, str]]:
    return [(r["method"], r["path"]) for r in emulator.requests()]


def canceled(emulator: Emulator, seconds: float = 30.0) -> bool:
    """Whether a cancel arrives within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(path.endswith("/cancel") for _, path in requests(emulator)):
            return True
        time.sleep(0.05)
    return False


def test_items_arrive_while_the_model_writes(client: Any, emulator: Emulator) -> None:
    output = client.run(PINNED, STOPPED)
    items = iter(output)
    assert next(items) == "a"
    assert "items so far" in repr(output)
    assert client.predictions.list()[0].status == "processing"
    emulator.advance(180)
    assert [*items] == ["b", "c"]
    assert list(output) == ["a", "b", "c"]
    [create] = [r for r in emulator.requests() if r["method"] == "POST"]
    assert create["json"]["stream"] is True
    assert "prefer" not in create["headers"]


def test_the_schema_is_fetched_once_and_before_the_create(client: Any, emulator: Emulator) -> None:
    for _ in range(3):
        assert client.run(PINNED, {"chunks": ["x"]}) == ["x"]
    schema = ("GET", f"/v1/models/emulator/stream/versions/{VERSION}")
    assert requests(emulator)[0] == schema
    assert requests(emulator).count(schema) == 1


def test_the_schema_of_a_version_object_is_used(client: Any, emulator: Emulator) -> None:
    version = client.models.versions.get("emulator", "stream", id=VERSION)
    emulator.forget()
    output = client.run(version, SLOW)
    assert next(output) == "a"
    assert "".join(output) == "bc"
    assert requests(emulator)[0] == ("POST", "/v1/predictions")


@pytest.mark.parametrize("fault", [{"status": 404, "json": {}}, {"status": 500}, {"reset": True}])
def test_a_failed_schema_lookup_does_not_fail_the_run(fault: dict[str, Any]) -> None:
    with LocalEmulator() as emulator:
        emulator.misbehave(
            {"match": {"method": "GET", "path": "/v1/models/*"}, "times": 2, "action": fault}
        )
        assert emulator.client().run(PINNED, {"chunks": ["x", "y"]}) == ["x", "y"]
        assert [request["method"] for request in emulator.requests()].count("POST") == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda output: output == ["a", "b", "c"] == output,
        lambda output: output != ["a", "b"] and output != "abc",
        lambda output: len(output) == 3,
        lambda output: output[0] == "a" and output[-1] == "c" and output[1:] == ["b", "c"],
        lambda output: "c" in output,
        lambda output: "".join(output) == "abc",
        lambda output: json.dumps(list(output)) == '["a", "b", "c"]',
        lambda output: ["x"].__add__([]) + output + ["y"] == ["x", "a", "b", "c", "y"],
        lambda output: sorted(output, reverse=True) == ["c", "b", "a"],
        lambda output: tuple(output) == ("a", "b", "c"),
        lambda output: [*output, "d"] == ["a", "b", "c", "d"],
        lambda output: pickle.loads(pickle.dumps(output)) == ["a", "b", "c"],
        lambda output: copy.deepcopy(output) == ["a", "b", "c"],
        lambda output: output.index("b") == 1 and output.count("b") == 1,
        lambda output: list(reversed(output)) == ["c", "b", "a"],
        lambda output: copy.copy(output) == ["a", "b", "c"],
        lambda output: isinstance(output, Generator) and output.send(None) == "a",
        lambda output: list(pandas.DataFrame(output)[0]) == ["a", "b", "c"],
        lambda output: numpy.asarray(output).tolist() == ["a", "b", "c"],
    ],
)
@pytest.mark.parametrize("wait", [False, 10], ids=["live", "ended"])
def test_the_output_of_a_pinned_version_is_a_sequence(client: Any, use: Any, wait: Any) -> None:
    assert use(client.run(PINNED, {"chunks": ["a", "b", "c"], "pause": 0.1}, wait=wait))


@pytest.mark.parametrize("wait", [False, 10], ids=["live", "ended"])
def test_the_output_of_a_pinned_version_passes_for_a_generator(client: Any, wait: Any) -> None:
    """As in 1.x, where libraries test for one, and where programs expect a list from other models."""
    output = client.run(PINNED, SLOW, wait=wait)
    assert not isinstance(output, list)
    assert inspect.isgenerator(output) and not inspect.isawaitable(output)
    assert (next(output), *output) == ("a", "b", "c")
    assert jsonable_encoder({"output": output}) == {"output": ["a", "b", "c"]}


def test_the_output_of_a_pinned_version_is_validated_by_pydantic(client: Any) -> None:
    class Texts(BaseModel):
        chunks: list[str]

    class Anything(BaseModel):
        chunks: list  # type: ignore[type-arg]

    for model in (Texts, Anything):
        assert model(chunks=client.run(PINNED, SLOW)).chunks == ["a", "b", "c"]  # type: ignore[attr-defined]


def test_the_prediction_continues_without_iteration(client: Any, emulator: Emulator) -> None:
    output = client.run(PINNED, SLOW)
    del output
    prediction = client.predictions.list()[0]
    prediction.wait()
    assert prediction.status == "succeeded"
    assert not canceled(emulator, 0.1)


def test_leaving_a_loop_early_cancels_the_prediction(client: Any, emulator: Emulator) -> None:
    for chunk in client.run(PINNED, ENDLESS):
        assert chunk == "a"
        break
    assert canceled(emulator)


def test_on_abandon_leave_keeps_the_prediction_running(client: Any, emulator: Emulator) -> None:
    output = client.run(PINNED, {"chunks": ["a", "b"], "pause": 0.3}, on_abandon="leave")
    for _ in output:
        break
    assert output == ["a", "b"]
    assert not canceled(emulator, 0.1)


def interrupt(emulator: Emulator, output: Any) -> BaseException:
    """Presses Ctrl-C while the program waits for the complete output."""
    source = output._source
    poll = ("GET", f"/v1/predictions/{source.prediction['id']}")

    def press() -> None:
        eventually(lambda: len(source.items) > 1 or poll in requests(emulator))
        signal.raise_signal(signal.SIGINT)

    pressing = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt) as pressed:
        pressing.start()
        len(output)
    pressing.join()
    return pressed.value


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("begun", [False, True])
def test_an_output_whose_reading_is_interrupted_is_not_complete(
    client: Any, emulator: Emulator, begun: bool
) -> None:
    output = client.run(PINNED, ENDLESS)
    if begun:
        assert next(output) == "a"
    # Kept, as by a handler: its traceback keeps the stream.
    kept = interrupt(emulator, output)
    assert canceled(emulator)
    del kept
    for use in (
        list,
        lambda output: [*map(str, output)],
        len,
        pickle.dumps,
        lambda output: output == [],
        lambda output: output[-1],
    ):
        with pytest.raises(replicant.PredictionCanceledError, match="interrupted") as caught:
            use(output)
    assert caught.value.prediction.id in str(caught.value)
    if begun:
        assert caught.value.partial[:2] == ["a", "b"]
        assert next(output) == "a"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_output_that_continues_after_ctrl_c_can_be_read(client: Any, emulator: Emulator) -> None:
    output = client.run(PINNED, {"chunks": ["a", "b"], "pause": 2}, on_abandon="leave")
    interrupt(emulator, output)
    assert output == ["a", "b"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_as_the_create_returns_cancels_the_prediction() -> None:
    canceled: list[str] = []

    def transport(request: Any) -> Any:
        if "/versions/" in request.url:
            output = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}
            body = {"openapi_schema": {"components": {"schemas": {"Output": output}}}}
            return 200, {}, json.dumps(body).encode()
        if request.url.endswith("/cancel"):
            canceled.append(request.url)
            return 200, {}, b"{}"
        # Noticed by the waiting thread after the response has arrived.
        os.kill(os.getpid(), signal.SIGINT)
        return 201, {}, b'{"id": "p1", "status": "starting"}'

    client = replicant.Client("r8_x", transport=transport)
    for number in range(1, 4):
        with contextlib.suppress(KeyboardInterrupt):
            client.run(PINNED, {})
            time.sleep(10)
        eventually(lambda number=number: len(canceled) == number)


async def test_a_task_that_is_canceled_as_the_create_returns_cancels_the_prediction(
    async_client: Any, emulator: Emulator
) -> None:
    task = asyncio.create_task(async_client.run(PINNED, ENDLESS))
    await asyncio.sleep(0)
    # The event loop is busy, so that the task does not receive the output.
    eventually(lambda: any(method == "POST" for method, _ in requests(emulator)))
    time.sleep(0.5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    del task
    assert await asyncio.to_thread(canceled, emulator)


@pytest.mark.parametrize("left", ["break", "an exception", "an iterator"])
def test_an_output_whose_loop_was_left_is_not_complete(client: Any, left: str) -> None:
    output = client.run(PINNED, ENDLESS)
    if left == "an iterator":
        assert next(iter(output)) == "a"
    else:
        with contextlib.suppress(ZeroDivisionError):
            for _ in output:
                if left == "break":
                    break
                1 / 0  # noqa: B018
    with pytest.raises(replicant.PredictionCanceledError, match="on_abandon") as caught:
        "".join(output)
    assert caught.value.partial == ["a"]


def test_an_output_whose_loop_is_left_in_another_thread_is_not_complete(client: Any) -> None:
    output = client.run(PINNED, STOPPED)
    loop = iter(output)
    assert next(loop) == "a"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(len, output)
        eventually(output._source._turn.locked)
        loop.close()
        with pytest.raises(replicant.PredictionCanceledError, match="left"):
            waiting.result()


def test_leaving_one_of_two_loops_cancels_nothing(client: Any, emulator: Emulator) -> None:
    output = client.run(PINNED, STOPPED)
    one, other = iter(output), iter(output)
    assert next(one) == next(other) == "a"
    one.close()
    emulator.advance(180)
    assert [*other] == ["b", "c"]
    assert not canceled(emulator, 0.1)


def test_a_closed_output_keeps_its_items(client: Any) -> None:
    output = client.run(PINNED, ENDLESS)
    assert next(output) == "a"
    output.close()
    assert output == ["a"]


WAIT_IN_THE_LOOP = """
import asyncio, sys, httpx, replicant

async def main(transport):
    client = replicant.AsyncClient("r8_x", base_url=sys.argv[1], transport=transport)
    output = await client.run(sys.argv[2], {"chunks": ["a", "b", "c"], "pause": 0.4})
    assert await output.__anext__() == "a"
    for use in (next, len, list, iter, lambda output: output[1]):
        try:
            use(output)
        except RuntimeError as error:
            assert "async for" in str(error), error
        else:
            raise AssertionError("it blocked the event loop")
    assert output
    assert [item async for item in output] == ["b", "c"]
    assert output == ["a", "b", "c"]
    return output

asyncio.run(main(None))
asyncio.run(main(httpx.AsyncHTTPTransport()))
print("done")
"""


def test_waiting_in_the_event_loop_that_reads_an_output_is_refused(emulator: Emulator) -> None:
    done = python(WAIT_IN_THE_LOOP, emulator.base_url, PINNED)
    assert done.stdout == "done\n", done.stderr


async def test_another_thread_can_wait_for_an_output_that_a_loop_reads(async_client: Any) -> None:
    output = await async_client.run(PINNED, SLOW)
    assert await output.__anext__() == "a"
    assert await asyncio.to_thread(len, output) == 3


async def test_a_thread_that_reads_beside_a_loop_cancels_nothing(
    async_client: Any, emulator: Emulator
) -> None:
    # Many items, so that the thread takes some that the loop waits for.
    chunks = [str(number) for number in range(100)]
    output = await async_client.run(PINNED, {"chunks": chunks, "pause": 0.02})

    async def read() -> list[Any]:
        return [item async for item in output]

    reading = asyncio.ensure_future(read())
    await asyncio.to_thread(eventually, lambda: output._source is None or output._source.items)
    with contextlib.suppress(RuntimeError):
        await asyncio.to_thread(len, output)
    with contextlib.suppress(RuntimeError):
        await reading
    assert [item async for item in output] == chunks
    assert not canceled(emulator, 0.1)


async def test_several_tasks_can_read_an_output(async_client: Any) -> None:
    chunks = [str(number) for number in range(100)]
    output = await async_client.run(PINNED, {"chunks": chunks, "pause": 0.02})

    async def read() -> list[Any]:
        return [item async for item in output]

    assert await asyncio.gather(read(), read()) == [chunks] * 2


async def test_the_output_of_an_async_run_passes_for_an_async_generator(async_client: Any) -> None:
    output = await async_client.run(PINNED, SLOW)
    assert inspect.isasyncgen(output) and not inspect.isgenerator(output)
    assert not inspect.isawaitable(output) and not asyncio.iscoroutine(output)
    assert isinstance(output, AsyncGenerator)
    assert output
    assert [item async for item in output] == ["a", "b", "c"] == output


def test_a_failure_is_raised_where_the_output_is_read(client: Any) -> None:
    output = client.run(FAILS, {"message": "boom", "partial": ["a", "b"]})
    seen = []
    with pytest.raises(replicant.ModelError) as caught:
        for chunk in output:
            seen.append(chunk)
    assert seen == ["a", "b"]
    assert caught.value.prediction.error == "boom"
    with pytest.raises(replicant.ModelError):
        len(output)
    with pytest.raises(replicant.ModelError):
        len(client.run(FAILS, {"message": "boom"}))


def test_a_refused_input_is_raised_by_run(client: Any) -> None:
    with pytest.raises(replicant.UnprocessableEntityError):
        client.run(PINNED, {"chunks": 3})


def test_a_passed_timeout_cancels_the_prediction(client: Any, emulator: Emulator) -> None:
    output = client.run(PINNED, ENDLESS, timeout=3)
    with pytest.raises(replicant.PredictionTimeoutError):
        list(output)
    assert canceled(emulator)


@pytest.mark.parametrize(
    "fault",
    [
        {"cut_body_at": 60},
        {"status": 404, "json": {"detail": "gone"}},
        {"status": 200, "json": {}},
    ],
)
def test_a_broken_stream_loses_no_items(fault: dict[str, Any]) -> None:
    with LocalEmulator() as emulator:
        emulator.misbehave(
            {"match": {"method": "GET", "path": "/v1/streams/*"}, "times": 9, "action": fault}
        )
        output = emulator.client().run(PINNED, {"chunks": list("abcdefgh"), "pause": 0.05})
        assert [*iter(output)] == list("abcdefgh")


def test_wait_can_be_combined_with_a_live_output(client: Any, emulator: Emulator) -> None:
    assert client.run(PINNED, {"chunks": ["a", "b"]}, wait=10) == ["a", "b"]
    [create] = [r for r in emulator.requests() if r["method"] == "POST"]
    assert create["headers"]["prefer"] == "wait=10"


def test_with_an_observer_run_waits_for_the_output(client: Any) -> None:
    states: list[str] = []
    output = client.run(PINNED, {"chunks": ["a"]}, on_update=lambda p: states.append(p.status))
    assert states[-1] == "succeeded"
    assert output == ["a"]


async def test_an_output_supports_async_for(async_client: Any) -> None:
    output = await async_client.run(PINNED, {"chunks": ["a", "b", "c"], "pause": 0.1})
    assert [chunk async for chunk in output] == ["a", "b", "c"]
    assert [chunk async for chunk in output] == ["a", "b", "c"]
    assert await output.__anext__() == "a"
    assert output == ["a", "b", "c"]


async def test_items_arrive_in_async_for_while_the_model_writes(client: Any) -> None:
    output = await client.async_run(PINNED, STOPPED)
    async for chunk in output:
        assert chunk == "a"
        assert (await client.predictions.async_list())[0].status == "processing"
        break


@pytest.mark.parametrize("how", ["break", "cancel"])
async def test_leaving_an_async_loop_early_cancels_the_prediction(
    async_client: Any, emulator: Emulator, how: str
) -> None:
    seen = asyncio.Event()

    async def read() -> None:
        output = await async_client.run(PINNED, ENDLESS)
        async for _ in output:
            seen.set()
            if how == "break":
                break
            await asyncio.sleep(0)

    task = asyncio.ensure_future(read())
    await asyncio.wait_for(seen.wait(), 30)
    if how == "cancel":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        await task
    assert await asyncio.to_thread(canceled, emulator)


async def test_a_kept_cancellation_of_an_async_loop_cancels_the_prediction(
    async_client: Any, emulator: Emulator
) -> None:
    seen = asyncio.Event()
    kept: list[BaseException] = []

    async def read() -> None:
        try:
            async for _ in await async_client.run(PINNED, STOPPED):
                seen.set()
        except asyncio.CancelledError as error:
            kept.append(error)
            raise

    task = asyncio.ensure_future(read())
    await asyncio.wait_for(seen.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert kept
    assert await asyncio.to_thread(canceled, emulator)


def test_the_schema_is_fetched_once_through_a_transport(emulator: Emulator) -> None:
    import httpx

    client = replicant.Client("r8_x", base_url=emulator.base_url, transport=httpx.HTTPTransport())
    for _ in range(2):
        assert "".join(client.run(PINNED, {"chunks": ["x", "y"], "pause": 0.1})) == "xy"
    paths = [path for _, path in requests(emulator)]
    assert paths.count(f"/v1/models/emulator/stream/versions/{VERSION}") == 1


def test_the_output_of_another_model_is_a_plain_list(client: Any) -> None:
    output = client.run("emulator/stream", {"chunks": ["a", "b"]})
    assert type(output) is list
    assert output == ["a", "b"]


def test_use_returns_text(client: Any) -> None:
    assert client.use(PINNED)(chunks=["a", "b"]) == "ab"
    _native.drain(1.0)


def test_a_runtime_error_of_a_hook_is_raised_by_every_reader(emulator: Emulator) -> None:
    def fail(event: replicant.RequestEvent) -> None:
        if event.method == "GET" and "/predictions/" in event.url:
            raise RuntimeError("mine")

    client = replicant.Client("r8_x", base_url=emulator.base_url, on_request=fail)
    output = client.run(PINNED, {"chunks": ["a", "b"], "pause": 0.1})
    for _ in range(2):
        with pytest.raises(RuntimeError, match="mine"):
            list(output)


@pytest.mark.parametrize("kind", [replicant.Client, replicant.AsyncClient])
def test_the_prediction_of_a_failed_output_belongs_to_its_client(
    kind: Any, emulator: Emulator
) -> None:
    client = kind("r8_x", base_url=emulator.base_url)
    output = client.run(FAILS, {"message": "boom", "partial": ["a"]})
    if kind is replicant.AsyncClient:
        output = asyncio.run(of(output))
    with pytest.raises(replicant.ModelError) as caught:
        list(output)
    prediction: Any = caught.value.prediction
    assert prediction._bound is client


async def of(awaitable: Any) -> Any:
    return await awaitable


async def test_the_end_of_output_iterator_updates_the_prediction(
    client: Any, async_client: Any, emulator: Emulator
) -> None:
    def started() -> Any:
        return client.predictions.create(version=VERSION, input=SLOW)

    prediction = started()
    assert list(prediction.output_iterator()) == SLOW["chunks"]
    assert (prediction.status, prediction.output) == ("succeeded", SLOW["chunks"])
    emulator.forget()
    assert list(prediction.output_iterator()) == SLOW["chunks"]
    assert requests(emulator) == []
    prediction = started()
    assert [item async for item in prediction.async_output_iterator()] == SLOW["chunks"]
    assert prediction.status == "succeeded"
    awaited = async_client._prediction(started()._data)
    items = awaited.output_iterator()
    assert await items.__anext__() == "a"
    assert awaited.status != "succeeded"
    assert [item async for item in items] == ["b", "c"]
    assert awaited.status == "succeeded"
    for blocking in (
        async_client._prediction(started()._data),
        (await async_client.with_raw_response.predictions.get(started().id)).parse(),
    ):
        assert list(blocking.output_iterator()) == SLOW["chunks"]
        assert blocking.status == "succeeded"


async def test_output_iterator_fetches_the_end_at_most_once(
    client: Any, async_client: Any, emulator: Emulator
) -> None:
    data = client.predictions.create(version=VERSION, input=SLOW)._data
    client.predictions.wait(data["id"])
    for end in ("exhausted", "failed", "closed"):
        prediction, awaited = client._prediction(data), async_client._prediction(data)
        items, later = prediction.output_iterator(), awaited.output_iterator()
        assert next(items) == await later.__anext__() == "a"
        if end == "closed":
            items.close()
            await later.aclose()
        emulator.forget()
        if end == "failed":
            action = {"status": 403}
            emulator.fault(match={"path": "/v1/predictions/*"}, times=2, action=action)
        rest = [] if end == "closed" else ["b", "c"]
        assert list(items) == [item async for item in later] == rest
        assert list(items) == [item async for item in later] == []
        assert len(requests(emulator)) == (0 if end == "closed" else 2)
        expected = "succeeded" if end == "exhausted" else data["status"]
        assert (prediction.status, awaited.status) == (expected, expected)


async def test_output_iterator_has_the_options_of_its_client(emulator: Emulator) -> None:
    def exchange(status: str) -> dict[str, Any]:
        json = {"id": "p", "status": status, "output": ["a"]}
        return {"expect": {"headers": {"x-tenant": "t1"}}, "reply": {"json": json}}

    replay = emulator.replay(*map(exchange, ("processing", "succeeded", "succeeded") * 2))
    for kind in (replicant.Client, replicant.AsyncClient):
        client = kind("r8_x", base_url=replay.base_url, poll_interval=0.01)
        client = client.with_options(headers={"x-tenant": "t1"})
        prediction = client._prediction({"id": "p", "status": "starting"})
        if kind is replicant.Client:
            items = list(prediction.output_iterator())
        else:
            items = [item async for item in prediction.output_iterator()]
        assert (items, prediction.status) == (["a"], "succeeded")
    replay.check()


async def test_a_failure_in_output_iterator_updates_the_prediction(
    client: Any, emulator: Emulator
) -> None:
    def started() -> Any:
        return client.predictions.create(model="emulator/fails", input={"message": "boom"})

    prediction = started()
    with pytest.raises(replicant.ModelError):
        list(prediction.output_iterator())
    assert prediction.status == "failed"
    prediction = started()
    with pytest.raises(replicant.ModelError):
        [item async for item in prediction.output_iterator()]
    assert prediction.status == "failed"
    emulator.forget()
    with pytest.raises(replicant.ModelError):
        list(prediction.output_iterator())
    assert requests(emulator) == [], "the end is known"
