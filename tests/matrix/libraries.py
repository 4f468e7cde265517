"""Libraries that import `replicate` themselves, given this package by `install_as_replicate`.

Run by the interpreter of the environment they were installed into.
"""

from __future__ import annotations

import os
import sys

import replicant
from replicant.testing import Emulator

replicant.install_as_replicate()

TEXT = "meta/meta-llama-3-8b-instruct"
STREAM = "emulator/stream"
CHUNKS = {"chunks": ["a", "b", "c"], "pause": 0.05}


def langchain(version: str) -> None:
    from langchain_community.llms import Replicate

    text = Replicate(model=TEXT, model_kwargs={"max_tokens": 8}).invoke("Describe a harbour.")
    assert isinstance(text, str) and text
    pinned = Replicate(model=f"{STREAM}:{version}", prompt_key="prompt", model_kwargs=CHUNKS)
    assert pinned.invoke("x") == "abc"
    assert list(pinned.stream("x")) == ["a", "b", "c"]


def llama_index() -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.replicate import Replicate

    model = Replicate(model=STREAM, additional_kwargs=CHUNKS)
    assert model.complete("x").text.startswith("abc")
    assert [part.delta for part in model.stream_complete("x")][:3] == ["a", "b", "c"]
    answer = model.chat([ChatMessage(role="user", content="x")]).message.content
    assert answer is not None and answer.startswith("abc")


def open_llmetry(version: str) -> None:
    from opentelemetry.instrumentation.replicate import ReplicateInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = ReplicateInstrumentor()
    # Its check looks for a distribution called `replicate`.
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        assert list(replicant.run(STREAM, CHUNKS)) == ["a", "b", "c"]
        assert "".join(map(str, replicant.stream(STREAM, CHUNKS))).startswith("abc")
        replicant.predictions.create(version=version, input=CHUNKS).wait()
    finally:
        instrumentor.uninstrument()
    assert len(spans.get_finished_spans()) == 3, spans.get_finished_spans()


def main() -> None:
    with Emulator() as emulator:
        os.environ.update(REPLICATE_BASE_URL=emulator.base_url, REPLICATE_API_TOKEN="r8_x")
        latest = replicant.models.get(STREAM).latest_version
        assert latest is not None
        langchain(latest.id)
        llama_index()
        open_llmetry(latest.id)
    print(f"ok {replicant.__version__}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
