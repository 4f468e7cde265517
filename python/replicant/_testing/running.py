"""A run of a model that a test defines."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import importlib
import inspect
import sys
import tempfile
from pathlib import Path
from typing import Any, Coroutine, Dict, Optional

from . import printed
from .control import Control
from .files import Files
from .models import Model
from .reports import Ended, Reports


class Run:
    """Calls the function of a model and reports its logs, its output and its end."""

    def __init__(self, control: Control, id: str, model: Model, input: Dict[str, Any]) -> None:
        self.id = id
        self._control = control
        self._model = model
        self._input = input
        self._reports = Reports(control, id)
        self._task: Optional[asyncio.Task[None]] = None

    def cancel(self) -> None:
        """Ends a coroutine where it waits, and a generator at its next item."""
        self._reports.ended.set()
        task = self._task
        if task is not None:
            # The loop may have closed since.
            with contextlib.suppress(RuntimeError):
                task.get_loop().call_soon_threadsafe(task.cancel)

    def perform(self) -> None:
        """Runs the model. What it raises becomes the error of the prediction.

        Raises:
            Ended: The prediction has ended before.
            OSError: The emulator has stopped.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="replicant-") as folder:
                with printed.to(self._reports.log):
                    self._call(Files(self._control, self.id, Path(folder)))
                self._reports.send("done")
        # Also `SystemExit` and `pytest.fail`, which do not derive from `Exception`.
        except BaseException as error:
            # What a cancel caused is not a failure.
            if not self._reports.ended.is_set():
                self._reports.fail(error)

    def _call(self, files: Files) -> None:
        result = self._model.function(**self._model.arguments(files, self._input))
        if inspect.isawaitable(result) or inspect.isasyncgen(result):
            _run_in_loop(self._run_async(result, files))
        elif inspect.isgenerator(result):
            for item in result:
                self._reports.send({"emit": files.write(item)})
        else:
            self._output(result, files)

    async def _run_async(self, result: Any, files: Files) -> None:
        self._task = asyncio.current_task()
        if self._reports.ended.is_set():
            raise Ended
        if inspect.isasyncgen(result):
            async for item in result:
                self._reports.send({"emit": files.write(item)})
        else:
            self._output(await result, files)

    def _output(self, value: Any, files: Files) -> None:
        if value is not None:
            self._reports.send({"output": files.write(value)})


def _run_in_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine in an event loop that no other run shares."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        asyncio.run(coroutine)
        return
    # The threads of gevent are greenlets of one thread of the system, which can run only one loop at a time.
    error = _threads().apply(contextvars.copy_context().run, (_error_of, coroutine))
    if error is not None:
        raise error


@functools.cache
def _threads() -> Any:
    """Returns threads of the system, which stay: gevent may still notify one of a lock for which it has waited."""
    return importlib.import_module("gevent.threadpool").ThreadPool(1000)


def _error_of(coroutine: Coroutine[Any, Any, None]) -> Optional[BaseException]:
    """Returns what a coroutine raises. A thread of gevent would print it, and end the process for `SystemExit`."""
    try:
        asyncio.run(coroutine)
    except BaseException as error:
        return error
    return None
