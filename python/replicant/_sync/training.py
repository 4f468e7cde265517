# Derived from _async/training.py by python/scripts/unasync.py: change that file, not this one.
"""Trainings, which create new versions of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union, cast

from .._arguments import checked, drop_none
from .._base import Namespace
from .._object import Json
from .._options import InputOptions, Status, Unpack, WebhookEvents
from .._page import AwaitablePage, Cursor, Page, page_at
from .._params import CreateTrainingParams as _CreateTrainingParams
from .._progress import Progress as TrainingProgress
from .._refs import Reference, id_of, maybe_reference
from .._response import RawView
from .bound import Bound

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._sync_raw import TrainingsWithRawResponse


class Training(Bound):
    """A training, as last fetched."""

    __slots__ = ()
    _shown = ("id", "status", "model", "destination", "output", "error")
    _required = ("id",)
    _built = ("destination",)
    _order = ("id", "model", "version", "destination")

    id: str
    """The id of the training."""
    model: str
    """The model being trained, as `owner/name`."""
    version: str
    """The id of the version being trained."""
    status: Status
    """`starting`, `processing`, `succeeded`, `failed`, `canceled` or `aborted`."""
    input: Dict[str, Any]
    """The input of the training."""
    output: Any
    """The result: `version` and `weights`."""
    logs: Optional[str]
    """The text that the training printed."""
    error: Optional[str]
    """The reason why the training failed."""
    metrics: Optional[Dict[str, Any]]
    """Times and counts, such as `predict_time` in seconds."""
    created_at: str
    """The time of its creation, in RFC 3339."""
    started_at: Optional[str]
    """The time at which it started."""
    completed_at: Optional[str]
    """The time at which it ended."""
    urls: Dict[str, str]
    """`get` and `cancel`."""
    source: Optional[str]
    """`api` or `web`."""

    @property
    def destination(self) -> Optional[str]:
        """The model that receives the new version, as `owner/name`; None if not known yet."""
        given_by_api: Optional[str] = self._data.get("destination")
        if given_by_api is not None:
            return given_by_api
        output: Any = self._data.get("output")
        version = cast(Json, output).get("version") if isinstance(output, dict) else None
        return version.partition(":")[0] if isinstance(version, str) else None

    @property
    def webhook_id(self) -> Optional[str]:
        """The id of the webhook that this came in, the same in all its deliveries; None if it came otherwise."""
        return getattr(self, "_webhook_id", None)

    @property
    def progress(self) -> Optional[TrainingProgress]:
        """The last progress bar in the logs."""
        return TrainingProgress.parse(self.logs or "")

    def reload(self) -> None:
        """Fetches the current state.

        `GET /trainings/{id}`

        Raises:
            NotFoundError: There is no such training.
        """
        self._data = self._bound._call("trainings.get", {"id": self.id})

    async def async_reload(self) -> None:
        """The async form of `reload`."""
        self._data = await self._bound._async_call("trainings.get", {"id": self.id})

    def cancel(self) -> None:
        """Cancels the training if it is still running.

        `POST /trainings/{id}/cancel`

        Raises:
            NotFoundError: There is no such training.
        """
        self._data = self._bound._call("trainings.cancel", {"id": self.id})

    async def async_cancel(self) -> None:
        """The async form of `cancel`."""
        self._data = await self._bound._async_call("trainings.cancel", {"id": self.id})


class Trainings(Namespace):
    """`client.trainings`"""

    CreateTrainingParams: TypeAlias = _CreateTrainingParams

    with_raw_response: RawView[TrainingsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        destination: Optional[Reference] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[WebhookEvents] = None,
        *,
        model: Optional[Reference] = None,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[InputOptions],
    ) -> Training:
        """Creates a training.

        `POST /models/{owner}/{name}/versions/{version}/trainings`. Not retried if the training may have been
        created.

        Args:
            version: The version to train, as `owner/name:id`; or its id, with `model`.
            input: The input of the training. Files, paths and bytes in it are uploaded.
            destination: The model that receives the new version, as `owner/name` or an object.
            webhook: An HTTPS URL that the API sends events of the training to.
            webhook_completed: An HTTPS URL that the API sends the `completed` event to.
            webhook_events_filter: The events to send: `start`, `output`, `logs`, `completed`.
            model: The model to train, as `owner/name` or an object.
            owner: The owner of the model, with `name`, instead of `model`.
            name: The name of the model, with `owner`.
            options: See `InputOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.

        Raises:
            NotFoundError: The destination does not exist.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        params = checked(Trainings.create, InputOptions, options)
        training = drop_none(
            version=maybe_reference(version),
            model=maybe_reference(model),
            owner=owner,
            name=name,
            input={} if input is None else input,
            destination=maybe_reference(destination),
            webhook=webhook,
            webhook_completed=webhook_completed,
            webhook_events_filter=webhook_events_filter,
        )
        data = self._client._call("trainings.create", {**training, **params})
        return Training(data, self._client)

    async def async_create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        destination: Optional[Reference] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[WebhookEvents] = None,
        *,
        model: Optional[Reference] = None,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[InputOptions],
    ) -> Training:
        """The async form of `create`."""
        params = checked(Trainings.create, InputOptions, options)
        training = drop_none(
            version=maybe_reference(version),
            model=maybe_reference(model),
            owner=owner,
            name=name,
            input={} if input is None else input,
            destination=maybe_reference(destination),
            webhook=webhook,
            webhook_completed=webhook_completed,
            webhook_events_filter=webhook_events_filter,
        )
        data = await self._client._async_call("trainings.create", {**training, **params})
        return Training(data, self._client)

    def get(self, id: Union[str, Training]) -> Training:
        """Fetches a training.

        `GET /trainings/{id}`

        Args:
            id: The id of the training.

        Raises:
            NotFoundError: There is no such training.
        """
        return Training(self._client._call("trainings.get", {"id": id_of(id)}), self._client)

    async def async_get(self, id: Union[str, Training]) -> Training:
        """The async form of `get`."""
        return Training(
            await self._client._async_call("trainings.get", {"id": id_of(id)}), self._client
        )

    def cancel(self, id: Union[str, Training]) -> Training:
        """Cancels a training if it is still running.

        `POST /trainings/{id}/cancel`

        Args:
            id: The id of the training, or the training.

        Raises:
            NotFoundError: There is no such training.
        """
        return Training(self._client._call("trainings.cancel", {"id": id_of(id)}), self._client)

    async def async_cancel(self, id: Union[str, Training]) -> Training:
        """The async form of `cancel`."""
        return Training(
            await self._client._async_call("trainings.cancel", {"id": id_of(id)}), self._client
        )

    def list(self, cursor: Cursor = "") -> Page[Training]:
        """Lists the trainings of the account, newest first, 100 per page.

        `GET /trainings`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self._client._list("trainings.list", Training, page_at(cursor))

    def async_list(self, cursor: Cursor = "") -> AwaitablePage[Training]:
        """The async form of `list`."""
        return self._client._async_list("trainings.list", Training, page_at(cursor))
