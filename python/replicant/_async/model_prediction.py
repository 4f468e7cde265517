"""Predictions of models that need no version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from .._arguments import checked
from .._base import AsyncNamespace
from .._options import CreateOptions, Unpack
from .._refs import Reference, owner_and_name
from .._response import RawView
from .prediction import AsyncPrediction

if TYPE_CHECKING:
    from .._async_raw import AsyncModelPredictionsWithRawResponse


class AsyncModelPredictions(AsyncNamespace):
    """`client.models.predictions`"""

    with_raw_response: RawView[AsyncModelPredictionsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    async def create(
        self,
        model: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> AsyncPrediction:
        """Creates a prediction of a model that needs no version.

        `POST /models/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            model: The model, as `owner/name` or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            owner: The owner of the model, instead of `model`.
            name: The name of the model, instead of `model`.
            options: See `CreateOptions`.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(AsyncModelPredictions.create, CreateOptions, options)
        params.update(owner_and_name(model, name, owner))
        params["input"] = {} if input is None else input
        data = await self._client._call("models.predictions.create", params)
        return AsyncPrediction(data, self._client)
