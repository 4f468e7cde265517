"""Versions of models."""

from __future__ import annotations

from ._objects import Version as Version
from ._sync.version import Versions as Versions
