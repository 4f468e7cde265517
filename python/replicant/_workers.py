"""The end of worker processes: those of multiprocessing and Celery run finalizers, but no exit handlers."""

from __future__ import annotations

import os
import sys
from typing import Callable

# The process in which the finalizer is registered.
_process = 0


def watch(finish: Callable[[], None]) -> None:
    """Lets a worker process call `finish` when it ends: this process if it is a worker, and those that begin as copies of it.

    Called when the native module is loaded and in each forked child, because multiprocessing may be imported between the two.
    """
    # Celery has its own copy of the package, with the same finalizers.
    processes = [sys.modules.get("multiprocessing.process"), sys.modules.get("billiard.process")]
    if not any(processes):
        return
    from multiprocessing import util

    # A worker removes the finalizers of its parent when it begins, and then calls this.
    util.register_after_fork(finish, _register)
    if any(process and process.current_process()._parent_pid for process in processes):
        _register(finish)


def _register(finish: Callable[[], None]) -> None:
    global _process
    if _process != os.getpid():
        from multiprocessing.util import Finalize

        _process = os.getpid()
        # Last, because the other finalizers may use the package.
        Finalize(None, finish, exitpriority=-1000)
