# Derived from _async/prediction.py by python/scripts/unasync.py: change that file, not this one.
"""Predictions: the runs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NoReturn, Optional, Sequence, Union

from .._base import Namespace, Observer, given
from .._events import AwaitableStream, EventStream
from .._native import Stream
from .._object import APIObject
from .._objects import Time, time_text
from .._options import FileEncodingStrategy, Status, WebhookEvent, unexpected
from .._page import AwaitablePage, Page, page_at
from .._params import CreatePredictionParams as _CreatePredictionParams
from .._progress import Progress as PredictionProgress
from .._progress import ShowProgress, of_prediction
from .._refs import Reference, id_of, maybe_reference, maybe_version
from .._response import RawView

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._sync_raw import PredictionsWithRawResponse


class Prediction(APIObject):
    """One run of a model, as it was when it was last fetched.

    `wait`, `reload` and `cancel` bring this object up to date.
    """

    __slots__ = ()
    _shown = ("id", "status", "model", "output", "error")
    _required = ("id",)

    Progress = PredictionProgress

    id: str
    """The prediction's id."""
    model: str
    """The model, as `owner/name`."""
    version: str
    """The id of the version that runs; `hidden` for models without versions."""
    status: Status
    """`starting`, `processing`, `succeeded`, `failed`, `canceled` or `aborted`."""
    input: Dict[str, Any]
    """What the model was given."""
    output: Any
    """What the model gave, so far; files are URLs here."""
    logs: Optional[str]
    """What the model printed."""
    error: Any
    """Why it failed."""
    metrics: Optional[Dict[str, Any]]
    """Times and counts, such as `predict_time` in seconds."""
    created_at: str
    """When it was created, in RFC 3339."""
    started_at: Optional[str]
    """When it began to run."""
    completed_at: Optional[str]
    """When it ended."""
    deadline: Optional[str]
    """When it will be canceled."""
    urls: Dict[str, str]
    """`get`, `cancel`, `stream` and `web`."""
    source: Optional[str]
    """`api` or `web`."""
    deployment: Optional[str]
    """The deployment that runs it."""
    data_removed: Optional[bool]
    """Whether input and output have been removed."""
    webhook: Optional[str]
    """Where events about it are sent."""
    webhook_completed: Optional[str]
    """Where the end of it is sent; an older form of `webhook`."""
    webhook_events_filter: Optional[List[str]]
    """Which events are sent to the webhook."""

    @property
    def progress(self) -> Optional[PredictionProgress]:
        """How far it is, read from the last progress bar in its logs."""
        return PredictionProgress.parse(self.logs or "")

    def _update(self, data: Dict[str, Any]) -> None:
        self._data = data

    def wait(
        self,
        *,
        timeout: Optional[float] = None,
        interval: Optional[float] = None,
        on_update: Observer = None,
        progress: ShowProgress = None,
    ) -> None:
        """Wait until the prediction has ended, however it ended.

        `GET /predictions/{id}`, as often as needed.

        Args:
            timeout: how many seconds to wait at most; without it, as long as it takes.
            interval: how many seconds lie between two looks; without it, they are chosen.
            on_update: called with each state that was seen.
            progress: True shows a bar, by the progress bar in the model's logs; a function is called with
                each such `Progress`.

        Raises:
            PredictionTimeoutError: the time passed.
        """
        params = given(id=self.id, prediction=self._data, timeout=timeout, interval=interval)
        name = self.model or self.id
        with of_prediction(progress, name, self._seen(on_update)) as observer:
            self._update(self._bound._call("predictions.wait", params, observer))

    async def async_wait(
        self,
        *,
        timeout: Optional[float] = None,
        interval: Optional[float] = None,
        on_update: Observer = None,
        progress: ShowProgress = None,
    ) -> None:
        """The awaitable form of `wait`."""
        params = given(id=self.id, prediction=self._data, timeout=timeout, interval=interval)
        name = self.model or self.id
        with of_prediction(progress, name, self._seen(on_update)) as observer:
            self._update(await self._bound._async_call("predictions.wait", params, observer))

    def _seen(self, on_update: Observer) -> Observer:
        if on_update is None:
            return None
        return lambda data: on_update(type(self)(data, self._owner))

    def reload(self) -> None:
        """Fetch the present state.

        `GET /predictions/{id}`
        """
        self._update(self._bound._call("predictions.get", {"id": self.id}))

    async def async_reload(self) -> None:
        """The awaitable form of `reload`."""
        self._update(await self._bound._async_call("predictions.get", {"id": self.id}))

    def cancel(self) -> None:
        """Cancel the prediction, if it still runs.

        `POST /predictions/{id}/cancel`
        """
        self._update(self._bound._call("predictions.cancel", {"id": self.id}))

    async def async_cancel(self) -> None:
        """The awaitable form of `cancel`."""
        self._update(await self._bound._async_call("predictions.cancel", {"id": self.id}))

    def stream(self, use_file_output: Optional[bool] = None) -> EventStream:
        """The events of this prediction, from the first on.

        Args:
            use_file_output: whether files come as `FileOutput` (the default) or as URLs.

        Raises:
            StreamUnsupportedError: the model has no events.
            ModelError: the prediction failed.
            StreamInterruptedError: the stream broke and could not be taken up again.
        """
        params = given(prediction=self._data, use_file_output=use_file_output)
        return EventStream(self._bound, "predictions.stream", params)

    def async_stream(self, use_file_output: Optional[bool] = None) -> AwaitableStream:
        """The awaitable form of `stream`."""
        params = given(prediction=self._data, use_file_output=use_file_output)
        return AwaitableStream(self._bound, "predictions.stream", params)

    def output_iterator(self) -> Stream[Any]:
        """The items of a list output, each as soon as it is there.

        `GET /predictions/{id}`, as often as needed.

        Raises:
            ModelError: the prediction failed.
        """
        params = self._bound._asked({"prediction": self._data})
        return Stream(self._bound._native, "predictions.output_iterator", params)

    def async_output_iterator(self) -> Stream[Any]:
        """The awaitable form of `output_iterator`."""
        params = self._bound._asked({"prediction": self._data})
        return Stream(self._bound._native, "predictions.output_iterator", params)

    @property
    def _bound(self) -> Any:
        if self._owner is not None:
            return self._owner
        from .._default import default_client

        return default_client


class Predictions(Namespace):
    """`client.predictions`"""

    CreatePredictionParams: TypeAlias = _CreatePredictionParams

    with_raw_response: RawView[PredictionsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        model: Optional[Reference] = None,
        deployment: Optional[Reference] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
        stream: Optional[bool] = None,
        wait: Optional[Union[bool, float]] = None,
        prefer: Optional[str] = None,
        cancel_after: Optional[Union[float, str]] = None,
        file_encoding_strategy: Optional[FileEncodingStrategy] = None,
        **unknown: NoReturn,
    ) -> Prediction:
        """Start a prediction of a version, a model or a deployment.

        `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
        `POST /deployments/{owner}/{name}/predictions`. It is sent once: a failure that leaves open
        whether the prediction was created is told, not tried again.

        Args:
            version: the version, as its id, as `owner/name:id` or as an object.
            input: what the model is given; files, paths and bytes in it are uploaded.
            model: a model that needs no version, as `owner/name` or as an object.
            deployment: a deployment, as `owner/name` or as an object.
            webhook: an https URL that events about the prediction are sent to.
            webhook_completed: an https URL that the end is sent to.
            webhook_events_filter: which events are sent: `start`, `output`, `logs`, `completed`.
            stream: asks for an event stream; models that have one need not be asked any more.
            wait: how many seconds the answer may be held back for the output, 60 at most;
                True for as long as the API likes.
            prefer: the same as a header: `wait` or `wait=5`.
            cancel_after: after how many seconds (or a duration such as `1m30s`) it is canceled.
            file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.

        Raises:
            InvalidArgumentError: not exactly one of version, model and deployment was given.
            UnprocessableEntityError: the input does not fit the model.
            OutcomeUnknownError: whether the prediction was created is not known.
        """
        if unknown:
            raise unexpected(Predictions.create, unknown)
        data = self._client._call(
            "predictions.create",
            given(
                version=maybe_version(version),
                model=maybe_reference(model),
                deployment=maybe_reference(deployment),
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
        return Prediction(data, self._client)

    async def async_create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        model: Optional[Reference] = None,
        deployment: Optional[Reference] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
        stream: Optional[bool] = None,
        wait: Optional[Union[bool, float]] = None,
        prefer: Optional[str] = None,
        cancel_after: Optional[Union[float, str]] = None,
        file_encoding_strategy: Optional[FileEncodingStrategy] = None,
        **unknown: NoReturn,
    ) -> Prediction:
        """The awaitable form of `create`."""
        if unknown:
            raise unexpected(Predictions.create, unknown)
        data = await self._client._async_call(
            "predictions.create",
            given(
                version=maybe_version(version),
                model=maybe_reference(model),
                deployment=maybe_reference(deployment),
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
        return Prediction(data, self._client)

    def get(self, id: Union[str, Prediction]) -> Prediction:
        """Fetch a prediction.

        `GET /predictions/{id}`

        Raises:
            NotFoundError: there is none with that id.
        """
        data = self._client._call("predictions.get", {"id": id_of(id)})
        return Prediction(data, self._client)

    async def async_get(self, id: Union[str, Prediction]) -> Prediction:
        """The awaitable form of `get`."""
        data = await self._client._async_call("predictions.get", {"id": id_of(id)})
        return Prediction(data, self._client)

    def cancel(self, id: Union[str, Prediction]) -> Prediction:
        """Cancel a prediction, if it still runs.

        `POST /predictions/{id}/cancel`
        """
        data = self._client._call("predictions.cancel", {"id": id_of(id)})
        return Prediction(data, self._client)

    async def async_cancel(self, id: Union[str, Prediction]) -> Prediction:
        """The awaitable form of `cancel`."""
        data = await self._client._async_call("predictions.cancel", {"id": id_of(id)})
        return Prediction(data, self._client)

    def wait(
        self,
        id: Union[str, Prediction],
        *,
        timeout: Optional[float] = None,
        interval: Optional[float] = None,
        on_update: Observer = None,
        progress: ShowProgress = None,
    ) -> Prediction:
        """Wait until a prediction has ended, however it ended.

        `GET /predictions/{id}`, as often as needed.

        Args:
            id: the prediction's id, or the prediction.
            timeout: how many seconds to wait at most; without it, as long as it takes.
            interval: how many seconds lie between two looks; without it, they are chosen.
            on_update: called with each state that was seen.
            progress: True shows a bar, by the progress bar in the model's logs; a function is called with
                each such `Progress`.

        Raises:
            PredictionTimeoutError: the time passed.
        """
        params = given(id=id_of(id), timeout=timeout, interval=interval)
        seen = Prediction({}, self._client)._seen(on_update)
        with of_prediction(progress, params["id"], seen) as observer:
            data = self._client._call("predictions.wait", params, observer)
        return Prediction(data, self._client)

    async def async_wait(
        self,
        id: Union[str, Prediction],
        *,
        timeout: Optional[float] = None,
        interval: Optional[float] = None,
        on_update: Observer = None,
        progress: ShowProgress = None,
    ) -> Prediction:
        """The awaitable form of `wait`."""
        params = given(id=id_of(id), timeout=timeout, interval=interval)
        seen = Prediction({}, self._client)._seen(on_update)
        with of_prediction(progress, params["id"], seen) as observer:
            data = await self._client._async_call("predictions.wait", params, observer)
        return Prediction(data, self._client)

    def list(
        self,
        cursor: Optional[str] = "",
        *,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        source: Optional[str] = None,
    ) -> Page[Prediction]:
        """The predictions of the account, newest first.

        `GET /predictions`, 100 at a time.
        Returns one page, whose `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: the `next` of a page, to continue there.
            created_after: an ISO 8601 time, or a `datetime`; only predictions from then on.
            created_before: the same; only predictions before then.
            source: `web` for those made on the web site only.
        """
        return self._client._list(
            "predictions.list",
            Prediction,
            given(
                **page_at(cursor),
                created_after=time_text(created_after),
                created_before=time_text(created_before),
                source=source,
            ),
        )

    def async_list(
        self,
        cursor: Optional[str] = "",
        *,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        source: Optional[str] = None,
    ) -> AwaitablePage[Prediction]:
        """The awaitable form of `list`."""
        return self._client._async_list(
            "predictions.list",
            Prediction,
            given(
                **page_at(cursor),
                created_after=time_text(created_after),
                created_before=time_text(created_before),
                source=source,
            ),
        )

    def stream(
        self, id: Union[str, Prediction], *, use_file_output: Optional[bool] = None
    ) -> EventStream:
        """The events of a prediction, from the first on.

        Args:
            id: the prediction's id, or the prediction.
            use_file_output: whether files come as `FileOutput` (the default) or as URLs.
        """
        params = given(id=id_of(id), use_file_output=use_file_output)
        return EventStream(self._client, "predictions.stream", params)

    def async_stream(
        self, id: Union[str, Prediction], *, use_file_output: Optional[bool] = None
    ) -> AwaitableStream:
        """The awaitable form of `stream`."""
        params = given(id=id_of(id), use_file_output=use_file_output)
        return AwaitableStream(self._client, "predictions.stream", params)

    def output_iterator(self, id: Union[str, Prediction]) -> Stream[Any]:
        """The items of a prediction's list output, each as soon as it is there.

        `GET /predictions/{id}`, as often as needed.
        """
        params = self._client._asked({"id": id_of(id)})
        return Stream(self._client._native, "predictions.output_iterator", params)

    def async_output_iterator(self, id: Union[str, Prediction]) -> Stream[Any]:
        """The awaitable form of `output_iterator`."""
        params = self._client._asked({"id": id_of(id)})
        return Stream(self._client._native, "predictions.output_iterator", params)

    def output(self, output: Any) -> Any:
        """An output at hand, with a `FileOutput` for each URL of a file in it. Sends nothing.

        Args:
            output: a prediction, or its `output`.
        """
        if isinstance(output, Prediction):
            output = output.output
        return self._client._call("predictions.output", {"output": output})

    async def async_output(self, output: Any) -> Any:
        """The awaitable form of `output`."""
        if isinstance(output, Prediction):
            output = output.output
        return await self._client._async_call("predictions.output", {"output": output})
