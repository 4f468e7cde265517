"""Models as functions, each of which takes the output of the previous one.

    python examples/pipeline.py

Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import os

from PIL import Image

import replicant
from replicant.testing import Emulator

WRITER = "meta/meta-llama-3-8b-instruct"
PAINTER = "black-forest-labs/flux-schnell"
UPSCALER = (
    "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"
)


def main(client: replicant.Client) -> None:
    write, paint, upscale = (client.use(model) for model in (WRITER, PAINTER, UPSCALER))

    # Text is returned as one string, and a file as an object that opens like a path.
    scene = write(prompt="Describe a harbor at dawn in one sentence.", max_tokens=30)
    pictures = paint(prompt=scene, megapixels="0.25", num_outputs=2)
    print(f"{len(pictures)} pictures of: {scene.strip()[:60]}...")

    # Nothing is downloaded in between: the URL of one model's output is the next one's input.
    runs = [upscale.create(image=picture, scale=2) for picture in pictures]
    larger = [run.output() for run in runs]

    # The file is downloaded when it is read. Anything that reads files can open it.
    for before, after in zip(pictures, larger):
        print(f"{Image.open(before.open()).size} became {Image.open(after.open()).size}")

    for path in client.save_all(larger, "harbor"):
        print(f"saved {path}")


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client())
    else:
        with Emulator() as emulator:
            main(emulator.client())
