"""Concurrency with asyncio: a batch, two streams at once, a timeout.

    python examples/tasks.py

Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import asyncio
import os
import time

import replicant
from replicant.testing import Emulator

TEXT = "meta/meta-llama-3-8b-instruct"
IMAGE = "black-forest-labs/flux-schnell"


async def batch(client: replicant.AsyncClient) -> None:
    """Runs one model on many inputs, four at a time, and saves the outputs."""
    animals = ["heron", "fox", "hare", "owl", "otter", "swift"]
    results = client.map(
        IMAGE,
        animals,
        input=lambda animal: {"prompt": f"a {animal} at dawn", "megapixels": "0.25"},
        key=lambda animal: animal,
        concurrency=4,
    )
    async for item in results:
        if item.error is None:
            print(f"  {item.key}: {await item.output[0].asave(f'{item.key}.webp')}")
        else:
            print(f"  {item.key}: {item.error}")


async def side_by_side(client: replicant.AsyncClient) -> None:
    """Reads two streams concurrently."""

    async def tell(name: str, prompt: str) -> None:
        words = 0
        # `text()` yields only the output.
        async for piece in client.stream(TEXT, {"prompt": prompt, "max_tokens": 40}).text():
            words += len(piece.split())
        print(f"  {name} said {words} words")

    await asyncio.gather(tell("Ada", "Sing of the sea."), tell("Ben", "Sing of the hills."))


async def with_timeout(client: replicant.AsyncClient) -> None:
    """Stops waiting after a second. The prediction is canceled, so it costs nothing more."""
    start = time.monotonic()
    try:
        await asyncio.wait_for(client.run("emulator/endless", {}), timeout=1)
    except asyncio.TimeoutError:
        print(f"  stopped after {time.monotonic() - start:.0f} s")


async def main(client: replicant.AsyncClient) -> None:
    print("A batch:")
    await batch(client)
    print("Two streams:")
    await side_by_side(client)
    if not os.environ.get("REPLICATE_API_TOKEN"):
        print("A timeout:")
        await with_timeout(client)


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        asyncio.run(main(replicant.AsyncClient()))
    else:
        with Emulator() as emulator:
            asyncio.run(main(emulator.async_client()))
