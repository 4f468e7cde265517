"""Trainings: the making of new versions of a model."""

from __future__ import annotations

from ._async.training import AsyncTraining as AsyncTraining
from ._async.training import AsyncTrainings as AsyncTrainings
from ._sync.training import Training as Training
from ._sync.training import Trainings as Trainings
