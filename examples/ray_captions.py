"""A batch on Ray: a table of pictures gets a column with captions.

    pip install 'replicant[ray]'
    python examples/ray_captions.py

Interrupt it and start it again: rows whose captions are known are not billed again. Without `REPLICATE_API_TOKEN` it uses the
emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import os
from typing import Any, Dict

import ray
import ray.data

import replicant.ray
from replicant.testing import Emulator

MODEL = "acme/captioner"


def picture(row: Dict[str, Any]) -> Dict[str, Any]:
    return {"image": row["url"]}


def main() -> None:
    rows = ray.data.from_items(
        [{"id": number, "url": f"https://example.com/{number}.png"} for number in range(200)]
    )
    captions = replicant.ray.predict(
        # As many blocks as actors at least.
        rows.repartition(8),
        MODEL,
        input=picture,
        key="id",
        actors=2,
        concurrency=32,
        batch_size=25,
        checkpoint="captions-checkpoint",
        # Many tables already have a column `status`.
        prefix="caption_",
    )
    captions.write_parquet("captions")
    found = ray.data.read_parquet("captions")
    failed = found.filter(lambda row: row["caption_error"] is not None).count()
    print(f"{found.count()} rows, {failed} failed")
    for row in found.sort("id").take(3):
        print(f"  {row['id']}: {row['caption_output']}")


if __name__ == "__main__":
    if os.environ.get("REPLICATE_API_TOKEN"):
        ray.init()
        main()
    else:
        with Emulator() as emulator:
            emulator.script(MODEL, output="a heron at dawn")
            # The workers read the token and the address from their environment.
            variables = {
                "REPLICATE_API_TOKEN": "for-the-emulator",
                "REPLICATE_BASE_URL": emulator.base_url,
            }
            ray.init(num_cpus=2, runtime_env={"env_vars": variables})
            main()
            ray.shutdown()
