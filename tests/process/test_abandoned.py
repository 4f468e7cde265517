"""What abandoned calls leave behind is limited."""

from __future__ import annotations

import pytest
from processes import Program, environment, silent_server

__all__ = ["environment"]

resource = pytest.importorskip("resource")

# 256 descriptors, as on macOS.
LOOP = """
import asyncio, resource, sys, time, replicant
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
client = replicant.AsyncClient("r8_token", base_url=sys.argv[1])
async def main():
    for _ in range(int(sys.argv[2])):
        try:
            await asyncio.wait_for(client.run("acme/text", {}), 0.02)
        except asyncio.TimeoutError:
            pass
    open("/dev/null").close()
    print("abandoned", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_abandoned_creates_leave_descriptors_to_the_program() -> None:
    with silent_server() as server:
        program = Program(LOOP, server.base_url, "200")
        assert program.line() == "abandoned"
        # 64 abandoned creates, the current one, and connections that the server has not seen close.
        assert server.most <= 72
        assert len(server.heads) <= 100, "a create that waits for room is not sent"
        program.process.kill()
        program.process.wait()
