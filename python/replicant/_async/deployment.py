"""Deployments: models on hardware that you choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Union

from .._arguments import drop_none
from .._base import AsyncNamespace
from .._guarded import cached
from .._objects import Hardware
from .._objects import Release as DeploymentRelease
from .._page import AwaitablePage, Cursor, page_at
from .._params import CreateDeploymentParams as _CreateDeploymentParams
from .._params import UpdateDeploymentParams as _UpdateDeploymentParams
from .._refs import Reference, owner_and_name, reference, version_id
from .._response import RawView
from .._warnings import warn_of_alias
from .bound import AsyncBound
from .deployment_prediction import AsyncDeploymentPredictions, AsyncDeploymentsPredictions

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._async_raw import AsyncDeploymentsWithRawResponse


class AsyncDeployment(AsyncBound):
    """A model on hardware that you choose."""

    __slots__ = ()
    _shown = ("owner", "name")
    _required = ("owner", "name")
    _built = ("current_release",)

    owner: str
    """The account that the deployment belongs to."""
    name: str
    """The name of the deployment."""

    @property
    def id(self) -> str:
        """The deployment as `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str:
        """A deprecated alias of `owner`."""
        warn_of_alias("username", "owner")
        return self.owner

    @username.setter
    def username(self, owner: str) -> None:
        self.owner = owner

    Release: TypeAlias = DeploymentRelease

    @property
    def current_release(self) -> Optional[DeploymentRelease]:
        """The release that is running."""
        return DeploymentRelease._of(self._data.get("current_release"))

    @property
    def predictions(self) -> AsyncDeploymentPredictions:
        """Predictions of this deployment."""
        return AsyncDeploymentPredictions(self._bound, self)

    async def reload(self) -> None:
        """Fetches the current state.

        `GET /deployments/{owner}/{name}`

        Raises:
            NotFoundError: There is no such deployment.
        """
        params = {"owner": self.owner, "name": self.name}
        self._data = await self._bound._call("deployments.get", params)


class AsyncDeployments(AsyncNamespace):
    """`client.deployments`"""

    CreateDeploymentParams: TypeAlias = _CreateDeploymentParams
    UpdateDeploymentParams: TypeAlias = _UpdateDeploymentParams

    with_raw_response: RawView[AsyncDeploymentsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    @cached
    def predictions(self) -> AsyncDeploymentsPredictions:
        """Predictions of deployments."""
        return AsyncDeploymentsPredictions(self._client)

    def list(self, cursor: Cursor = "") -> AwaitablePage[AsyncDeployment]:
        """Lists the deployments of the account, newest first.

        `GET /deployments`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self._client._list("deployments.list", AsyncDeployment, page_at(cursor))

    async def get(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> AsyncDeployment:
        """Fetches a deployment.

        `GET /deployments/{owner}/{name}`

        Args:
            deployment: The deployment, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the deployment, if `deployment` is its owner.
            owner: The owner of the deployment, instead of `deployment`.

        Raises:
            NotFoundError: There is no such deployment.
        """
        params = owner_and_name(deployment, name, owner, "deployment")
        return AsyncDeployment(await self._client._call("deployments.get", params), self._client)

    async def create(
        self,
        name: str,
        model: Reference,
        version: Reference,
        hardware: Union[str, Hardware],
        min_instances: int,
        max_instances: int,
    ) -> AsyncDeployment:
        """Creates a deployment.

        `POST /deployments`. Not retried if the deployment may have been created.

        Args:
            name: The name of the deployment; an owner in front of it (`owner/name`) is ignored.
            model: The model, as `owner/name` or an object.
            version: The version, as its id or an object.
            hardware: The SKU of the hardware, from `client.hardware.list()`.
            min_instances: The minimum number of instances, from 0 to 5.
            max_instances: The maximum number of instances, from 0 to 20.

        Raises:
            UnprocessableEntityError: The API refused a parameter.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        data = await self._client._call(
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
        return AsyncDeployment(data, self._client)

    async def update(
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
    ) -> AsyncDeployment:
        """Updates a deployment.

        `PATCH /deployments/{owner}/{name}`

        Args:
            deployment: The deployment, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the deployment, if `deployment` is its owner.
            owner: The owner of the deployment, instead of `deployment`.
            deployment_owner: An alias of `owner`.
            deployment_name: An alias of `name`.
            version: The version, as its id or an object.
            hardware: The SKU of the hardware.
            min_instances: The minimum number of instances, from 0 to 5.
            max_instances: The maximum number of instances, from 0 to 20.

        Raises:
            NotFoundError: There is no such deployment.
            UnprocessableEntityError: The API refused a parameter.
        """
        data = await self._client._call(
            "deployments.update",
            drop_none(
                **owner_and_name(
                    deployment, name or deployment_name, owner or deployment_owner, "deployment"
                ),
                version=None if version is None else version_id(version),
                hardware=getattr(hardware, "sku", hardware),
                min_instances=min_instances,
                max_instances=max_instances,
            ),
        )
        return AsyncDeployment(data, self._client)

    async def delete(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
    ) -> bool:
        """Deletes a deployment that was not used for 15 minutes.

        `DELETE /deployments/{owner}/{name}`

        Args:
            deployment: The deployment, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the deployment, if `deployment` is its owner.
            owner: The owner of the deployment, instead of `deployment`.
            deployment_owner: An alias of `owner`.
            deployment_name: An alias of `name`.

        Raises:
            NotFoundError: There is no such deployment.
            APIStatusError: The API refused, because the deployment is in use.
        """
        params = owner_and_name(
            deployment, name or deployment_name, owner or deployment_owner, "deployment"
        )
        await self._client._call("deployments.delete", params)
        return True
