"""Logs: the logger `replicant` and `REPLICATE_LOG`."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from typing import Any

import pytest
from conftest import ENDLESS, TOKEN, Emulator, eventually, python

import replicant
from replicant import _native

USER = contextvars.ContextVar("user", default="nobody")


class Collector(logging.Handler):
    """Keeps records with the thread and the user that logged them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []
        self.users: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.records.append(record)
        self.users.add(USER.get())

    def find(self, start: str) -> str:
        found = [line for line in self.lines if line.startswith(start)]
        assert found, self.lines
        return found[0]


@pytest.fixture
def logs() -> Any:
    logger, collector = logging.getLogger("replicant"), Collector()
    logger.addHandler(collector)
    logger.setLevel(logging.DEBUG)
    yield collector
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(collector)


def test_a_call_is_logged_in_the_thread_and_context_of_its_caller(client: Any, logs: Any) -> None:
    USER.set("ada")
    prediction = client.predictions.create(model="emulator/echo", input={"value": 1})
    assert f"prediction_id={prediction.id}" in logs.find("created prediction")
    client.predictions.get(prediction.id)
    line = logs.find("request succeeded method=GET")
    assert f"path=/v1/predictions/{prediction.id} status=200 duration_ms=" in line
    assert f"prediction_id={prediction.id}" in line
    assert {record.thread for record in logs.records} == {threading.get_ident()}
    assert logs.users == {"ada"}
    fields = next(r.replicant for r in logs.records if r.getMessage() == line)
    assert fields["method"] == "GET" and fields["attempt"] == 1


async def test_an_awaited_call_is_logged_on_the_loop(async_client: Any, logs: Any) -> None:
    async def get(user: str) -> None:
        USER.set(user)
        await async_client.run("emulator/echo", {"value": 1, "delay": 0.05}, wait=False)

    await asyncio.gather(get("ada"), get("bob"))
    assert logs.users == {"ada", "bob"}
    assert {record.thread for record in logs.records} == {threading.get_ident()}
    for start in ("created prediction", "polled prediction", "prediction ended"):
        logs.find(start)


@pytest.mark.alone
def test_retries_uploads_and_downloads_are_logged(
    client: Any, emulator: Emulator, logs: Any
) -> None:
    emulator.fault(match={"method": "GET", "path": "/v1/account"}, action={"status": 503})
    client.accounts.current()
    assert "status=503 error=server_error" in logs.find("retrying request method=GET")
    url = client.run("emulator/echo", {"value": b"hello"})
    logs.find("uploaded file place=input.value")
    size = len(url.read())
    assert logs.find("downloaded file").endswith(f"size={size}")


def test_a_cancel_in_the_background_is_logged_later(client: Any, logs: Any) -> None:
    with pytest.raises(replicant.ReplicateException):
        client.run(ENDLESS, {}, wait=False, timeout=1.5)

    def logged() -> bool:
        client.accounts.current()
        return any(line.startswith("canceling prediction") for line in logs.lines)

    eventually(logged)


def test_a_blocking_stream_is_logged(client: Any, logs: Any) -> None:
    events = list(client.stream("emulator/stream", {"chunks": ["Sing", "."]}))
    assert str(events[-1].event.value) == "done"
    logs.find("created prediction")
    logs.find("request succeeded method=GET")


def test_the_cancel_of_a_closed_stream_that_is_kept_is_logged(client: Any, logs: Any) -> None:
    stream = client.stream(ENDLESS, {})
    next(stream)
    stream.close()
    _native.drain(30)
    client.accounts.current()
    logs.find("canceling prediction")
    assert list(stream) == []


def test_info_omits_attempts_and_polls(client: Any, logs: Any) -> None:
    logging.getLogger("replicant").setLevel(logging.INFO)
    client.accounts.current()
    assert [line.split(" method")[0] for line in logs.lines] == ["request succeeded"]
    logging.getLogger("replicant").setLevel(logging.WARNING)
    client.accounts.current()
    assert len(logs.lines) == 1


def test_the_token_and_bodies_are_not_logged(emulator: Emulator, logs: Any) -> None:
    for log_bodies in (False, True):
        client = replicant.Client(TOKEN, base_url=emulator.base_url, log_bodies=log_bodies)
        client.run(
            "emulator/echo", {"value": {"note": "a heron", "api_key": "private", "t": TOKEN}}
        )
        text = "\n".join(logs.lines)
        assert ("a heron" in text) is log_bodies
        assert TOKEN not in text
        assert "private" not in text


def test_an_exception_of_a_handler_ends_no_call(
    client: Any, logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(logs, "emit", fail)
    monkeypatch.setattr("sys.unraisablehook", lambda _: None)
    assert client.accounts.current().username


SCRIPT = """
import sys
import replicant
client = replicant.Client("r8_x", base_url=sys.argv[1])
client.accounts.current()
try:
    client.run("emulator/endless", {}, wait=False, timeout=1.5)
except replicant.ReplicateException:
    pass
"""


@pytest.mark.parametrize("level", ["info", "debug", "warn", "off", "loud", "error"])
def test_replicate_log_logs_to_standard_error_until_the_exit(
    level: str, emulator: Emulator
) -> None:
    done = python(SCRIPT, emulator.base_url, REPLICATE_LOG=level)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert ("request succeeded method=GET path=/v1/account" in done.stderr) is (
        level in ("info", "debug")
    )
    assert ("sending request" in done.stderr) is (level == "debug")
    assert ("canceling prediction" in done.stderr) is (level in ("info", "debug"))
    assert ("REPLICATE_LOG must be" in done.stderr) is (level in ("loud", "error"))


AWAITED = """
import asyncio, sys
import replicant

async def main():
    client = replicant.AsyncClient("r8_x", base_url=sys.argv[1])
    try:
        await asyncio.wait_for(client.run("emulator/endless", {}, wait=False), 2)
    except asyncio.TimeoutError:
        pass

asyncio.run(main())
"""


def test_a_cancel_is_logged_although_its_loop_is_closed(emulator: Emulator) -> None:
    done = python(AWAITED, emulator.base_url, REPLICATE_LOG="info")
    assert done.returncode == 0, done.stderr
    assert "canceling prediction prediction_id=" in done.stderr, done.stderr


CLOSING = """
import asyncio, logging, sys, time
import replicant

class Collector(logging.Handler):
    lines = []
    def emit(self, record):
        self.lines.append(record.getMessage())

logger = logging.getLogger("replicant")
logger.addHandler(Collector())
logger.setLevel(logging.DEBUG)
client = replicant.AsyncClient("r8_x", base_url=sys.argv[1])

# The loop ends before it has read the records of a call that is in flight.
for _ in range(20):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.accounts.current())
    call = loop.create_task(client.models.get("emulator/echo"))
    loop.run_until_complete(asyncio.sleep(0))
    time.sleep(0.02)
    call.cancel()
    loop.stop()
    loop.run_forever()
    loop.close()
    del call, loop
asyncio.run(client.accounts.current())
sent = sum(line.startswith("sending request method=GET") and "/models/" in line for line in Collector.lines)
print(sent)
"""


@pytest.mark.alone
def test_records_of_a_loop_that_is_closed_are_delivered_later(emulator: Emulator) -> None:
    emulator.forget()
    done = python(CLOSING, emulator.base_url)
    assert done.returncode == 0, done.stderr
    received = [request for request in emulator.requests() if "/models/" in request["path"]]
    assert int(done.stdout) >= len(received) > 0


def test_logging_is_not_imported_without_need(emulator: Emulator) -> None:
    script = "import sys, replicant\nreplicant.Client('x')\nsys.exit('logging' in sys.modules)"
    assert python(script).returncode == 0


def test_without_logs_of_level_info_nothing_is_built_for_a_call(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert logging.getLogger("replicant").isEnabledFor(logging.WARNING)

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("replicant._telemetry.Receiver", fail)
    assert client.accounts.current().username


@pytest.mark.alone
@pytest.mark.parametrize("hooks", [{}, {"on_retry": print}])
def test_a_cancel_that_fails_is_logged_at_level_warning(
    hooks: Any, client: Any, logs: Any, emulator: Emulator
) -> None:
    client = client.with_options(**hooks)
    logging.getLogger("replicant").setLevel(logging.WARNING)
    emulator.fault(match={"path": "/v1/predictions/*/cancel"}, action={"status": 403})
    with pytest.raises(replicant.PredictionTimeoutError):
        client.run("emulator/endless", {}, wait=False, timeout=1.5)
    _native.drain(30)
    client.accounts.current()
    assert [line.split()[:2] for line in logs.lines] == [["cancel", "failed"]]
