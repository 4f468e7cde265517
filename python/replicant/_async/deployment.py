"""Deployments: models that run on machines of one's own choice."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Union

from .._base import AsyncNamespace, given
from .._refs import Reference, owner_and_name
from .prediction import AsyncPrediction


class AsyncDeploymentsPredictions(AsyncNamespace):
    """`client.deployments.predictions`"""

    __slots__ = ()

    async def create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[Sequence[str]] = None,
        stream: Optional[bool] = None,
        wait: Optional[Union[bool, float]] = None,
        prefer: Optional[str] = None,
        cancel_after: Optional[Union[float, str]] = None,
        file_encoding_strategy: Optional[str] = None,
    ) -> AsyncPrediction:
        """Start a prediction of a deployment.

        `POST /deployments/{owner}/{name}/predictions`. It is sent once: a failure that leaves open
        whether the prediction was created is told, not tried again.

        Args:
            deployment: the deployment, as `owner/name` or as an object.
            input: what the model is given; files, paths and bytes in it are uploaded or inlined.
            owner: the deployment's owner, if `deployment` is not given.
            name: the deployment's name, if `deployment` is not given.
            webhook: an https URL that events about the prediction are sent to.
            webhook_completed: an https URL that the end is sent to.
            webhook_events_filter: which events are sent: `start`, `output`, `logs`, `completed`.
            stream: asks for an event stream; models that have one need not be asked any more.
            wait: how many seconds the answer may be held back for the output, 60 at most;
                True for as long as the API likes.
            prefer: the same as a header: `wait` or `wait=5`.
            cancel_after: after how many seconds (or a duration such as `1m30s`) it is canceled.
            file_encoding_strategy: `default`, `url` (upload files) or `base64` (inline them).

        Raises:
            UnprocessableEntityError: the input does not fit the model.
            OutcomeUnknownError: whether the prediction was created is not known.
        """
        data = await self._client._call(
            "deployments.predictions.create",
            given(
                **owner_and_name(deployment if owner is None else owner, name, "deployment"),
                input={} if input is None else input,
                webhook=webhook,
                webhook_completed=webhook_completed,
                webhook_events_filter=webhook_events_filter,
                stream=stream,
                wait=wait,
                prefer=prefer,
                cancel_after=cancel_after,
                file_encoding_strategy=file_encoding_strategy,
            ),
        )
        return AsyncPrediction(data, self._client)


class AsyncDeployments(AsyncNamespace):
    """`client.deployments`"""

    __slots__ = ()

    @property
    def predictions(self) -> AsyncDeploymentsPredictions:
        """Predictions of deployments."""
        return AsyncDeploymentsPredictions(self._client)
