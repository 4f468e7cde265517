"""The program `replicant-emulator` as a child process."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import weakref
from typing import Any, Dict, List, Optional, cast

_STOP_SECONDS = 5


def binary() -> str:
    """Returns the path of the program: `REPLICANT_EMULATOR`, that of a checkout, or that of the package.

    Raises:
        FileNotFoundError: `REPLICANT_EMULATOR` names no file.
        ModuleNotFoundError: The package is not installed.
    """
    given = os.environ.get("REPLICANT_EMULATOR")
    if given:
        if not os.path.isfile(given):
            raise FileNotFoundError(
                f"`REPLICANT_EMULATOR` must be the path of a file, not {given!r}"
            )
        return given
    suffix = ".exe" if sys.platform == "win32" else ""
    built = os.path.join(__file__, "../../../../target/debug", f"replicant-emulator{suffix}")
    if os.path.isfile(os.path.normpath(built)):
        return os.path.normpath(built)
    try:
        package = importlib.import_module("replicant_emulator")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the emulator is a separate package: pip install 'replicant[testing]'",
            name=error.name,
        ) from None
    path: str = package.find_binary()
    return path


class _Child(subprocess.Popen[bytes]):
    """A child that ends when its standard input closes, as it does when this process ends."""

    def __init__(self, arguments: List[str]) -> None:
        self.path = binary()
        command = [self.path, "--child", *arguments]
        # Not in the process group of the terminal, where Ctrl-C would end it before this process.
        apart: Dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            apart = {"creationflags": flags}
        read_end, write_end = os.pipe()
        # A number rather than a file, which would warn if this process ends before it is closed.
        self._write_end: Optional[int] = write_end
        _children.add(self)
        try:
            super().__init__(command, stdin=read_end, stdout=subprocess.PIPE, **apart)
        except BaseException:
            self.close_input()
            raise
        finally:
            os.close(read_end)

    def close_input(self) -> None:
        write_end, self._write_end = self._write_end, None
        if write_end is not None:
            os.close(write_end)

    def stop(self) -> None:
        if self._write_end is None:
            # Stopped, or the child of another process, from which this one was forked.
            return
        self.close_input()
        try:
            self.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()

    def __del__(self) -> None:
        # That of the base class warns of a running child, but the end of this process ends this one.
        pass


_children: weakref.WeakSet[_Child] = weakref.WeakSet()


def _release() -> None:
    """Closes the pipes that a forked process has inherited, so that they close with the parent."""
    for child in list(_children):
        child.close_input()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release)


def _addresses(child: _Child) -> Dict[str, str]:
    """Returns what a child prints when it listens.

    Raises:
        ValueError: An argument is out of range.
        OSError: It ends or prints something else.
    """
    assert child.stdout is not None
    with child.stdout as output:
        line = output.readline()
    if not line:
        child.stop()
        raise OSError(f"{child.path} ended with code {child.returncode} before it listened")
    report: Any = None
    with contextlib.suppress(ValueError):
        report = json.loads(line)
    if isinstance(report, dict) and "origin" in report:
        return cast(Dict[str, str], report)
    if isinstance(report, dict) and "error" in report:
        failure = cast(Dict[str, Any], report)
        raise (ValueError if failure.get("invalid") else OSError)(failure["error"])
    shown = line.decode(errors="replace").strip()
    raise OSError(f"{child.path} is not the emulator: it printed {shown!r}")


class Program:
    """A running emulator. It stops with `stop()`, when this object is collected, and with this process.

    Raises:
        ValueError: An argument is out of range.
        OSError: The program cannot start.
    """

    def __init__(self, arguments: List[str]) -> None:
        child = _Child(arguments)
        try:
            self.addresses: Dict[str, str] = _addresses(child)
        except BaseException:
            child.stop()
            raise
        self._finalizer = weakref.finalize(self, child.stop)
        # At the exit of the interpreter, other exit handlers may still use the emulator.
        self._finalizer.atexit = False

    def stop(self) -> None:
        """Stops the emulator, if this process has started it."""
        self._finalizer()
