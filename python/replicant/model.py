"""Models."""

from __future__ import annotations

from replicant._async.model import AsyncModel as AsyncModel
from replicant._async.model import AsyncModels as AsyncModels
from replicant._errors import ReplicateException as ReplicateException
from replicant._objects import Version as Version
from replicant._page import Page as Page
from replicant._refs import ModelVersionIdentifier as ModelVersionIdentifier
from replicant._sync.model import Model as Model
from replicant._sync.model import Models as Models
from replicant._sync.model_prediction import ModelPredictions
from replicant._sync.prediction import Prediction as Prediction
from replicant._sync.version import ModelVersions

ModelsPredictions = ModelPredictions
Versions = ModelVersions
