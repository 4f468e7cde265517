"""Runs the models that a test defines: the emulator sends each run to this process and receives its events."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from http.client import HTTPException, HTTPResponse
from typing import Any, Dict

from .control import Control
from .models import Model
from .reports import Ended
from .running import Run


class Worker:
    """The models of an emulator that are functions of this process."""

    def __init__(self, control: Control) -> None:
        self.id: str = uuid.uuid4().hex
        self._control = control
        self._models: Dict[str, Model] = {}
        self._runs: Dict[str, Run] = {}
        self._started = False

    def add(self, name: str, model: Model) -> None:
        """Adds a model, or replaces the one with its name.

        Raises:
            OSError, HTTPException: The emulator does not respond.
            EmulatorError: The emulator has refused the request.
        """
        self._models[name] = model
        if not self._started:
            # Here, so that a model that could not run is not defined.
            lines = self._control.open("GET", f"workers/{self.id}")
            self._started = True
            thread = threading.Thread(
                target=self._listen, args=(lines,), name="replicant-models", daemon=True
            )
            thread.start()

    def _listen(self, lines: HTTPResponse) -> None:
        # The response ends with the emulator.
        with contextlib.suppress(OSError, HTTPException, ValueError), lines:
            for line in lines:
                self._handle(json.loads(line))

    def _handle(self, message: Dict[str, Any]) -> None:
        if "run" in message:
            task = message["run"]
            run = Run(self._control, task["id"], self._models[task["model"]], task["input"])
            self._runs[run.id] = run
            threading.Thread(target=self._perform, args=(run,), name=run.id, daemon=True).start()
        elif "cancel" in message:
            run_or_none = self._runs.get(message["cancel"])
            if run_or_none is not None:
                run_or_none.cancel()

    def _perform(self, run: Run) -> None:
        try:
            run.perform()
        except (Ended, OSError, HTTPException):
            # The prediction has ended, or the emulator has stopped.
            pass
        finally:
            self._runs.pop(run.id, None)
