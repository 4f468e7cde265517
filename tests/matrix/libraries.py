"""Runs libraries that import `replicate` with this package in its place, after `install_as_replicate`.

It is run by the interpreter of the environment that has the libraries.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

import replicant
from replicant.testing import Emulator

replicant.install_as_replicate()

TEXT = "meta/meta-llama-3-8b-instruct"
STREAM = "emulator/stream"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
CHUNKS = {"chunks": ["a", "b", "c"], "pause": 0.05}


def langchain(version: str) -> None:
    from langchain_community.llms import Replicate

    text = Replicate(model=TEXT, model_kwargs={"max_tokens": 8}).invoke("Describe a harbor.")
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


def llama_index_with_images(version: str) -> None:
    import llama_index.multi_modal_llms.replicate.base as base
    from llama_index.core.base.llms.types import ImageBlock

    model = f"{STREAM}:{version}"
    # The library accepts only the models in this table.
    base.REPLICATE_MULTI_MODAL_LLM_MODELS["emulator"] = model
    describer = base.ReplicateMultiModal(model=model, additional_kwargs=CHUNKS)
    file = Path("pixel.png")
    file.write_bytes(PNG)
    image = ImageBlock(path=file)
    assert describer.complete("x", [image]).text == "abc"
    assert [part.delta for part in describer.stream_complete("x", [image])] == ["a", "b", "c"]

    async def complete() -> list[str]:
        return [part.delta async for part in await describer.astream_complete("x", [image])]

    assert asyncio.run(complete()) == ["a", "b", "c"]


def open_llmetry(version: str) -> None:
    from opentelemetry.instrumentation.replicate import ReplicateInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = ReplicateInstrumentor()
    # This checks that a distribution named `replicate` is installed.
    instrumentor.instrument(tracer_provider=provider)
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
        llama_index_with_images(latest.id)
        open_llmetry(latest.id)
    print(f"ok {replicant.__version__}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
