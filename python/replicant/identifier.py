"""References to models and versions."""

from __future__ import annotations

from ._refs import ModelVersionIdentifier as ModelVersionIdentifier
