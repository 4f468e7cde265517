"""A run of a model that a test defines."""

from __future__ import annotations

import asyncio
import inspect
import json
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from . import printed
from .control import Control
from .files import Files
from .schema import hints_of, named_parameters


class Ended(BaseException):
    """The prediction has ended, so the function must not go on."""


class Run:
    """Calls the function of a model and reports its logs, its output and its end."""

    def __init__(
        self, control: Control, id: str, function: Callable[..., Any], input: Dict[str, Any]
    ) -> None:
        self.id = id
        self._control = control
        self._function = function
        self._input = input
        self._canceled = threading.Event()
        self._task: Optional[asyncio.Task[None]] = None

    def cancel(self) -> None:
        """Ends a coroutine where it waits, and a generator at its next item."""
        self._canceled.set()
        task = self._task
        if task is not None:
            task.get_loop().call_soon_threadsafe(task.cancel)

    def perform(self) -> None:
        """Runs the model. Its exceptions become the error of the prediction."""
        with tempfile.TemporaryDirectory(prefix="replicant-") as folder:
            try:
                with printed.to(self._log):
                    self._call(Files(self._control, self.id, Path(folder)))
            except (Ended, asyncio.CancelledError):
                return
            except Exception as error:
                self._log(
                    "".join(traceback.format_exception(type(error), error, error.__traceback__))
                )
                self._report({"failed": str(error) or type(error).__name__})
            else:
                self._report("done")

    def _call(self, files: Files) -> None:
        hints = hints_of(self._function)
        names = {parameter.name for parameter in named_parameters(self._function)}
        takes_all = any(
            parameter.kind is parameter.VAR_KEYWORD
            for parameter in inspect.signature(self._function).parameters.values()
        )
        arguments = {
            name: files.read(name, value, hints.get(name))
            for name, value in self._input.items()
            if takes_all or name in names
        }
        result = self._function(**arguments)
        if inspect.isawaitable(result) or inspect.isasyncgen(result):
            asyncio.run(self._run_async(result, files))
        elif inspect.isgenerator(result):
            for item in result:
                self._report({"emit": files.write(item)})
        else:
            self._output(result, files)

    async def _run_async(self, result: Any, files: Files) -> None:
        self._task = asyncio.current_task()
        if self._canceled.is_set():
            raise Ended
        if inspect.isasyncgen(result):
            async for item in result:
                self._report({"emit": files.write(item)})
        else:
            self._output(await result, files)

    def _output(self, value: Any, files: Files) -> None:
        if value is not None:
            self._report({"output": files.write(value)})

    def _log(self, text: str) -> None:
        if text:
            self._report({"logs": text})

    def _report(self, event: Any) -> None:
        if self._canceled.is_set():
            raise Ended
        body = json.dumps([event]).encode()
        status, _, _ = self._control.exchange("POST", f"runs/{self.id}/events", body)
        if status == 410:
            raise Ended
