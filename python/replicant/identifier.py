"""References to models and versions."""

from __future__ import annotations

from replicant._refs import ModelVersionIdentifier as ModelVersionIdentifier
from replicant._refs import resolve

_resolve = resolve
