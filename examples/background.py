"""Predictions in the background: start, watch, read while it runs, cancel, find again.

    python examples/background.py

Without `REPLICATE_API_TOKEN` it talks to the emulator, which needs no token, no network and no money.
"""

from __future__ import annotations

import os
from itertools import islice

import replicant
from replicant.testing import Emulator

TEXT = "meta/meta-llama-3-8b-instruct"


def main(client: replicant.Client) -> None:
    # Start one and do something else. The id is all that is needed to come back to it.
    started = client.predictions.create(
        model=TEXT, input={"prompt": "Describe a lighthouse.", "max_tokens": 60}
    )
    print(f"started {started.id}: {started.status}")

    # Later, perhaps in another process: what it has written so far, and the rest as it comes.
    prediction = client.predictions.get(started.id)
    for piece in prediction.output_iterator():
        print(piece, end="", flush=True)
    print()

    # The object is brought up to date by `reload` and `wait`.
    prediction.wait()
    seconds = (prediction.metrics or {}).get("predict_time", 0)
    print(f"{prediction.status} after {seconds:.2f} s; it began at {prediction.started_at}")

    # One that is no longer wanted is canceled; `cancel_after` would have seen to it as well.
    unwanted = client.predictions.create(
        model=TEXT, input={"prompt": "Count to a million."}, cancel_after="10m"
    )
    unwanted.cancel()
    print(f"no longer wanted: {unwanted.status}")

    # A bar shows how far a model is, if it prints one itself.
    if not os.environ.get("REPLICATE_API_TOKEN"):
        steps = client.run("emulator/progress", {"steps": 20}, progress=True)
        print(f"{steps} steps")

    # Everything that ran, newest first. The next page is fetched when it is needed.
    for earlier in islice(client.predictions.list(), 5):
        print(f"  {earlier.created_at}  {earlier.status:10} {earlier.model}")


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client())
    else:
        with Emulator() as emulator:
            main(emulator.client())
