"""Deployments."""

from __future__ import annotations

from replicant._async.deployment import AsyncDeployment as AsyncDeployment
from replicant._async.deployment import AsyncDeployments as AsyncDeployments
from replicant._objects import Account as Account
from replicant._page import Page as Page
from replicant._sync.deployment import Deployment as Deployment
from replicant._sync.deployment import Deployments as Deployments
from replicant._sync.deployment_prediction import DeploymentPredictions as DeploymentPredictions
from replicant._sync.deployment_prediction import DeploymentsPredictions as DeploymentsPredictions
from replicant._sync.prediction import Prediction as Prediction
