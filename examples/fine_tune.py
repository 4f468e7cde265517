"""Fine-tuning: find a base model, train it on pictures, run and deploy the result.

    python examples/fine_tune.py OWNER

Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import io
import os
import sys
import time
import zipfile

from PIL import Image

import replicant
from replicant.testing import Emulator

BASE = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"


def pictures() -> bytes:
    """Returns a zip archive of three pictures, as a stand-in for your own."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        for number, color in enumerate(["#d9480f", "#e8590c", "#f76707"]):
            picture = io.BytesIO()
            Image.new("RGB", (64, 64), color).save(picture, "PNG")
            written.writestr(f"{number}.png", picture.getvalue())
    return archive.getvalue()


def main(client: replicant.Client, owner: str) -> None:
    # Find a base model. Collections group models by task.
    for collection in client.collections.list():
        print(f"{collection.slug}: {collection.description}")
    found = [f"{model.owner}/{model.name}" for model in client.models.search("sdxl")]
    print("found", ", ".join(found[:3]))

    # The destination is a new model without versions.
    hardware = client.hardware.list()[-1]
    mine = client.models.create(owner, "sunsets", visibility="private", hardware=hardware)
    print(f"created {mine.id} on {hardware.name}")

    training = client.trainings.create(
        version=BASE, input={"input_images": pictures()}, destination=mine
    )
    while training.status in ("starting", "processing"):
        time.sleep(0.2)
        training.reload()
    print(f"the training {training.status}: {training.output['version']}")

    # Run the new version like any other model.
    version = mine.versions.list()[0]
    picture = client.run(version, {"prompt": "a sunset", "width": 512, "height": 512})[0]
    print("made", picture.save("sunset.png"))

    # Deploy it: a deployment runs on your choice of hardware and scales with demand.
    deployment = client.deployments.create(
        "sunsets", mine, version, hardware, min_instances=0, max_instances=1
    )
    prediction = deployment.predictions.create({"prompt": "a sunset"})
    prediction.wait()
    print(f"{deployment.id}: {prediction.status}")


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client(), sys.argv[1])
    else:
        with Emulator() as emulator:
            main(emulator.client(), "acme")
