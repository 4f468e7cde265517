"""Webhooks in FastAPI, Flask and Django: the frameworks run, and the emulator delivers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import http.client
import json
import time
from typing import Any, Iterator

import pytest
from conftest import eventually, python

import replicant
from replicant import _webhook_once
from replicant.testing import Emulator
from replicant.webhooks import MemoryStore, Once

pytest.importorskip("fastapi")
pytest.importorskip("flask")
pytest.importorskip("django")
pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")
anyio = pytest.importorskip("anyio")

from webhook_application import (  # noqa: E402
    BODY,
    FRAMEWORKS,
    Application,
    AsyncStore,
    post,
    post_in_chunks,
    signed,
)


@pytest.fixture(scope="module")
def kit() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(params=FRAMEWORKS)
def served(request: Any, kit: Emulator) -> Iterator[tuple[Application, str]]:
    application = Application(request.param, kit)
    with application.running() as url:
        yield application, url


def test_delivered_webhooks_become_events(served: tuple[Application, str], kit: Emulator) -> None:
    application, url = served
    client = kit.client()
    client.predictions.create(
        model="emulator/echo",
        input={"value": "hello"},
        webhook=f"{url}/webhook",
        webhook_events_filter=["completed"],
    )
    eventually(lambda: application.events)
    (event,) = application.events
    assert isinstance(event, (replicant.Prediction, replicant.AsyncPrediction))
    assert (event.status, event.output) == ("succeeded", "hello")
    assert event.webhook_id.startswith("msg_")


def test_invalid_webhooks_get_400_or_401(served: tuple[Application, str], kit: Emulator) -> None:
    application, url = served
    hook = f"{url}/webhook"
    forged = post(kit, hook, BODY, **{"webhook-signature": "v1,bGllcw=="})
    replayed = post(kit, hook, BODY, age=900)
    assert (forged.status_code, replayed.status_code) == (401, 401)
    assert "no entry of `webhook-signature` matches" in forged.text
    assert "is outside the allowed tolerance" in replayed.text
    headers = dict(post(kit, hook, BODY).request.headers)
    encoded = json.dumps(json.loads(BODY)).encode()
    del headers["content-length"]
    assert httpx.post(hook, content=encoded, headers=headers).status_code == 401
    assert httpx.post(hook, content=BODY).status_code == 400
    empty = post(kit, hook, b"")
    assert empty.status_code == 400
    assert "Missing webhook body" in empty.text
    assert post(kit, hook, b"[1]").status_code == 400
    assert len(application.events) == 1


def test_a_body_that_was_read_before_gets_400(
    served: tuple[Application, str], kit: Emulator
) -> None:
    application, url = served
    if application.asgi is not None and type(application.asgi).__module__.startswith("django"):
        pytest.skip("the view that reads the body is blocking")
    refused = post(kit, f"{url}/parsed", BODY)
    assert refused.status_code == 400
    assert "before anything else reads the request" in refused.text or "Pass the body" in (
        refused.text
    )
    assert application.events == []


def test_a_body_of_5_mb_is_accepted(served: tuple[Application, str], kit: Emulator) -> None:
    application, url = served
    body = json.dumps({"id": "p1", "output": "x" * 5_000_000}).encode()
    assert post(kit, f"{url}/webhook", body).status_code in (200, 204)
    assert len(application.events[0].output) == 5_000_000


def test_a_body_of_undeclared_length_is_accepted(
    served: tuple[Application, str], kit: Emulator
) -> None:
    application, url = served
    if application.asgi is None:
        pytest.skip("`wsgiref` does not receive such bodies")
    for size in (1_000, 5_000_000):
        body = json.dumps({"id": "p1", "output": "x" * size}).encode()
        assert post_in_chunks(kit, f"{url}/webhook", body).status_code in (200, 204)
    assert [len(event.output) for event in application.events] == [1_000, 5_000_000]


def test_a_body_larger_than_64_mib_gets_413(served: tuple[Application, str], kit: Emulator) -> None:
    application, url = served
    of_django = type(application.asgi).__module__.startswith("django")
    if not of_django:
        # The body is never sent, so a server that reads it would not respond. Django with ASGI reads it before the view.
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        declared = {**signed(kit, b"x"), "content-length": str(65 << 20)}
        with contextlib.closing(connection):
            connection.request("POST", "/webhook", headers=declared)
            response = connection.getresponse()
            assert response.status == 413
            assert b"larger than 67108864 bytes" in response.read()
    if application.asgi is not None:
        refused = post_in_chunks(kit, f"{url}/webhook", bytes(65 << 20))
        assert refused.status_code == 413
        assert "larger than 67108864 bytes" in refused.text
    assert application.events == []


def test_a_repeated_webhook_is_handled_once(served: tuple[Application, str], kit: Emulator) -> None:
    application, url = served
    application.fails = 1
    statuses = [post(kit, f"{url}/once", BODY).status_code for _ in range(3)]
    assert statuses[0] == 500
    assert statuses[2] == 204
    # The first call failed, so the second delivery is handled, and the third is not.
    assert len(application.events) == 2


def test_a_webhook_whose_response_is_not_2xx_is_handled_again(
    served: tuple[Application, str], kit: Emulator
) -> None:
    application, url = served
    application.statuses = [503, 302, 200]
    statuses = [post(kit, f"{url}/once", BODY).status_code for _ in range(4)]
    assert statuses == [503, 302, 200, 204]
    assert len(application.events) == 3


def test_a_webhook_that_is_being_processed_gets_409() -> None:
    once = Once()
    with once.claim("msg_1") as state, once.claim("msg_1") as other:
        assert (state, other) == ("new", "running")
    with once.claim("msg_1") as state:
        assert state == "done"


class FailingStore(MemoryStore):
    def forget(self, id: str) -> None:
        raise OSError("the store is down")


async def test_a_store_that_fails_does_not_hide_how_the_handler_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    once = Once(FailingStore())
    with pytest.raises(ValueError, match="the handler failed"), once.claim("a"):
        raise ValueError("the handler failed")
    with pytest.raises(ValueError, match="the handler failed"):
        async with once.async_claim("b"):
            raise ValueError("the handler failed")
    assert caplog.text.count("OSError: the store is down") == 2


async def test_an_event_without_the_id_of_a_webhook_cannot_be_claimed() -> None:
    once = Once()
    message = "`id` must be the `webhook_id` of an event that `webhooks.unwrap` returned, not None"
    with pytest.raises(replicant.InvalidArgumentError, match=message), once.claim(None):
        raise AssertionError("claimed")
    with pytest.raises(replicant.InvalidArgumentError, match=message):
        async with once.async_claim(None):
            raise AssertionError("claimed")


async def test_a_store_may_be_asynchronous() -> None:
    once = Once(AsyncStore(limit=2))
    with pytest.raises(ValueError):
        async with once.async_claim("a"):
            raise ValueError
    for id in ("a", "b", "c"):
        async with once.async_claim(id) as state:
            assert state == "new"
    async with once.async_claim("c") as state:
        assert state == "done"
    async with once.async_claim("a") as state:
        assert state == "new", "the store is bounded"


class SlowStore(AsyncStore):
    """A store whose methods wait, as those of a store on a network do."""

    async def begin(self, id: str) -> Any:
        found = await super().begin(id)
        await anyio.sleep(0.01)
        return found

    async def finish(self, id: str) -> None:
        await anyio.sleep(0.01)
        await super().finish(id)

    async def forget(self, id: str) -> None:
        await anyio.sleep(0.01)
        await super().forget(id)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_state_of_a_webhook_whose_handler_is_canceled_is_not_lost(backend: str) -> None:
    pytest.importorskip(backend)

    async def main() -> None:
        once = Once(SlowStore(limit=10))
        with anyio.CancelScope() as handling:
            async with once.async_claim("a"):
                handling.cancel()
                await anyio.sleep_forever()
        with anyio.CancelScope() as finishing:
            async with once.async_claim("b"):
                finishing.cancel()
        with anyio.CancelScope() as beginning:
            beginning.cancel()
            async with once.async_claim("c"):
                await anyio.sleep_forever()
        assert handling.cancelled_caught and beginning.cancelled_caught
        for id, expected in (("a", "new"), ("b", "done"), ("c", "new")):
            async with once.async_claim(id) as state:
                assert state == expected, id

    anyio.run(main, backend=backend)


async def test_a_canceled_task_ends_after_the_state_of_its_webhook_is_stored() -> None:
    store = SlowStore(limit=10)

    async def handle(began: asyncio.Event) -> None:
        async with Once(store).async_claim("a"):
            began.set()
            await asyncio.sleep(3600)

    began = asyncio.Event()
    task = asyncio.create_task(handle(began))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.begin("a") == "new"


@pytest.mark.parametrize("method", ["begin", "finish", "forget"])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_canceled_task_does_not_wait_for_a_store_that_hangs_or_fails(
    method: str, fails: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_webhook_once, "_GRACE", 3600.0 if fails else 0.01)
    called, canceled = asyncio.Event(), asyncio.Event()

    async def broken(id: str) -> None:
        called.set()
        await (canceled.wait() if fails else asyncio.sleep(3600))
        raise OSError("the store is down")

    store = SlowStore(limit=10)
    monkeypatch.setattr(store, method, broken)

    async def handle() -> None:
        async with Once(store).async_claim("a"):
            if method == "forget":
                raise KeyError("the handler failed")

    task = asyncio.create_task(handle())
    await called.wait()
    task.cancel()
    canceled.set()
    of_handler = fails and method == "forget"
    with pytest.raises(KeyError if of_handler else asyncio.CancelledError) as caught:
        await task
    if of_handler:
        assert "the store is down" in caplog.text
    elif fails:
        assert isinstance(caught.value.__cause__, OSError)


def test_events_are_bound_to_the_client(kit: Emulator) -> None:
    client = kit.client()
    prediction = client.predictions.create(model="emulator/echo", input={"value": 7})
    prediction.wait()
    response = post_to_memory(kit, json.dumps({"id": prediction.id}).encode())
    event = client.webhooks.unwrap(**response)
    assert isinstance(event, replicant.Prediction)
    event.reload()
    assert event.output == 7
    assert prediction.webhook_id is None
    training = {"id": "t1", "urls": {"get": f"{kit.base_url}/trainings/t1"}}
    response = post_to_memory(kit, json.dumps(training).encode())
    assert isinstance(client.webhooks.unwrap(**response), replicant.Training)
    assert isinstance(
        client.webhooks.unwrap(response["body"], response["headers"], secret=kit.webhook_secret),
        replicant.Training,
    )


def post_to_memory(kit: Emulator, body: bytes) -> dict[str, Any]:
    timestamp = str(int(time.time()))
    key = base64.b64decode(kit.webhook_secret.replace("whsec_", ""))
    digest = hmac.new(key, b"m." + timestamp.encode() + b"." + body, "sha256").digest()
    signature = "v1," + base64.b64encode(digest).decode()
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }
    return {"headers": headers, "body": body}


def test_the_namespace_remains_when_its_modules_are_imported(kit: Emulator) -> None:
    script = """
import replicant
before = replicant.webhooks.default.secret().key
import replicant.webhooks.fastapi
import replicant.webhooks.flask
import replicant.webhooks.django
from replicant.webhooks import Once, MemoryStore
assert replicant.webhooks.fastapi.webhook
assert replicant.webhooks.default.secret().key == before
assert replicant.webhooks.default.secret.get().key == before
assert replicant.webhooks.validate is not None
try:
    replicant.webhooks.validate(headers={}, body=b"{}", secret=before)
except replicant.webhook.MissingWebhookHeaderError as error:
    assert error.status == 400
else:
    raise SystemExit("accepted")
from unittest import mock
with mock.patch("replicant.webhooks.validate", return_value={}):
    assert replicant.webhooks.validate() == {}
assert replicant.webhooks.validate.__name__ == "validate"
replicant.install_as_replicate()
import replicate.webhooks.flask
assert replicate.webhooks.default.secret().key == before
print("good")
"""
    done = python(script, REPLICATE_BASE_URL=kit.base_url)
    assert done.stdout == "good\n", done.stderr
