"""The end of a job on Ray: its driver tells the actors to cancel what runs, before Ray kills them without notice."""

from __future__ import annotations

import atexit
import importlib
from collections import Counter
from contextlib import suppress
from threading import Lock
from typing import Any
from typing import Counter as CounterOf

from ._ray_gate import GATE, NAMESPACE

# How long the driver waits until the cancels are sent, in seconds.
_WAIT = 10.0

# How often each pipeline is executing in this process.
_executing: CounterOf[str] = Counter()
_lock = Lock()


def stop_with(context: Any, pipeline: str) -> None:
    """Stops the actors of a pipeline when an execution in the `DataContext` ends: exhausted, failed, interrupted or left."""
    # Ray documents the list of callbacks, and their class is internal. `Cancel-After` remains without it.
    with suppress(ImportError, AttributeError):
        module: Any = importlib.import_module("ray.data._internal.execution.execution_callback")
        bases = (_Ending, module.ExecutionCallback)
        context.custom_execution_callback_classes.append(
            type("Ending", bases, {"pipeline": pipeline})
        )


class _Ending:
    """Follows one execution of a pipeline."""

    pipeline = ""

    def __init__(self) -> None:
        self._running = False
        self._ending = Lock()

    def before_execution_starts(self, executor: Any) -> None:
        self._running = True
        _begin(self.pipeline)

    def on_execution_step(self, executor: Any) -> None:
        # When results are left, Ray kills the actors before the calls below. It waits for this step, for two seconds.
        if getattr(executor, "_shutdown", False):
            self._end()

    def after_execution_succeeds(self, executor: Any) -> None:
        self._end()

    def after_execution_fails(self, executor: Any, error: Exception) -> None:
        self._end()

    def _end(self) -> None:
        # Held, so that the second call waits for the first.
        with self._ending:
            if self._running:
                self._running = False
                _end(self.pipeline)


def _begin(pipeline: str) -> None:
    with _lock:
        if not _executing:
            # Runs before the handler of Ray, which was registered earlier.
            atexit.unregister(_end_all)
            atexit.register(_end_all)
        _executing[pipeline] += 1


def _end(pipeline: str) -> None:
    with _lock:
        _executing[pipeline] -= 1
        if _executing[pipeline] > 0:
            return
        del _executing[pipeline]
    # Nothing may keep Ray from ending the execution.
    with suppress(Exception):
        _stop([pipeline])


def _end_all() -> None:
    with _lock:
        pipelines = list(_executing)
        _executing.clear()
    with suppress(Exception):
        _stop(pipelines)


def _stop(pipelines: list[str]) -> None:
    ray: Any = importlib.import_module("ray")
    if not pipelines or not ray.is_initialized():
        return
    calls: list[Any] = []
    for actor in ray.util.list_named_actors(all_namespaces=True):
        if actor["namespace"] == NAMESPACE and actor["name"].startswith(GATE):
            # It may just have ended.
            with suppress(ValueError):
                gate = ray.get_actor(actor["name"], namespace=NAMESPACE)
                calls += [gate.stop.remote(pipeline, _WAIT) for pipeline in pipelines]
    if calls:
        ray.wait(calls, num_returns=len(calls), timeout=_WAIT)
