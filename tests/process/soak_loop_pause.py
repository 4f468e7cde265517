"""Measures how long concurrent streams block the event loop.

    python tests/process/soak_loop_pause.py [STREAMS] [ROUNDS]

prints for each round the CPU time of the turn that starts the streams, and of the longest turn that reads them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

from processes import ROOT, Emulator

import replicant


async def pauses(client: replicant.AsyncClient, streams: int) -> tuple[float, float]:
    over = False
    turns: list[float] = []

    async def watch() -> None:
        before = time.thread_time()
        while not over:
            await asyncio.sleep(0)
            now = time.thread_time()
            turns.append(now - before)
            before = now

    async def read() -> None:
        async for _ in client.stream("emulator/stream", {"chunks": ["word "] * 100, "repeat": 5}):
            pass

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(read() for _ in range(streams)))
    over = True
    await watching
    return turns[0], max(turns[1:])


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
    for _ in range(rounds):
        start, read = await pauses(client, streams)
        print(f"start {1000 * start:.1f} ms, read {1000 * read:.1f} ms", flush=True)
    server.communicate()


if __name__ == "__main__":
    asyncio.run(main())
