"""Predictions: the runs of a model."""

from __future__ import annotations

from ._async.prediction import AsyncPrediction as AsyncPrediction
from ._async.prediction import AsyncPredictions as AsyncPredictions
from ._sync.prediction import Prediction as Prediction
from ._sync.prediction import Predictions as Predictions
