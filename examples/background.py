"""Predictions in the background: start one, read its output while it runs, cancel, list.

    python examples/background.py

Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import os
from itertools import islice

import replicant
from replicant.testing import Emulator

TEXT = "meta/meta-llama-3-8b-instruct"


def main(client: replicant.Client) -> None:
    # Start a prediction and do something else. Its id is enough to find it again.
    started = client.predictions.create(
        model=TEXT, input={"prompt": "Describe a lighthouse.", "max_tokens": 60}
    )
    print(f"started {started.id}: {started.status}")

    # Later, perhaps in another process: read the output so far, and the rest as it arrives.
    prediction = client.predictions.get(started.id)
    for piece in prediction.output_iterator():
        print(piece, end="", flush=True)
    print()

    # `reload` and `wait` update the object.
    prediction.wait()
    seconds = (prediction.metrics or {}).get("predict_time", 0)
    print(f"{prediction.status} after {seconds:.2f} s; started at {prediction.started_at}")

    # Cancel a prediction that is no longer needed. `cancel_after` lets the API cancel it in any case.
    unneeded = client.predictions.create(
        model=TEXT, input={"prompt": "Count to a million."}, cancel_after="10m"
    )
    unneeded.cancel()
    print(f"no longer needed: {unneeded.status}")

    # Show the model's progress, if the model prints a progress bar to its logs.
    if not os.environ.get("REPLICATE_API_TOKEN"):
        steps = client.run("emulator/progress", {"steps": 20}, progress=True)
        print(f"{steps} steps")

    # List predictions, newest first. Pages are fetched when they are needed.
    for earlier in islice(client.predictions.list(), 5):
        print(f"  {earlier.created_at}  {earlier.status:10} {earlier.model}")


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client())
    else:
        with Emulator() as emulator:
            main(emulator.client())
