# Derived from _async/deployment.py by python/scripts/unasync.py: change that file, not this one.
"""Deployments: models that run on machines of one's own choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, NoReturn, Optional, Sequence, Union

from .._base import Namespace, given
from .._guarded import Guarded, cached
from .._object import APIObject
from .._objects import Hardware
from .._objects import Release as DeploymentRelease
from .._options import FileEncodingStrategy, WebhookEvent, unexpected
from .._page import AwaitablePage, Page, page_at
from .._params import CreateDeploymentParams as _CreateDeploymentParams
from .._params import UpdateDeploymentParams as _UpdateDeploymentParams
from .._refs import Reference, owner_and_name, reference, version_id
from .._response import RawView
from .prediction import Prediction

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._sync_raw import (
        DeploymentsPredictionsWithRawResponse,
        DeploymentsWithRawResponse,
    )


class DeploymentsPredictions(Namespace):
    """`client.deployments.predictions`"""

    with_raw_response: RawView[DeploymentsPredictionsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    def create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
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
        """Start a prediction of a deployment.

        `POST /deployments/{owner}/{name}/predictions`. It is sent once: a failure that leaves open
        whether the prediction was created is told, not tried again.

        Args:
            deployment: the deployment, as `owner/name` or as an object.
            input: what the model is given; files, paths and bytes in it are uploaded.
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
            file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.

        Raises:
            UnprocessableEntityError: the input does not fit the model.
            OutcomeUnknownError: whether the prediction was created is not known.
        """
        if unknown:
            raise unexpected(DeploymentsPredictions.create, unknown)
        data = self._client._call(
            "deployments.predictions.create",
            given(
                **owner_and_name(deployment, name, owner, "deployment"),
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
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
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
            raise unexpected(DeploymentsPredictions.create, unknown)
        data = await self._client._async_call(
            "deployments.predictions.create",
            given(
                **owner_and_name(deployment, name, owner, "deployment"),
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


class DeploymentPredictions(Guarded):
    """`deployment.predictions`: predictions of one deployment."""

    _client: Any
    _deployment: Dict[str, str]

    def __init__(self, client: Any, deployment: Dict[str, str]) -> None:
        self._client = client
        self._deployment = deployment

    def create(
        self,
        input: Optional[Dict[str, Any]] = None,
        *,
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
        """Start a prediction of this deployment.

        `POST /deployments/{owner}/{name}/predictions`. It is sent once: a failure that leaves open
        whether the prediction was created is told, not tried again.

        Args:
            input: what the model is given; files, paths and bytes in it are uploaded.
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
            UnprocessableEntityError: the input does not fit the model.
            OutcomeUnknownError: whether the prediction was created is not known.
        """
        if unknown:
            raise unexpected(DeploymentPredictions.create, unknown)
        data = self._client._call(
            "deployments.predictions.create",
            given(
                **self._deployment,
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
        input: Optional[Dict[str, Any]] = None,
        *,
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
            raise unexpected(DeploymentPredictions.create, unknown)
        data = await self._client._async_call(
            "deployments.predictions.create",
            given(
                **self._deployment,
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


class Deployment(APIObject):
    """A model that runs on machines of one's own choice."""

    __slots__ = ()
    _shown = ("owner", "name")
    _required = ("owner", "name")
    _built = ("current_release",)

    owner: str
    """The account it belongs to."""
    name: str
    """The deployment's name."""

    @property
    def id(self) -> str:
        """The deployment as `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str:
        """The same as `owner`."""
        return self.owner

    @username.setter
    def username(self, owner: str) -> None:
        self.owner = owner

    Release = DeploymentRelease

    @property
    def current_release(self) -> Optional[DeploymentRelease]:
        """What it runs at present."""
        return DeploymentRelease._of(self._data.get("current_release"))

    @property
    def predictions(self) -> DeploymentPredictions:
        """The predictions of this deployment."""
        return DeploymentPredictions(self._bound, {"owner": self.owner, "name": self.name})

    def reload(self) -> None:
        """Fetch the present state.

        `GET /deployments/{owner}/{name}`
        """
        params = {"owner": self.owner, "name": self.name}
        self._data = self._bound._call("deployments.get", params)

    async def async_reload(self) -> None:
        """The awaitable form of `reload`."""
        params = {"owner": self.owner, "name": self.name}
        self._data = await self._bound._async_call("deployments.get", params)

    @property
    def _bound(self) -> Any:
        if self._owner is not None:
            return self._owner
        from .._default import default_client

        return default_client


class Deployments(Namespace):
    """`client.deployments`"""

    CreateDeploymentParams: TypeAlias = _CreateDeploymentParams
    UpdateDeploymentParams: TypeAlias = _UpdateDeploymentParams

    with_raw_response: RawView[DeploymentsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    @cached
    def predictions(self) -> DeploymentsPredictions:
        """Predictions of deployments."""
        return DeploymentsPredictions(self._client)

    def list(self, cursor: Optional[str] = "") -> Page[Deployment]:
        """The deployments of the account, newest first.

        `GET /deployments`.
        Returns one page, whose `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: the `next` of a page, to continue there.
        """
        return self._client._list("deployments.list", Deployment, page_at(cursor))

    def async_list(self, cursor: Optional[str] = "") -> AwaitablePage[Deployment]:
        """The awaitable form of `list`."""
        return self._client._async_list("deployments.list", Deployment, page_at(cursor))

    def get(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> Deployment:
        """Fetch a deployment.

        `GET /deployments/{owner}/{name}`

        Args:
            deployment: the deployment, as `owner/name` or as an object; or its owner, with `name`.
            name: the deployment's name, if `deployment` is its owner.
            owner: the deployment's owner, if `deployment` is not given.
        """
        params = owner_and_name(deployment, name, owner, "deployment")
        return Deployment(self._client._call("deployments.get", params), self._client)

    async def async_get(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> Deployment:
        """The awaitable form of `get`."""
        params = owner_and_name(deployment, name, owner, "deployment")
        return Deployment(await self._client._async_call("deployments.get", params), self._client)

    def create(
        self,
        name: str,
        model: Reference,
        version: Reference,
        hardware: Union[str, Hardware],
        min_instances: int,
        max_instances: int,
    ) -> Deployment:
        """Create a deployment.

        `POST /deployments`. It is sent once.

        Args:
            name: its name; an owner before it (`owner/name`) is left out.
            model: the model, as `owner/name` or as an object.
            version: the version, as its id or as an object.
            hardware: the SKU of the machines; see `client.hardware.list()`.
            min_instances: how many machines run at least, from 0 to 5.
            max_instances: how many machines run at most, from 0 to 20.
        """
        data = self._client._call(
            "deployments.create",
            {
                "name": name.rpartition("/")[2],
                "model": reference(model).partition(":")[0],
                "version": version_id(version),
                "hardware": getattr(hardware, "sku", hardware),
                "min_instances": min_instances,
                "max_instances": max_instances,
            },
        )
        return Deployment(data, self._client)

    async def async_create(
        self,
        name: str,
        model: Reference,
        version: Reference,
        hardware: Union[str, Hardware],
        min_instances: int,
        max_instances: int,
    ) -> Deployment:
        """The awaitable form of `create`."""
        data = await self._client._async_call(
            "deployments.create",
            {
                "name": name.rpartition("/")[2],
                "model": reference(model).partition(":")[0],
                "version": version_id(version),
                "hardware": getattr(hardware, "sku", hardware),
                "min_instances": min_instances,
                "max_instances": max_instances,
            },
        )
        return Deployment(data, self._client)

    def update(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
        version: Optional[Reference] = None,
        hardware: Optional[Union[str, Hardware]] = None,
        min_instances: Optional[int] = None,
        max_instances: Optional[int] = None,
    ) -> Deployment:
        """Change a deployment.

        `PATCH /deployments/{owner}/{name}`

        Args:
            deployment: the deployment, as `owner/name` or as an object; or its owner, with `name`.
            name: the deployment's name, if `deployment` is its owner.
            owner: the deployment's owner, if `deployment` is not given.
            deployment_owner: the same as `owner`.
            deployment_name: the same as `name`.
            version: the version, as its id or as an object.
            hardware: the SKU of the machines.
            min_instances: how many machines run at least, from 0 to 5.
            max_instances: how many machines run at most, from 0 to 20.
        """
        data = self._client._call(
            "deployments.update",
            given(
                **owner_and_name(
                    deployment, name or deployment_name, owner or deployment_owner, "deployment"
                ),
                version=None if version is None else version_id(version),
                hardware=getattr(hardware, "sku", hardware),
                min_instances=min_instances,
                max_instances=max_instances,
            ),
        )
        return Deployment(data, self._client)

    async def async_update(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
        version: Optional[Reference] = None,
        hardware: Optional[Union[str, Hardware]] = None,
        min_instances: Optional[int] = None,
        max_instances: Optional[int] = None,
    ) -> Deployment:
        """The awaitable form of `update`."""
        data = await self._client._async_call(
            "deployments.update",
            given(
                **owner_and_name(
                    deployment, name or deployment_name, owner or deployment_owner, "deployment"
                ),
                version=None if version is None else version_id(version),
                hardware=getattr(hardware, "sku", hardware),
                min_instances=min_instances,
                max_instances=max_instances,
            ),
        )
        return Deployment(data, self._client)

    def delete(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
    ) -> bool:
        """Delete a deployment that was not used for a quarter of an hour.

        `DELETE /deployments/{owner}/{name}`

        Args:
            deployment: the deployment, as `owner/name` or as an object; or its owner, with `name`.
            name: the deployment's name, if `deployment` is its owner.
            owner: the deployment's owner, if `deployment` is not given.
            deployment_owner: the same as `owner`.
            deployment_name: the same as `name`.
        """
        params = owner_and_name(
            deployment, name or deployment_name, owner or deployment_owner, "deployment"
        )
        self._client._call("deployments.delete", params)
        return True

    async def async_delete(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
    ) -> bool:
        """The awaitable form of `delete`."""
        params = owner_and_name(
            deployment, name or deployment_name, owner or deployment_owner, "deployment"
        )
        await self._client._async_call("deployments.delete", params)
        return True
