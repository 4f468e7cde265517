"""Predictions: the runs of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from .._arguments import check_function, checked, drop_none
from .._base import AsyncNamespace
from .._events import AwaitableStream
from .._native import Stream
from .._objects import Time, time_text
from .._options import CreateOptions, Observer, Status, Unpack, WaitOptions
from .._output_stream import OutputStream
from .._page import AwaitablePage, Cursor, page_at
from .._progress import Progress as PredictionProgress
from .._progress import of_prediction
from .._refs import Reference, id_of, maybe_reference, maybe_version, no_deployment
from .._response import RawView
from .bound import AsyncBound

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._async_raw import AsyncPredictionsWithRawResponse


class AsyncPrediction(AsyncBound):
    """A run of a model, as last fetched.

    `wait`, `reload`, `cancel` and a complete loop over `output_iterator` update this object.
    """

    __slots__ = ()
    _shown = ("id", "status", "model", "output", "error")
    _required = ("id",)

    Progress: TypeAlias = PredictionProgress

    id: str
    """The id of the prediction."""
    model: str
    """The model, as `owner/name`."""
    version: str
    """The id of the version; `hidden` for models without versions."""
    status: Status
    """`starting`, `processing`, `succeeded`, `failed`, `canceled` or `aborted`."""
    input: Dict[str, Any]
    """The input of the model."""
    output: Any
    """The output so far; files are URLs here."""
    logs: Optional[str]
    """The text that the model printed."""
    error: Optional[str]
    """The reason why the prediction failed."""
    metrics: Optional[Dict[str, Any]]
    """Times and counts, such as `predict_time` in seconds."""
    created_at: str
    """The time of its creation, in RFC 3339."""
    started_at: Optional[str]
    """The time at which the model started."""
    completed_at: Optional[str]
    """The time at which the prediction ended."""
    deadline: Optional[str]
    """The time at which the API cancels the prediction."""
    urls: Dict[str, str]
    """`get`, `cancel`, `stream` and `web`."""
    source: Optional[str]
    """`api` or `web`."""
    deployment: Optional[str]
    """The deployment that the prediction runs on."""
    data_removed: Optional[bool]
    """Whether input and output were removed."""
    webhook: Optional[str]
    """The URL that events are sent to."""
    webhook_completed: Optional[str]
    """The URL that the `completed` event is sent to; an older form of `webhook`."""
    webhook_events_filter: Optional[List[str]]
    """The events that are sent to the webhook."""

    @property
    def webhook_id(self) -> Optional[str]:
        """The id of the webhook that this came in, the same in all its deliveries; None if it came otherwise."""
        return getattr(self, "_webhook_id", None)

    @property
    def progress(self) -> Optional[PredictionProgress]:
        """The last progress bar in the logs."""
        return PredictionProgress.parse(self.logs or "")

    def _update(self, data: Dict[str, Any]) -> None:
        self._data = data

    async def wait(self, **options: Unpack[WaitOptions]) -> None:
        """Waits until the prediction has ended, whether it succeeded or not.

        `GET /predictions/{id}`, until it has ended.

        Args:
            options: See `WaitOptions`.

        Raises:
            PredictionTimeoutError: The timeout passed.
        """
        params = checked(AsyncPrediction.wait, WaitOptions, options)
        on_update, progress = params.pop("on_update", None), params.pop("progress", None)
        params["id"], params["prediction"] = self.id, self._data
        seen = self._observer(on_update)
        with of_prediction(progress, self.model or self.id, seen) as observer:
            self._update(await self._bound._call("predictions.wait", params, observer))

    def _observer(self, on_update: Observer) -> Observer:
        check_function("on_update", on_update)
        if on_update is None:
            return None
        return lambda data: on_update(type(self)(data, self._owner))

    async def reload(self) -> None:
        """Fetches the current state.

        `GET /predictions/{id}`

        Raises:
            NotFoundError: There is no such prediction.
        """
        self._update(await self._bound._call("predictions.get", {"id": self.id}))

    async def cancel(self) -> None:
        """Cancels the prediction if it is still running.

        `POST /predictions/{id}/cancel`

        Raises:
            NotFoundError: There is no such prediction.
        """
        self._update(await self._bound._call("predictions.cancel", {"id": self.id}))

    def stream(self, use_file_output: Optional[bool] = None) -> AwaitableStream:
        """Yields the events of this prediction, beginning with the first.

        `GET` of its `urls.stream`.

        Args:
            use_file_output: Whether to return files as `FileOutput` objects (the default) or as URLs.

        Raises:
            StreamUnsupportedError: The model does not support streams.
            ModelError: The prediction failed.
            StreamInterruptedError: The stream broke and could not be resumed.
        """
        params = drop_none(prediction=self._data, use_file_output=use_file_output)
        return AwaitableStream(self._bound, "predictions.stream", params)

    def output_iterator(self) -> Stream[Any]:
        """Yields the items of a list output as they arrive. A complete loop updates this object.

        `GET /predictions/{id}`, until it has ended.

        Raises:
            ModelError: The prediction failed.
        """
        return OutputStream(self)


class AsyncPredictions(AsyncNamespace):
    """`client.predictions`"""

    CreatePredictionParams: TypeAlias = CreateOptions

    with_raw_response: RawView[AsyncPredictionsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    async def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        model: Optional[Reference] = None,
        deployment: Optional[Reference] = None,
        **options: Unpack[CreateOptions],
    ) -> AsyncPrediction:
        """Creates a prediction of a version, a model or a deployment.

        `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            version: The version, as its id, `owner/name:id` or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            model: A model that needs no version, as `owner/name` or an object.
            deployment: A deployment, as `owner/name` or an object.
            options: See `CreateOptions`.

        Raises:
            InvalidArgumentError: Not exactly one of `version`, `model` and `deployment` was passed.
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(AsyncPredictions.create, CreateOptions, options)
        target = drop_none(
            version=maybe_version(no_deployment(version, "version")),
            model=maybe_reference(no_deployment(model, "model")),
            deployment=maybe_reference(deployment),
            input={} if input is None else input,
        )
        data = await self._client._call("predictions.create", {**target, **params})
        return AsyncPrediction(data, self._client)

    async def get(self, id: Union[str, AsyncPrediction]) -> AsyncPrediction:
        """Fetches a prediction.

        `GET /predictions/{id}`

        Args:
            id: The id of the prediction.

        Raises:
            NotFoundError: There is no prediction with that id.
        """
        data = await self._client._call("predictions.get", {"id": id_of(id)})
        return AsyncPrediction(data, self._client)

    async def cancel(self, id: Union[str, AsyncPrediction]) -> AsyncPrediction:
        """Cancels a prediction if it is still running.

        `POST /predictions/{id}/cancel`

        Args:
            id: The id of the prediction, or the prediction.

        Raises:
            NotFoundError: There is no such prediction.
        """
        data = await self._client._call("predictions.cancel", {"id": id_of(id)})
        return AsyncPrediction(data, self._client)

    async def wait(
        self, id: Union[str, AsyncPrediction], **options: Unpack[WaitOptions]
    ) -> AsyncPrediction:
        """Waits until a prediction has ended, whether it succeeded or not.

        `GET /predictions/{id}`, until it has ended.

        Args:
            id: The id of the prediction, or the prediction.
            options: See `WaitOptions`.

        Raises:
            PredictionTimeoutError: The timeout passed.
        """
        params = checked(AsyncPredictions.wait, WaitOptions, options)
        on_update, progress = params.pop("on_update", None), params.pop("progress", None)
        params["id"] = id_of(id)
        seen = AsyncPrediction({}, self._client)._observer(on_update)
        with of_prediction(progress, params["id"], seen) as observer:
            data = await self._client._call("predictions.wait", params, observer)
        return AsyncPrediction(data, self._client)

    def list(
        self,
        cursor: Cursor = "",
        *,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        source: Optional[str] = None,
    ) -> AwaitablePage[AsyncPrediction]:
        """Lists the predictions of the account, newest first, 100 per page.

        `GET /predictions`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.
            created_after: An ISO 8601 time or a `datetime`: only predictions created at that time or later.
            created_before: The same: only predictions created before that time.
            source: `web` for predictions created on the website only.

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self._client._list(
            "predictions.list",
            AsyncPrediction,
            drop_none(
                **page_at(cursor),
                created_after=time_text(created_after),
                created_before=time_text(created_before),
                source=source,
            ),
        )

    def stream(
        self, id: Union[str, AsyncPrediction], *, use_file_output: Optional[bool] = None
    ) -> AwaitableStream:
        """Yields the events of a prediction, beginning with the first.

        `GET /predictions/{id}`, then `GET` of its `urls.stream`.

        Args:
            id: The id of the prediction, or the prediction.
            use_file_output: Whether to return files as `FileOutput` objects (the default) or as URLs.

        Raises:
            NotFoundError: There is no such prediction.
            StreamUnsupportedError: The model does not support streams.
            ModelError: The prediction failed.
            StreamInterruptedError: The stream broke and could not be resumed.
        """
        params = drop_none(id=id_of(id), use_file_output=use_file_output)
        return AwaitableStream(self._client, "predictions.stream", params)

    def output_iterator(self, id: Union[str, AsyncPrediction]) -> Stream[Any]:
        """Yields the items of a prediction's list output as they arrive.

        `GET /predictions/{id}`, until it has ended.

        Args:
            id: The id of the prediction, or the prediction.

        Raises:
            NotFoundError: There is no such prediction.
            ModelError: The prediction failed.
        """
        params = self._client._with_options({"id": id_of(id)})
        native = self._client._native
        return Stream(native, "predictions.output_iterator", params, owner=self._client)

    async def output(self, output: Any) -> Any:
        """Returns an output with a `FileOutput` for the URL of each file. Sends no request.

        Args:
            output: A prediction, or its `output`.
        """
        if isinstance(output, AsyncPrediction):
            output = output.output
        return await self._client._call("predictions.output", {"output": output})
