# Derived from _async/handle.py by python/scripts/unasync.py: change that file, not this one.
"""Handles: predictions that are started by one process and followed by any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Literal, Optional, Union

from .._arguments import drop_none
from .._native import Stream
from .._object import APIObject
from .._options import Status
from .._progress import Progress
from .bound import Bound
from .prediction import Prediction

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._client_base import AnyClient

Since: TypeAlias = "Union[Dict[str, Any], HandleEvent, None]"


class HandleEvent(APIObject):
    """A change of a prediction, with the cursor to continue after it.

    Members that the type of the event does not have are None.
    """

    __slots__ = ()
    _shown = ("type", "status", "text", "progress", "index", "output")
    _required = ("type", "cursor")
    _built = ("prediction", "progress")

    type: Literal["status", "logs", "progress", "output", "end"]
    """`status`, `logs`, `progress`, `output`, or `end`, the last event."""
    cursor: Dict[str, Any]
    """Where `events(since=...)` continues after this event. JSON of about a kilobyte."""
    status: Optional[Status]
    """The new status, of `status` and `end`."""
    text: Optional[str]
    """The new text, of `logs`."""
    index: Optional[int]
    """The position of an `output` in the output list; an index that came before replaces that item. None for an
    output that is not a list, and for the rest of a text whose beginning came as items."""
    output: Any
    """The new item of an `output`, with a `FileOutput` for each file."""

    # An event is sent on as it is: with the members of its type only.
    def _members(self) -> Dict[str, Any]:
        return dict(self._data)

    @property
    def progress(self) -> Optional[Progress]:
        """The progress bar in the logs, of `progress`."""
        found = self._data.get("progress")
        return None if found is None else Progress(**found)

    @property
    def prediction(self) -> Optional[Prediction]:
        """The prediction as it ended, of `end`."""
        return Prediction._of(self._data.get("prediction"), self._owner)


class Handle(Bound):
    """A prediction that continues to run whatever happens to this process.

    A handle consists of an id: `dict()`, `json()` and pickles contain no token, and `client.handle()` makes a handle
    of them again in any process. An unpickled handle uses the default client.
    """

    __slots__ = ()
    _shown = ("id", "model")
    _required = ("id",)

    id: str
    """The id of the prediction."""
    model: Optional[str]
    """The model, as `owner/name`, if known."""

    def events(
        self,
        *,
        since: Since = None,
        interval: Optional[float] = None,
        use_file_output: Optional[bool] = None,
    ) -> Stream[HandleEvent]:
        """Yields the changes of the prediction until it has ended, beginning with the logs and output so far.

        `GET /predictions/{id}`, until it has ended. Failed requests are retried for up to five minutes. A failed
        prediction is not an error here: the last event has the type `end` and the prediction.

        Args:
            since: An event, or its `cursor`, to continue after it, in any process. No event is lost or repeated.
            interval: Seconds between polls. Defaults to the `poll_interval` of the client, otherwise to 0.5,
                growing to 5 while nothing changes.
            use_file_output: Whether to return files as `FileOutput` objects or as URLs. Defaults to the option of
                the client.

        Raises:
            NotFoundError: There is no prediction with this id.
            InvalidArgumentError: `since` is not a cursor of this prediction.
        """
        client = self._bound
        if isinstance(since, HandleEvent):
            since = since.cursor
        params = drop_none(
            id=self.id, since=since, interval=interval, use_file_output=use_file_output
        )

        def event(data: Dict[str, Any]) -> HandleEvent:
            return HandleEvent(data, client)

        return Stream(
            client._native,
            "predictions.watch",
            client._with_options(params),
            owner=client,
            value=event,
        )

    def async_events(
        self,
        *,
        since: Since = None,
        interval: Optional[float] = None,
        use_file_output: Optional[bool] = None,
    ) -> Stream[HandleEvent]:
        """The async form of `events`."""
        client = self._bound
        if isinstance(since, HandleEvent):
            since = since.cursor
        params = drop_none(
            id=self.id, since=since, interval=interval, use_file_output=use_file_output
        )

        def event(data: Dict[str, Any]) -> HandleEvent:
            return HandleEvent(data, client)

        return Stream(
            client._native,
            "predictions.watch",
            client._with_options(params),
            owner=client,
            value=event,
        )

    def result(
        self,
        *,
        timeout: Optional[float] = None,
        interval: Optional[float] = None,
        use_file_output: Optional[bool] = None,
    ) -> Any:
        """Waits for the output and returns it, as `run` does.

        `GET /predictions/{id}`, until it has ended. Abandoning the call has no effect on the prediction.

        Args:
            timeout: Seconds until the call fails with `PredictionTimeoutError`. The prediction continues, so the call
                can be repeated. Defaults to no limit.
            interval: Seconds between polls. Defaults to the `poll_interval` of the client; without one, polling is adaptive.
            use_file_output: Whether to return files as `FileOutput` objects or as URLs. Defaults to the option of
                the client.

        Raises:
            ModelError: The prediction failed or was canceled.
            PredictionTimeoutError: The timeout passed.
            OutputExpiredError: The API has deleted the output, as it does after an hour.
            NotFoundError: There is no prediction with this id.
        """
        params = drop_none(
            id=self.id, timeout=timeout, interval=interval, use_file_output=use_file_output
        )
        return self._bound._call("predictions.result", params)

    async def async_result(
        self,
        *,
        timeout: Optional[float] = None,
        interval: Optional[float] = None,
        use_file_output: Optional[bool] = None,
    ) -> Any:
        """The async form of `result`."""
        params = drop_none(
            id=self.id, timeout=timeout, interval=interval, use_file_output=use_file_output
        )
        return await self._bound._async_call("predictions.result", params)

    def prediction(self) -> Prediction:
        """Returns the prediction as it is now.

        `GET /predictions/{id}`

        Raises:
            NotFoundError: There is no prediction with this id.
        """
        data = self._bound._call("predictions.get", {"id": self.id})
        return Prediction(data, self._bound)

    async def async_prediction(self) -> Prediction:
        """The async form of `prediction`."""
        data = await self._bound._async_call("predictions.get", {"id": self.id})
        return Prediction(data, self._bound)

    def cancel(self) -> Prediction:
        """Cancels the prediction if it is still running, and returns it.

        `POST /predictions/{id}/cancel`

        Raises:
            NotFoundError: There is no prediction with this id.
        """
        data = self._bound._call("predictions.cancel", {"id": self.id})
        return Prediction(data, self._bound)

    async def async_cancel(self) -> Prediction:
        """The async form of `cancel`."""
        data = await self._bound._async_call("predictions.cancel", {"id": self.id})
        return Prediction(data, self._bound)


def handle_of(client: AnyClient, handle: Any) -> Handle:
    """Returns the handle of an id, a dictionary, JSON text, a prediction or another handle."""
    from .._native import compute

    if isinstance(handle, APIObject):
        handle = {"id": handle._data.get("id"), "model": handle._data.get("model")}
    return Handle(compute("handle.parse", {"handle": handle}), client)
