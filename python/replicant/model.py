"""Models."""

from __future__ import annotations

from ._async.model import AsyncModel as AsyncModel
from ._async.model import AsyncModels as AsyncModels
from ._sync.model import Model as Model
from ._sync.model import ModelPredictions as ModelsPredictions
from ._sync.model import Models as Models

__all__ = ["AsyncModel", "AsyncModels", "Model", "Models", "ModelsPredictions"]
