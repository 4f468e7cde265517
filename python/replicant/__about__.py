"""The version."""

from __future__ import annotations

from replicant._native import __version__ as __version__
