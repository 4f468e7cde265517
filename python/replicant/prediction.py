"""Predictions: the runs of models."""

from __future__ import annotations

from replicant._async.prediction import AsyncPrediction as AsyncPrediction
from replicant._async.prediction import AsyncPredictions as AsyncPredictions
from replicant._errors import ModelError as ModelError
from replicant._errors import ReplicateError as ReplicateError
from replicant._objects import Version as Version
from replicant._options import FileEncodingStrategy as FileEncodingStrategy
from replicant._page import Page as Page
from replicant._sync.prediction import Prediction as Prediction
from replicant._sync.prediction import Predictions as Predictions
