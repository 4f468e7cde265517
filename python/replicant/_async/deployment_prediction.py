"""Predictions of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from .._arguments import checked
from .._base import AsyncNamespace
from .._guarded import Guarded
from .._options import CreateOptions, Unpack
from .._refs import Reference, owner_and_name
from .._response import RawView
from .prediction import AsyncPrediction

if TYPE_CHECKING:
    from .._async_raw import AsyncDeploymentsPredictionsWithRawResponse


class AsyncDeploymentsPredictions(AsyncNamespace):
    """`client.deployments.predictions`"""

    with_raw_response: RawView[AsyncDeploymentsPredictionsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    async def create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> AsyncPrediction:
        """Creates a prediction of a deployment.

        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            deployment: The deployment, as `owner/name` or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            owner: The owner of the deployment, instead of `deployment`.
            name: The name of the deployment, instead of `deployment`.
            options: See `CreateOptions`.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(AsyncDeploymentsPredictions.create, CreateOptions, options)
        params.update(owner_and_name(deployment, name, owner, "deployment"))
        params["input"] = {} if input is None else input
        data = await self._client._call("deployments.predictions.create", params)
        return AsyncPrediction(data, self._client)


class AsyncDeploymentPredictions(Guarded):
    """`deployment.predictions`: predictions of one deployment."""

    _client: Any
    _deployment: Dict[str, str]

    def __init__(self, client: Any, deployment: Reference) -> None:
        self._client = client
        self._deployment = owner_and_name(deployment, what="deployment")

    async def create(
        self, input: Optional[Dict[str, Any]] = None, **options: Unpack[CreateOptions]
    ) -> AsyncPrediction:
        """Creates a prediction of this deployment.

        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `CreateOptions`.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(AsyncDeploymentPredictions.create, CreateOptions, options)
        params.update(self._deployment)
        params["input"] = {} if input is None else input
        data = await self._client._call("deployments.predictions.create", params)
        return AsyncPrediction(data, self._client)
