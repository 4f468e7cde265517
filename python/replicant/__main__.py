"""The command-line program: `replicant`, or `python -m replicant`."""

from __future__ import annotations

import signal
import sys

from . import _native


def _find_emulator() -> str:
    from ._testing.program import binary

    return binary()


def main() -> int:
    """Runs the command-line program with the arguments of this process, and returns its exit code."""
    # The program handles Ctrl-C. The handler of Python would raise KeyboardInterrupt afterwards.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.command_line(sys.argv[1:], _find_emulator)


if __name__ == "__main__":
    sys.exit(main())
