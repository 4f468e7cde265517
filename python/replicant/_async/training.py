"""Trainings: the making of new versions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, NoReturn, Optional, Sequence, Union, cast

from .._base import AsyncNamespace, given
from .._object import APIObject, Json
from .._options import FileEncodingStrategy, Status, WebhookEvent, unexpected
from .._page import AwaitablePage, page_at
from .._params import CreateTrainingParams as _CreateTrainingParams
from .._progress import Progress as TrainingProgress
from .._refs import Reference, id_of, maybe_reference
from .._response import RawView

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._async_raw import AsyncTrainingsWithRawResponse


class AsyncTraining(APIObject):
    """The making of a new version of a model, as it was when it was last fetched."""

    __slots__ = ()
    _shown = ("id", "status", "model", "destination", "output", "error")
    _required = ("id",)
    _built = ("destination",)

    id: str
    """The training's id."""
    model: str
    """The model that is trained, as `owner/name`."""
    version: str
    """The id of the version that is trained."""
    status: Status
    """`starting`, `processing`, `succeeded`, `failed`, `canceled` or `aborted`."""
    input: Dict[str, Any]
    """What the training was given."""
    output: Any
    """What the training made: `version` and `weights`."""
    logs: Optional[str]
    """What the training printed."""
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
    urls: Dict[str, str]
    """`get` and `cancel`."""
    source: Optional[str]
    """`api` or `web`."""

    @property
    def destination(self) -> Optional[str]:
        """The model that gets the new version, as `owner/name`, once there is one."""
        given_by_api: Optional[str] = self._data.get("destination")
        if given_by_api is not None:
            return given_by_api
        output: Any = self._data.get("output")
        version = cast(Json, output).get("version") if isinstance(output, dict) else None
        return version.partition(":")[0] if isinstance(version, str) else None

    @property
    def progress(self) -> Optional[TrainingProgress]:
        """How far it is, read from the last progress bar in its logs."""
        return TrainingProgress.parse(self.logs or "")

    async def reload(self) -> None:
        """Fetch the present state.

        `GET /trainings/{id}`
        """
        self._data = await self._bound._call("trainings.get", {"id": self.id})

    async def cancel(self) -> None:
        """Cancel the training, if it still runs.

        `POST /trainings/{id}/cancel`
        """
        self._data = await self._bound._call("trainings.cancel", {"id": self.id})

    @property
    def _bound(self) -> Any:
        if self._owner is not None:
            return self._owner
        from .._default import default_async_client

        return default_async_client


class AsyncTrainings(AsyncNamespace):
    """`client.trainings`"""

    CreateTrainingParams: TypeAlias = _CreateTrainingParams

    with_raw_response: RawView[AsyncTrainingsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    async def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        destination: Optional[Reference] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
        *,
        model: Optional[Reference] = None,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        file_encoding_strategy: Optional[FileEncodingStrategy] = None,
        **unknown: NoReturn,
    ) -> AsyncTraining:
        """Start a training.

        `POST /models/{owner}/{name}/versions/{version}/trainings`. It is sent once: a failure that
        leaves open whether the training was created is told, not tried again.

        Args:
            version: the version to train, as `owner/name:id`; or its id, with `model`.
            input: what the training is given; files, paths and bytes in it are uploaded.
            destination: the model that gets the new version, as `owner/name` or as an object.
            webhook: an https URL that events about the training are sent to.
            webhook_completed: an https URL that the end is sent to.
            webhook_events_filter: which events are sent: `start`, `output`, `logs`, `completed`.
            model: the model to train, as `owner/name` or as an object.
            owner: the model's owner, with `name`, if `model` is not given.
            name: the model's name, with `owner`.
            file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.

        Raises:
            NotFoundError: there is no such destination.
            OutcomeUnknownError: whether the training was created is not known.
        """
        if unknown:
            raise unexpected(AsyncTrainings.create, unknown)
        data = await self._client._call(
            "trainings.create",
            given(
                version=maybe_reference(version),
                model=maybe_reference(model),
                owner=owner,
                name=name,
                input={} if input is None else input,
                destination=maybe_reference(destination),
                webhook=webhook,
                webhook_completed=webhook_completed,
                webhook_events_filter=webhook_events_filter,
                file_encoding_strategy=file_encoding_strategy,
            ),
        )
        return AsyncTraining(data, self._client)

    async def get(self, id: Union[str, AsyncTraining]) -> AsyncTraining:
        """Fetch a training.

        `GET /trainings/{id}`
        """
        return AsyncTraining(
            await self._client._call("trainings.get", {"id": id_of(id)}), self._client
        )

    async def cancel(self, id: Union[str, AsyncTraining]) -> AsyncTraining:
        """Cancel a training, if it still runs.

        `POST /trainings/{id}/cancel`
        """
        return AsyncTraining(
            await self._client._call("trainings.cancel", {"id": id_of(id)}), self._client
        )

    def list(self, cursor: Optional[str] = "") -> AwaitablePage[AsyncTraining]:
        """The trainings of the account, newest first.

        `GET /trainings`, 100 at a time.
        Returns one page, whose `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: the `next` of a page, to continue there.
        """
        return self._client._list("trainings.list", AsyncTraining, page_at(cursor))
