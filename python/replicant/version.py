"""Versions of models."""

from __future__ import annotations

from replicant._objects import Version as Version
from replicant._page import Page as Page
from replicant._sync.version import ModelVersions

Versions = ModelVersions
