"""Measures how long concurrent streams block the event loop.

    python tests/process/soak_loop_pause.py [STREAMS] [ROUNDS]

prints the longest time between two turns of the loop, in milliseconds, for each round.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

from processes import ROOT, Emulator

import replicant


async def longest_pause(client: replicant.AsyncClient, streams: int) -> float:
    over = False
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        before = time.perf_counter()
        while not over:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest = max(longest, now - before)
            before = now

    async def read() -> None:
        async for _ in client.stream("emulator/stream", {"chunks": ["word "] * 100, "repeat": 20}):
            pass

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(read() for _ in range(streams)))
    over = True
    await watching
    return longest


async def main() -> None:
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    server = subprocess.Popen(
        [ROOT / "target/debug/replicant-emulator", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    client = replicant.AsyncClient("r8_token", base_url=Emulator(server).base_url)
    await longest_pause(client, streams)
    for _ in range(rounds):
        print(f"{1000 * await longest_pause(client, streams):.1f} ms", flush=True)
    server.communicate()


if __name__ == "__main__":
    asyncio.run(main())
