"""The rate gate of a Ray cluster: an actor that hands out turns for creates, and stops batches whose job has ended."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import time
import uuid
from typing import Any, Dict, List, Optional, Set, Tuple
from urllib.parse import urlsplit

from ._hooks import RequestEvent, ResponseEvent, RetryEvent
from ._native import Turns

Turn = Tuple[int, int]
"""Which limit of a gate, and which of its turns: two numbers."""

NAMESPACE = "replicant"
GATE = "gate-"
"""What the names of gates begin with."""

# Seconds for which the limit of an idle pipeline still counts.
_FORGET = 60.0
# The longest sleep, in seconds: a response may allow the next turn earlier.
_STEP = 0.25
# How often a running batch shows that it is alive, in seconds, so that its gate does not end.
_ALIVE = 60.0
# How long a batch that begins while its pipeline is stopped may take to report it, in seconds.
_LATE = 0.3

# How many creates of an actor may have no response yet, at most.
_MAX_SENT = 10_000


class Gate:
    """The actor. Uses the lowest limit that a pipeline requested in the last minute; without one, learns the limit."""

    idle = 600.0
    """The seconds without a turn and a running batch after which the actor ends."""

    def __init__(self) -> None:
        self._turns = Turns(None)
        self._number = 0
        self._limit: Optional[float] = None
        self._asked: Dict[Optional[float], float] = {}
        self._first = asyncio.Lock()
        self._used = time.monotonic()
        self._watch: Optional[asyncio.Task[None]] = None
        # The running batches of each pipeline. A result is whether the batch is to stop.
        self._batches: Dict[str, Dict[str, asyncio.Future[bool]]] = {}
        # The actors of each pipeline, those of pipelines that were stopped, and the pipelines that are being stopped.
        self._actors: Dict[str, Set[str]] = {}
        self._stopped: Set[str] = set()
        self._stopping: Set[str] = set()

    async def turn(self, per_minute: Optional[float]) -> Turn:
        """Waits for the next turn, first come, first served."""
        self._use()
        async with self._first:
            while True:
                self._choose(per_minute)
                turn, wait = self._turns.take()
                if turn is not None:
                    return self._number, turn
                await asyncio.sleep(min(wait, _STEP) + 0.001)

    async def responded(
        self, turn: Turn, status: int, headers: Dict[str, str], age: float, delay: Optional[float]
    ) -> None:
        """Learns from the response to a create that was sent `age` seconds ago."""
        if turn[0] == self._number:
            self._turns.responded(turn[1], status, headers, age, delay)

    async def state(self) -> Tuple[Optional[float], Optional[int], float]:
        """Returns the pace in creates per minute, the remaining creates, and the seconds of the pause."""
        return self._turns.state()

    async def stopped(self, pipeline: str, actor: str, batch: str) -> bool:
        """Waits until a running batch is to stop, for a minute at most."""
        self._use()
        self._actors.setdefault(pipeline, set()).add(actor)
        future = self._batches.setdefault(pipeline, {}).setdefault(
            batch, asyncio.get_running_loop().create_future()
        )
        if pipeline in self._stopping or actor in self._stopped:
            _settle(future, True)
        done, _ = await asyncio.wait({future}, timeout=_ALIVE)
        return any(one.result() for one in done)

    async def ended(self, pipeline: str, batch: str) -> None:
        """Forgets a batch."""
        batches = self._batches.get(pipeline, {})
        if batch in batches:
            _settle(batches.pop(batch), False)
        if not batches:
            self._batches.pop(pipeline, None)

    async def stop(self, pipeline: str, seconds: float) -> None:
        """Stops the actors of a pipeline, and waits until their batches have ended. Those of killed actors never do."""
        self._stopped |= self._actors.pop(pipeline, set())
        batches = self._batches.get(pipeline)
        if not batches:
            return
        self._stopping.add(pipeline)
        for future in batches.values():
            _settle(future, True)
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            await asyncio.sleep(0.02)
            if pipeline not in self._batches and time.monotonic() > began + _LATE:
                break
        self._stopping.discard(pipeline)
        self._batches.pop(pipeline, None)

    def _use(self) -> None:
        self._used = time.monotonic()
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._end_when_idle())

    def _choose(self, per_minute: Optional[float]) -> None:
        now = self._used = time.monotonic()
        self._asked[per_minute] = now
        limits = [
            limit
            for limit, asked in self._asked.items()
            if limit is not None and now - asked < _FORGET
        ]
        limit = min(limits, default=None)
        if limit != self._limit:
            self._turns, self._limit = Turns(limit), limit
            self._number += 1

    async def _end_when_idle(self) -> None:
        while time.monotonic() - self._used < self.idle:
            await asyncio.sleep(self.idle / 10)
        ray: Any = importlib.import_module("ray")
        ray.kill(ray.get_runtime_context().current_actor)


def _settle(future: asyncio.Future[bool], result: bool) -> None:
    if not future.done():
        future.set_result(result)


class Gated:
    """The part of an actor that runs predictions: takes turns, and reports the responses to creates."""

    def __init__(self, token: str, base_url: str, per_minute: Optional[float]) -> None:
        parts = urlsplit(base_url)
        owner = f"{token}\n{parts.scheme}://{parts.netloc}"
        self._name = f"{GATE}{hashlib.sha256(owner.encode()).hexdigest()[:32]}"
        self._per_minute = per_minute
        self._ray: Any = importlib.import_module("ray")
        self._actor: Any = None
        self._number = uuid.uuid4().hex
        # The turns whose creates have not been sent. The latest is used first, so that one whose create is never sent
        # does no harm.
        self._ready: List[Turn] = []
        # The turns of the requests that were sent and when, by the number of the request.
        self._sent: Dict[int, Tuple[Turn, float]] = {}

    async def turn(self) -> None:
        """Waits until a create may be sent."""
        self._ready.append(await self._take())
        del self._ready[:-1000]

    async def on_request(self, event: RequestEvent) -> None:
        if event.method == "POST" and urlsplit(event.url).path.endswith("/predictions"):
            # A create that is sent again needs another turn.
            turn = self._ready.pop() if self._ready else await self._take()
            self._sent[event.request] = turn, time.monotonic()
            if len(self._sent) > _MAX_SENT:
                # Its response was lost.
                del self._sent[next(iter(self._sent))]

    async def on_response(self, event: ResponseEvent) -> None:
        sent = self._sent.get(event.request)
        if sent is None:
            return
        headers = {
            name: value
            for name, value in event.headers.items()
            if "ratelimit" in name or name == "retry-after"
        }
        if event.status_code == 429 and "retry-after" not in headers:
            # The body may say how long to wait. `on_retry` knows it.
            return
        del self._sent[event.request]
        self._report(sent, event.status_code, headers, None)

    async def on_retry(self, event: RetryEvent) -> None:
        sent = self._sent.pop(event.request, None)
        if sent is not None and event.status_code == 429:
            self._report(sent, 429, {}, event.delay)

    def _report(
        self,
        sent: Tuple[Turn, float],
        status: int,
        headers: Dict[str, str],
        delay: Optional[float],
    ) -> None:
        if self._actor is not None:
            # Not awaited: nothing depends on it.
            age = time.monotonic() - sent[1]
            self._actor.responded.remote(sent[0], status, headers, age, delay)

    async def stopped(self, pipeline: str, batch: str) -> None:
        """Waits until a running batch is to stop."""
        while not await self._ask("stopped", pipeline, self._number, batch):
            pass

    def ended(self, pipeline: str, batch: str) -> None:
        """Reports the end of a batch."""
        if self._actor is not None:
            self._actor.ended.remote(pipeline, batch)

    async def _take(self) -> Turn:
        turn: Turn = await self._ask("turn", self._per_minute)
        return turn

    async def _ask(self, method: str, *arguments: Any) -> Any:
        while True:
            actor = self._actor
            if actor is None:
                # Beside the loop, because it waits for the cluster.
                actor = self._actor = await asyncio.to_thread(self._get)
            try:
                return await getattr(actor, method).remote(*arguments)
            except self._ray.exceptions.RayActorError:
                # It was idle for long, or its node is gone.
                if self._actor is actor:
                    self._actor = None
                await asyncio.sleep(0.1)

    def _get(self) -> Any:
        options = {
            "name": self._name,
            "namespace": NAMESPACE,
            "get_if_exists": True,
            # It outlives the pipeline that needs it first, because others may use it.
            "lifetime": "detached",
            "num_cpus": 0,
            "max_concurrency": 10_000,
        }
        return self._ray.remote(Gate).options(**options).remote()
