"""Trainings, which create new versions of models."""

from __future__ import annotations

from replicant._async.training import AsyncTraining as AsyncTraining
from replicant._async.training import AsyncTrainings as AsyncTrainings
from replicant._objects import Version as Version
from replicant._page import Page as Page
from replicant._refs import ModelVersionIdentifier as ModelVersionIdentifier
from replicant._sync.model import Model as Model
from replicant._sync.training import Training as Training
from replicant._sync.training import Trainings as Trainings
