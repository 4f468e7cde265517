"""Runs the models that a test defines: the emulator sends each run to this process and receives its events."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
from http.client import HTTPException, HTTPResponse
from typing import Any, Dict, Optional

from .control import Control
from .models import Model
from .reports import Ended, Reports
from .running import Run


class Worker:
    """The models of an emulator that are functions of this process."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._id = ""
        self._process: Optional[int] = None
        # By the ids of their definitions, because earlier versions of a model that is defined again still run.
        self._models: Dict[str, Model] = {}
        self._runs: Dict[str, Run] = {}

    def define(self, model: Model, definition: Dict[str, Any]) -> None:
        """Adds a model, or replaces the one with its name.

        Raises:
            OSError, HTTPException: The emulator does not respond.
            EmulatorError: The emulator has refused the request.
        """
        # First, so that a model that could not run is not defined.
        self._connect()
        id = uuid.uuid4().hex
        self._models[id] = model
        try:
            body = {**definition, "definition": id, "worker": self._id}
            self._control.request("POST", "models", body)
        except BaseException:
            self._models.pop(id, None)
            raise

    def _connect(self) -> None:
        """Connects this process, unless it is connected. A forked one is a worker of its own."""
        if self._process == os.getpid():
            return
        id = uuid.uuid4().hex
        lines = self._control.open("GET", f"workers/{id}", stays_open=True)
        self._id, self._process, self._runs = id, os.getpid(), {}
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
            model = self._models.get(task["definition"])
            if model is None:
                self._refuse(task["id"], task["model"])
                return
            run = Run(self._control, task["id"], model, task["input"])
            self._runs[run.id] = run
            threading.Thread(target=self._perform, args=(run,), name=run.id, daemon=True).start()
        elif "cancel" in message:
            run_or_none = self._runs.get(message["cancel"])
            if run_or_none is not None:
                run_or_none.cancel()
        elif "forget" in message:
            self._models.pop(message["forget"], None)

    def _refuse(self, id: str, name: str) -> None:
        reason = f"the process that runs the models of the test has no model {name}"
        with contextlib.suppress(Ended, OSError, HTTPException, ValueError):
            Reports(self._control, id).send({"failed": reason})

    def _perform(self, run: Run) -> None:
        try:
            run.perform()
        except (Ended, OSError, HTTPException):
            # The prediction has ended, or the emulator has stopped.
            pass
        finally:
            self._runs.pop(run.id, None)
