"""The rate gate: runs wait for their turn instead of failing with 429."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import replicant
from replicant.testing import Emulator


def test_runs_of_threads_share_the_limit() -> None:
    with Emulator(rate_limit=600) as emulator:
        clients = [emulator.client(), emulator.client()]
        began = time.monotonic()
        with ThreadPoolExecutor(32) as pool:
            runs = pool.map(lambda i: clients[i % 2].run("emulator/echo", {"value": i}), range(620))
            assert list(runs) == list(range(620))
        assert time.monotonic() - began > 1.5
        limits = clients[0].rate_limit
        assert limits is not None
        assert limits.creates.waiting == 0
        assert limits.creates.per_minute is not None


def test_the_rate_limit_is_an_option() -> None:
    with Emulator() as emulator:
        learned = emulator.client().rate_limit
        assert learned is not None
        assert learned.others == replicant.RateLimitState(None, None, 0.0, 0)
        known = emulator.client(rate_limit=60)
        assert known.rate_limit is not None
        assert known.rate_limit.creates.per_minute == 60
        off = emulator.client(rate_limit=None)
        assert off.rate_limit is None
        assert off.with_options(poll_interval=1).rate_limit is None
        assert known.with_options(rate_limit=None).rate_limit is None
        wrong: Any
        for wrong in (0, -1, "fast"):
            with pytest.raises(replicant.InvalidArgumentError, match="rate_limit"):
                emulator.client(rate_limit=wrong)


def test_without_the_gate_a_429_uses_up_retries() -> None:
    with Emulator() as emulator:
        emulator.fail_next("predictions.create", status=429, retry_after=0.01, times=3)
        client = emulator.client(rate_limit=None, max_retries=1)
        with pytest.raises(replicant.RateLimitError):
            client.run("emulator/echo", {"value": 1})
        emulator.reset()
        emulator.fail_next("predictions.create", status=429, retry_after=0.01, times=3)
        assert emulator.client(max_retries=1).run("emulator/echo", {"value": 1}) == 1


def test_a_canceled_task_leaves_the_queue() -> None:
    async def main(client: replicant.AsyncClient) -> None:
        runs = [asyncio.ensure_future(client.run("emulator/echo", {"value": 1})) for _ in range(30)]
        assert client.rate_limit is not None
        while not client.rate_limit.creates.waiting:
            await asyncio.sleep(0.01)
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
        while client.rate_limit.creates.waiting:
            await asyncio.sleep(0.01)

    with Emulator() as emulator:
        asyncio.run(asyncio.wait_for(main(emulator.async_client(rate_limit=60)), 60))
