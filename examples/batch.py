"""A batch on one machine: a CSV of rows in, a CSV of results out, with files, a checkpoint and progress.

    python examples/batch.py [CHECKPOINT]

Interrupt it and start it again with the same checkpoint: it continues where it stopped. Without `REPLICATE_API_TOKEN` it uses the
emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import replicant
from replicant.testing import Emulator

MODEL = "black-forest-labs/flux-schnell"


def write_rows(path: Path) -> None:
    """Writes the rows of this example."""
    animals = ["heron", "fox", "hare", "owl", "otter", "swift"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "animal"])
        writer.writerows((f"animal-{number}", animal) for number, animal in enumerate(animals))


def batch(client: replicant.Client, rows: Path, results: Path, checkpoint: Path) -> str:
    """Paints each row, and returns a summary."""
    with rows.open(newline="") as source, results.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["id", "status", "file", "error"])
        with client.map(
            MODEL,
            csv.DictReader(source),
            input=lambda row: {"prompt": f"a {row['animal']} at dawn", "megapixels": "0.25"},
            key="id",
            concurrency=4,
            checkpoint=checkpoint,
            # The API deletes files after an hour.
            save_to="pictures",
            # A failed prediction is created once more, and billed.
            retries=1,
            max_predictions=1000,
            progress=True,
        ) as items:
            for item in items:
                file = item.output[0] if item.output else ""
                writer.writerow([item.key, item.status, file, item.error or ""])
        stats = items.stats
    return (
        f"{stats.succeeded} succeeded, {stats.failed} failed, {stats.resumed} from the checkpoint"
    )


def main(client: replicant.Client) -> None:
    rows, results = Path("animals.csv"), Path("results.csv")
    checkpoint = Path(sys.argv[1] if len(sys.argv) > 1 else "animals.jsonl")
    write_rows(rows)
    print("first run:", batch(client, rows, results, checkpoint))
    # The results of the first run are in the checkpoint: nothing is created again.
    print("again:", batch(client, rows, results, checkpoint))
    with results.open(newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: row["id"]):
            print(f"  {row['id']}: {row['file']}")


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client())
    else:
        with Emulator() as emulator:
            main(emulator.client())
