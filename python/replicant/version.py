"""Versions of models."""

from __future__ import annotations

from ._objects import Version as Version
from ._sync.model import Versions as Versions
