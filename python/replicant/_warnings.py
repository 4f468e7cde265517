"""Warnings about the options of a client, and about old names."""

from __future__ import annotations

import sys
import warnings
from types import FrameType
from typing import Optional


class InsecureConnectionWarning(UserWarning):
    """The API token of a client is sent unencrypted, over plain http to a host other than loopback.

    Use https, or refuse such clients with `require_https=True`.
    """


# The module that users import it from.
InsecureConnectionWarning.__module__ = __name__.rpartition(".")[0]


def warn_of_connection(text: str) -> None:
    """Issues the warning at the line of the user's code that needed the client, and logs it."""
    if "logging" in sys.modules:
        import logging

        logger = logging.getLogger("replicant")
        # Without a handler, `logging` would print the warning to standard error a second time.
        if logger.hasHandlers():
            logger.warning("%s", text)
    frame: Optional[FrameType] = sys._getframe(1)
    level = 2
    package = __name__.partition(".")[0]
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
        level += 1
    warnings.warn(text, InsecureConnectionWarning, stacklevel=level)


def warn_of_alias(alias: str, name: str) -> None:
    """Issues the warning of 1.x at the line of the user's code that used `alias`, an old name of an attribute."""
    warnings.warn(f"Use `{name}` instead of `{alias}`", DeprecationWarning, stacklevel=3)
