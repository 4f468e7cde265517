"""Deployments."""

from __future__ import annotations

from ._async.deployment import AsyncDeployment as AsyncDeployment
from ._async.deployment import AsyncDeployments as AsyncDeployments
from ._sync.deployment import Deployment as Deployment
from ._sync.deployment import DeploymentPredictions as DeploymentPredictions
from ._sync.deployment import Deployments as Deployments
from ._sync.deployment import DeploymentsPredictions as DeploymentsPredictions
