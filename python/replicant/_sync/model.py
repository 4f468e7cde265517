# Derived from _async/model.py by python/scripts/unasync.py: change that file, not this one.
"""Models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from .._arguments import drop_none
from .._base import Namespace
from .._errors import ReplicateException
from .._guarded import cached
from .._objects import Hardware, Version
from .._page import AwaitablePage, Cursor, Page, page_at
from .._params import CreateModelParams as _CreateModelParams
from .._refs import Reference, owner_and_name
from .._response import RawView
from .._warnings import warn_of_alias
from .bound import Bound
from .model_page import Examples, Readme
from .model_prediction import ModelPredictions
from .prediction import Prediction
from .version import ModelVersions, Versions

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._sync_raw import ModelsWithRawResponse


class Model(Bound):
    """A model."""

    __slots__ = ()
    _shown = ("owner", "name")
    _required = ("owner", "name")
    _built = ("default_example", "latest_version")

    url: str
    """The page of the model on the website."""
    owner: str
    """The account that the model belongs to."""
    name: str
    """The name of the model."""
    description: Optional[str]
    """A description of the model."""
    visibility: Literal["public", "private"]
    """`public` or `private`."""
    is_official: Optional[bool]
    """Whether Replicate keeps the model running; such a model needs no version."""
    github_url: Optional[str]
    """The URL of the source code."""
    paper_url: Optional[str]
    """The URL of the paper."""
    license_url: Optional[str]
    """The URL of the license."""
    run_count: int
    """The number of predictions."""
    cover_image_url: Optional[str]
    """The URL of the cover image."""
    created_at: Optional[str]
    """The time of its creation, in RFC 3339."""
    weights_url: Optional[str]
    """The URL of the weights."""

    def predict(self, *_: Any, **__: Any) -> None:
        """Raises an error that names `replicate.run()`, as in 1.x.

        Args:
            _: Ignored.
            __: Ignored.
        """
        raise ReplicateException("`model.predict()` was removed; use `replicate.run()` instead")

    @property
    def id(self) -> str:
        """The model as `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str:
        """A deprecated alias of `owner`."""
        warn_of_alias("username", "owner")
        return self.owner

    @username.setter
    def username(self, owner: str) -> None:
        self.owner = owner

    @property
    def default_example(self) -> Optional[Prediction]:
        """The prediction shown on the page of the model."""
        return Prediction._of(self._data.get("default_example"), self._owner)

    @property
    def latest_version(self) -> Optional[Version]:
        """The newest version."""
        return Version._of(self._data.get("latest_version"))

    @property
    def versions(self) -> ModelVersions:
        """The versions of this model."""
        return ModelVersions(self._bound, self)

    def reload(self) -> None:
        """Fetches the current state.

        `GET /models/{owner}/{name}`

        Raises:
            NotFoundError: There is no such model.
        """
        params = {"owner": self.owner, "name": self.name}
        self._data = self._bound._call("models.get", params)

    async def async_reload(self) -> None:
        """The async form of `reload`."""
        params = {"owner": self.owner, "name": self.name}
        self._data = await self._bound._async_call("models.get", params)


class Models(Namespace):
    """`client.models`"""

    CreateModelParams: TypeAlias = _CreateModelParams

    with_raw_response: RawView[ModelsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    @cached
    def predictions(self) -> ModelPredictions:
        """Predictions of models that need no version."""
        return ModelPredictions(self._client)

    @cached
    def versions(self) -> Versions:
        """Versions of models."""
        return Versions(self._client)

    @cached
    def examples(self) -> Examples:
        """Example predictions of models."""
        return Examples(self._client)

    @cached
    def readme(self) -> Readme:
        """The READMEs of models."""
        return Readme(self._client)

    def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> Model:
        """Fetches a model.

        `GET /models/{owner}/{name}`

        Args:
            model: The model, as `owner/name` or `(owner, name)`; or its owner, with `name`.
            name: The name of the model, if `model` is its owner.
            owner: The owner of the model, instead of `model`.
            key: An alias of `model`.

        Raises:
            NotFoundError: There is no such model.
        """
        params = owner_and_name(model or key, name, owner)
        return Model(self._client._call("models.get", params), self._client)

    async def async_get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> Model:
        """The async form of `get`."""
        params = owner_and_name(model or key, name, owner)
        return Model(await self._client._async_call("models.get", params), self._client)

    def list(
        self,
        cursor: Cursor = "",
        *,
        sort_by: Optional[Literal["model_created_at", "latest_version_created_at"]] = None,
        sort_direction: Optional[Literal["asc", "desc"]] = None,
    ) -> Page[Model]:
        """Lists the public models.

        `GET /models`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.
            sort_by: `model_created_at` or `latest_version_created_at` (the default).
            sort_direction: `asc` or `desc` (the default).

        Raises:
            AuthenticationError: The API refused the token.
        """
        params = drop_none(**page_at(cursor), sort_by=sort_by, sort_direction=sort_direction)
        return self._client._list("models.list", Model, params)

    def async_list(
        self,
        cursor: Cursor = "",
        *,
        sort_by: Optional[Literal["model_created_at", "latest_version_created_at"]] = None,
        sort_direction: Optional[Literal["asc", "desc"]] = None,
    ) -> AwaitablePage[Model]:
        """The async form of `list`."""
        params = drop_none(**page_at(cursor), sort_by=sort_by, sort_direction=sort_direction)
        return self._client._async_list("models.list", Model, params)

    def search(self, query: str) -> Page[Model]:
        """Searches the public models.

        `QUERY /models`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            query: The text to search for.

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self._client._list("models.search", Model, {"query": query})

    def async_search(self, query: str) -> AwaitablePage[Model]:
        """The async form of `search`."""
        return self._client._async_list("models.search", Model, {"query": query})

    def create(
        self,
        owner: str,
        name: str,
        *,
        visibility: Literal["public", "private"],
        hardware: Union[str, Hardware],
        description: Optional[str] = None,
        github_url: Optional[str] = None,
        paper_url: Optional[str] = None,
        license_url: Optional[str] = None,
        cover_image_url: Optional[str] = None,
    ) -> Model:
        """Creates a model without versions.

        `POST /models`. Not retried if the model may have been created.

        Args:
            owner: The account of the API token.
            name: The name of the model.
            visibility: `public` or `private`.
            hardware: The SKU of the hardware, from `client.hardware.list()`.
            description: A description of the model.
            github_url: The URL of the source code.
            paper_url: The URL of the paper.
            license_url: The URL of the license.
            cover_image_url: The URL of the cover image.

        Raises:
            UnprocessableEntityError: The API refused a parameter.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        data = self._client._call(
            "models.create",
            drop_none(
                owner=owner,
                name=name,
                visibility=visibility,
                hardware=getattr(hardware, "sku", hardware),
                description=description,
                github_url=github_url,
                paper_url=paper_url,
                license_url=license_url,
                cover_image_url=cover_image_url,
            ),
        )
        return Model(data, self._client)

    async def async_create(
        self,
        owner: str,
        name: str,
        *,
        visibility: Literal["public", "private"],
        hardware: Union[str, Hardware],
        description: Optional[str] = None,
        github_url: Optional[str] = None,
        paper_url: Optional[str] = None,
        license_url: Optional[str] = None,
        cover_image_url: Optional[str] = None,
    ) -> Model:
        """The async form of `create`."""
        data = await self._client._async_call(
            "models.create",
            drop_none(
                owner=owner,
                name=name,
                visibility=visibility,
                hardware=getattr(hardware, "sku", hardware),
                description=description,
                github_url=github_url,
                paper_url=paper_url,
                license_url=license_url,
                cover_image_url=cover_image_url,
            ),
        )
        return Model(data, self._client)

    def update(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        description: Optional[str] = None,
        readme: Optional[str] = None,
        github_url: Optional[str] = None,
        paper_url: Optional[str] = None,
        weights_url: Optional[str] = None,
        license_url: Optional[str] = None,
    ) -> Model:
        """Updates the metadata of a model.

        `PATCH /models/{owner}/{name}`

        Args:
            model: The model, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the model, if `model` is its owner.
            owner: The owner of the model, instead of `model`.
            description: A description of the model.
            readme: The README, as Markdown.
            github_url: The URL of the source code.
            paper_url: The URL of the paper.
            weights_url: The URL of the weights.
            license_url: The URL of the license.

        Raises:
            NotFoundError: There is no such model.
            PermissionDeniedError: The model belongs to another account.
            UnprocessableEntityError: The API refused a parameter.
        """
        data = self._client._call(
            "models.update",
            drop_none(
                **owner_and_name(model, name, owner),
                description=description,
                readme=readme,
                github_url=github_url,
                paper_url=paper_url,
                weights_url=weights_url,
                license_url=license_url,
            ),
        )
        return Model(data, self._client)

    async def async_update(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        description: Optional[str] = None,
        readme: Optional[str] = None,
        github_url: Optional[str] = None,
        paper_url: Optional[str] = None,
        weights_url: Optional[str] = None,
        license_url: Optional[str] = None,
    ) -> Model:
        """The async form of `update`."""
        data = await self._client._async_call(
            "models.update",
            drop_none(
                **owner_and_name(model, name, owner),
                description=description,
                readme=readme,
                github_url=github_url,
                paper_url=paper_url,
                weights_url=weights_url,
                license_url=license_url,
            ),
        )
        return Model(data, self._client)

    def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> bool:
        """Deletes a private model that has no versions.

        `DELETE /models/{owner}/{name}`

        Args:
            model: The model, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the model, if `model` is its owner.
            owner: The owner of the model, instead of `model`.
            key: An alias of `model`.

        Raises:
            NotFoundError: There is no such model.
            APIStatusError: The API refused, because the model is public or has versions.
        """
        params = owner_and_name(model or key, name, owner)
        self._client._call("models.delete", params)
        return True

    async def async_delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> bool:
        """The async form of `delete`."""
        params = owner_and_name(model or key, name, owner)
        await self._client._async_call("models.delete", params)
        return True
