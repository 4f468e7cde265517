# Derived from _async/deployment_prediction.py by python/scripts/unasync.py: change that file, not this one.
"""Predictions of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from .._arguments import checked
from .._base import Namespace
from .._guarded import Guarded
from .._options import CreateOptions, Unpack
from .._refs import Reference, owner_and_name
from .._response import RawView
from .prediction import Prediction

if TYPE_CHECKING:
    from .._sync_raw import DeploymentsPredictionsWithRawResponse


class DeploymentsPredictions(Namespace):
    """`client.deployments.predictions`"""

    with_raw_response: RawView[DeploymentsPredictionsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> Prediction:
        """Creates a prediction of a deployment.

        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            deployment: The deployment, as `owner/name` or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            owner: The owner of the deployment, instead of `deployment`.
            name: The name of the deployment, instead of `deployment`.
            options: See `CreateOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.
                webhook: An HTTPS URL that the API sends events of the prediction to.
                webhook_completed: An HTTPS URL that the API sends the `completed` event to; an
                    older form of `webhook`.
                webhook_events_filter: The events to send to the webhook: `start`, `output`, `logs`,
                    `completed`. Defaults to new output and the end.
                cancel_after: Seconds, or a duration such as `1m30s`, after which the API cancels
                    the prediction: 5 s to 24 h. Defaults to 5 s after the `timeout` of `run` and
                    `stream`, to 24 h without one, and to none for creates.
                wait: The maximum seconds that the API holds its response until the prediction ends,
                    at most 60. True asks for the API's maximum, False for no hold. Defaults to 5
                    for `run` and to False for creates.
                prefer: The same as a `Prefer` header: `wait` or `wait=5`.
                stream: Whether to request an event stream. Models that support streams need no such
                    request.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(DeploymentsPredictions.create, CreateOptions, options)
        params.update(owner_and_name(deployment, name, owner, "deployment"))
        params["input"] = {} if input is None else input
        data = self._client._call("deployments.predictions.create", params)
        return Prediction(data, self._client)

    async def async_create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> Prediction:
        """The async form of `create`."""
        params = checked(DeploymentsPredictions.create, CreateOptions, options)
        params.update(owner_and_name(deployment, name, owner, "deployment"))
        params["input"] = {} if input is None else input
        data = await self._client._async_call("deployments.predictions.create", params)
        return Prediction(data, self._client)


class DeploymentPredictions(Guarded):
    """`deployment.predictions`: predictions of one deployment."""

    _client: Any
    _deployment: Dict[str, str]

    def __init__(self, client: Any, deployment: Reference) -> None:
        self._client = client
        self._deployment = owner_and_name(deployment, what="deployment")

    def create(
        self, input: Optional[Dict[str, Any]] = None, **options: Unpack[CreateOptions]
    ) -> Prediction:
        """Creates a prediction of this deployment.

        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `CreateOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.
                webhook: An HTTPS URL that the API sends events of the prediction to.
                webhook_completed: An HTTPS URL that the API sends the `completed` event to; an
                    older form of `webhook`.
                webhook_events_filter: The events to send to the webhook: `start`, `output`, `logs`,
                    `completed`. Defaults to new output and the end.
                cancel_after: Seconds, or a duration such as `1m30s`, after which the API cancels
                    the prediction: 5 s to 24 h. Defaults to 5 s after the `timeout` of `run` and
                    `stream`, to 24 h without one, and to none for creates.
                wait: The maximum seconds that the API holds its response until the prediction ends,
                    at most 60. True asks for the API's maximum, False for no hold. Defaults to 5
                    for `run` and to False for creates.
                prefer: The same as a `Prefer` header: `wait` or `wait=5`.
                stream: Whether to request an event stream. Models that support streams need no such
                    request.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(DeploymentPredictions.create, CreateOptions, options)
        params.update(self._deployment)
        params["input"] = {} if input is None else input
        data = self._client._call("deployments.predictions.create", params)
        return Prediction(data, self._client)

    async def async_create(
        self, input: Optional[Dict[str, Any]] = None, **options: Unpack[CreateOptions]
    ) -> Prediction:
        """The async form of `create`."""
        params = checked(DeploymentPredictions.create, CreateOptions, options)
        params.update(self._deployment)
        params["input"] = {} if input is None else input
        data = await self._client._async_call("deployments.predictions.create", params)
        return Prediction(data, self._client)
