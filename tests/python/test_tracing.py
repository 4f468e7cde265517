"""OpenTelemetry: spans and their propagation, with the real SDK."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from conftest import ENDLESS, TOKEN, Emulator, canceled, eventually, python

import replicant

pytest.importorskip("opentelemetry.sdk")
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from opentelemetry.trace import SpanKind, StatusCode

EXPORTER = InMemorySpanExporter()
POLLED = {"json": {"id": "p1", "status": "succeeded"}}


@pytest.fixture
def spans() -> Any:
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    if not getattr(provider, "_replicant_test", False):
        provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
        provider._replicant_test = True  # type: ignore[attr-defined]
    EXPORTER.clear()
    return EXPORTER


def named(spans: Any, name: str) -> Any:
    found = [span for span in spans.get_finished_spans() if span.name == name]
    assert found, [span.name for span in spans.get_finished_spans()]
    return found[0]


def sent(emulator: Emulator) -> list[dict[str, str]]:
    return [
        request["headers"] for request in emulator.requests() if "traceparent" in request["headers"]
    ]


def check_run(spans: Any, outer: Any) -> None:
    run, create = named(spans, "generate_content emulator/echo"), named(spans, "POST")
    assert run.kind is SpanKind.CLIENT
    assert run.parent.span_id == outer.get_span_context().span_id
    assert create.parent.span_id == run.context.span_id
    assert create.context.trace_id == outer.get_span_context().trace_id
    assert run.attributes["gen_ai.operation.name"] == "generate_content"
    assert run.attributes["gen_ai.provider.name"] == "replicate"
    assert run.attributes["gen_ai.request.model"] == "emulator/echo"
    assert run.attributes["replicate.prediction.status"] == "succeeded"
    assert create.kind is SpanKind.CLIENT
    assert create.attributes["http.request.method"] == "POST"
    assert create.attributes["http.response.status_code"] == 201
    assert create.attributes["server.address"] == "127.0.0.1"
    assert create.attributes["url.full"].startswith("http://127.0.0.1:")
    assert run.start_time <= create.start_time <= create.end_time <= run.end_time
    text = " ".join(span.to_json() for span in spans.get_finished_spans())
    assert "a heron" not in text
    assert TOKEN not in text


def test_a_blocking_run_is_traced_below_the_current_span(client: Any, spans: Any) -> None:
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        client.run("emulator/echo", {"value": "a heron"})
    check_run(spans, outer)


async def test_an_awaited_run_is_traced_below_the_current_span(
    async_client: Any, spans: Any
) -> None:
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        await async_client.run("emulator/echo", {"value": "a heron", "delay": 0.05}, wait=False)
    check_run(spans, outer)


def check_create(spans: Any, outer: Any, prediction: Any) -> None:
    run, create = named(spans, "generate_content emulator/echo"), named(spans, "POST")
    assert run.parent.span_id == outer.get_span_context().span_id
    assert create.parent.span_id == run.context.span_id
    assert run.attributes["gen_ai.operation.name"] == "generate_content"
    assert run.attributes["gen_ai.request.model"] == "emulator/echo"
    assert run.attributes["gen_ai.response.id"] == prediction.id
    assert run.attributes["replicate.prediction.status"] == prediction.status
    assert "a heron" not in run.to_json()


async def test_a_create_is_traced_like_a_run(client: Any, async_client: Any, spans: Any) -> None:
    create = {"model": "emulator/echo", "input": {"value": "a heron", "delay": 5}}
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        prediction = client.predictions.create(**create)
    check_create(spans, outer, prediction)
    spans.clear()
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        prediction = await async_client.predictions.create(**create)
    check_create(spans, outer, prediction)


def test_each_attempt_sends_the_context_of_its_span(emulator: Emulator, spans: Any) -> None:
    seen: list[str] = []
    exchanges = [
        {"expect": {"method": "GET"}, "reply": reply} for reply in ({"status": 503}, POLLED)
    ]
    replay = emulator.replay(*exchanges)
    client = replicant.Client(
        TOKEN,
        base_url=replay.base_url,
        on_request=lambda request: seen.append(request.headers["traceparent"]),
    )
    with trace.get_tracer("test").start_as_current_span("outer"):
        client.predictions.get("p1")
    received = [request["headers"]["traceparent"] for request in replay.report()["requests"]]
    attempts = [span for span in spans.get_finished_spans() if span.name == "GET"]
    ids = [
        f"00-{s.context.trace_id:032x}-{s.context.span_id:016x}-{s.context.trace_flags:02x}"
        for s in attempts
    ]
    assert received == seen == ids
    failed, resent = attempts
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "503"
    assert resent.status.status_code is StatusCode.UNSET
    assert resent.attributes["http.request.resend_count"] == 1
    assert "http.request.resend_count" not in failed.attributes


@pytest.mark.parametrize("awaited", [False, True])
def test_an_overridden_request_continues_the_trace(
    emulator: Emulator, spans: Any, awaited: bool
) -> None:
    class Overridden(replicant.Client):
        def _request(self, *arguments: Any, **options: Any) -> Any:
            return super()._request(*arguments, **options)

        async def _async_request(self, *arguments: Any, **options: Any) -> Any:
            return await super()._async_request(*arguments, **options)

    client = Overridden("r8_t", base_url=emulator.base_url)
    if awaited:
        asyncio.run(client.async_run("emulator/echo", {"value": 1}))
    else:
        client.run("emulator/echo", {"value": 1})
    found = spans.get_finished_spans()
    assert len({span.context.trace_id for span in found}) == 1
    assert [span.name for span in found if span.parent is None] == [
        "generate_content emulator/echo"
    ]


def test_content_is_recorded_only_on_request(emulator: Emulator, spans: Any) -> None:
    client = replicant.Client(TOKEN, base_url=emulator.base_url, trace_content=True)
    client.run("emulator/echo", {"value": "a heron"})
    run = named(spans, "generate_content emulator/echo")
    [message] = json.loads(run.attributes["gen_ai.output.messages"])
    assert message["role"] == "assistant"
    assert message["parts"] == [{"type": "text", "content": "a heron"}]
    assert "a heron" in run.attributes["gen_ai.input.messages"]


def test_a_stream_is_traced_to_its_end(client: Any, spans: Any) -> None:
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        assert len(list(client.stream("emulator/stream", {"chunks": ["Sing", "."]}))) > 1
    run = named(spans, "generate_content emulator/stream")
    assert run.parent.span_id == outer.get_span_context().span_id
    assert named(spans, "GET").parent.span_id == run.context.span_id


@pytest.mark.alone
def test_a_closed_stream_that_is_kept_is_canceled_and_ends_its_span(
    client: Any, emulator: Emulator, spans: Any
) -> None:
    before = canceled(emulator)
    with trace.get_tracer("test").start_as_current_span("outer"):
        stream = client.stream(ENDLESS, {})
        next(stream)
        stream.close()
        eventually(lambda: canceled(emulator) == before + 1)
        client.accounts.current()
    assert named(spans, f"generate_content {ENDLESS}")
    assert list(stream) == []


def test_an_abandoned_run_ends_its_span(client: Any, spans: Any) -> None:
    with pytest.raises(replicant.ReplicateException):
        client.run(ENDLESS, {}, wait=False, timeout=1.5)
    name = f"generate_content {ENDLESS}"

    def ended() -> bool:
        # Delivers the records of the background.
        client.accounts.current()
        return any(span.name == name for span in spans.get_finished_spans())

    eventually(ended)
    run = named(spans, name)
    assert run.attributes["error.type"] == "deadline"
    assert run.status.status_code is StatusCode.ERROR
    # The cancel in the background belongs to the run.
    posts = [span for span in spans.get_finished_spans() if span.name == "POST"]
    [cancel] = [span for span in posts if span.attributes["url.full"].endswith("/cancel")]
    assert cancel.parent.span_id == run.context.span_id


@pytest.mark.alone
def test_tracing_can_be_turned_off(emulator: Emulator, spans: Any) -> None:
    emulator.forget()
    client = replicant.Client(TOKEN, base_url=emulator.base_url, tracing=False)
    with trace.get_tracer("test").start_as_current_span("outer"):
        client.run("emulator/echo", {"value": 1})
    assert [span.name for span in spans.get_finished_spans()] == ["outer"]
    assert sent(emulator) == []


SCRIPT = """
import sys
import replicant
from opentelemetry import context, propagate
client = replicant.Client("r8_x", base_url=sys.argv[1])
parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
context.attach(propagate.extract(parent))
client.accounts.current()
"""


@pytest.mark.alone
def test_the_context_is_passed_on_without_an_sdk(emulator: Emulator) -> None:
    emulator.forget()
    done = python(SCRIPT, emulator.base_url)
    assert done.returncode == 0, done.stderr
    [headers] = sent(emulator)
    assert headers["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_opentelemetry_is_not_imported_without_need() -> None:
    script = (
        "import sys, replicant\nreplicant.Client('x')\nsys.exit('opentelemetry' in sys.modules)"
    )
    assert python(script).returncode == 0
    assert "opentelemetry" in sys.modules
