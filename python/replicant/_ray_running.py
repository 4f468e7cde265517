"""What an actor has once it runs predictions, and how its batches are stopped."""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import Any, Callable, Coroutine, Dict, Optional, Set, TypeVar

from ._async.client import AsyncClient
from ._errors import InvalidArgumentError
from ._map_rows import getter
from ._native import CheckpointFolder, drain
from ._ray_gate import Gated
from ._ray_rows import Reader

Result = TypeVar("Result")

# Creates wait at the shared gate alone. A number rather than None, because other requests still wait for their own limits, and a
# 429 uses up no retry.
_UNLIMITED = 1e9
# How long an actor waits for its cancels to be sent, in seconds.
_DRAIN = 5.0


class Running:
    """What the batches of an actor share. The token is read from the environment variable `token_env`."""

    def __init__(
        self,
        token_env: str,
        client: Dict[str, Any],
        *,
        rate: Optional[float],
        folder: Optional[CheckpointFolder],
        input: Reader,
        key: Reader,
        concurrency: int,
    ) -> None:
        token = os.environ.get(token_env)
        if not token:
            raise InvalidArgumentError(
                f"`token_env`: {token_env} is not set in the environment of this worker; start the cluster with it, "
                "or pass `runtime_env` to `ray.init`",
                argument="token_env",
            )
        # Built twice, because the hooks need the base URL in force, which the environment may set.
        base_url = AsyncClient(token, **client).base_url
        self.gated = Gated(token, base_url, rate)
        self.client = AsyncClient(
            token,
            **client,
            rate_limit=_UNLIMITED,
            on_request=self.gated.on_request,
            on_response=self.gated.on_response,
            on_retry=self.gated.on_retry,
        )
        self.folder = folder
        self.input: Callable[[Any], Any] = getter("input", input) or (lambda row: row)
        self.key = getter("key", key)
        self.preparing = asyncio.Lock()
        # All batches of the actor together.
        self.slots = asyncio.Semaphore(concurrency)
        self._tasks: Set[asyncio.Future[Any]] = set()
        self._is_stopped = False

    async def batch(self, pipeline: Optional[str], running: Coroutine[Any, Any, Result]) -> Result:
        """Runs a batch. If its pipeline is stopped before, its predictions are canceled."""
        if pipeline is None:
            return await running
        number = uuid.uuid4().hex
        task = asyncio.ensure_future(running)
        stopped = asyncio.ensure_future(self.gated.stopped(pipeline, number))
        self._tasks.add(task)
        try:
            if not self._is_stopped:
                await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not self._is_stopped and (task.done() or stopped.exception() is not None):
                    return await task
                # All at once, because one that ends makes room for another. Later ones end at once.
                self._is_stopped = True
                for one in self._tasks:
                    one.cancel()
            task.cancel()
            await asyncio.wait({task})
            # Closing a batch cancels its predictions in the background.
            await asyncio.to_thread(drain, _DRAIN)
            raise RuntimeError("the job has ended; its running predictions are canceled")
        finally:
            self._tasks.discard(task)
            task.cancel()
            stopped.cancel()
            self.gated.ended(pipeline, number)
