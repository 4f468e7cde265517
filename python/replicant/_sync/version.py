# Derived from _async/version.py by python/scripts/unasync.py: change that file, not this one.
"""Versions of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from .._arguments import drop_none
from .._base import Namespace
from .._guarded import Guarded
from .._objects import Version
from .._page import AwaitablePage, Cursor, Page, page_at
from .._refs import Reference, owner_and_name, version_of
from .._response import RawView

if TYPE_CHECKING:
    from .._sync_raw import VersionsWithRawResponse


class ModelVersions(Guarded):
    """`model.versions`: the versions of one model."""

    _client: Any
    _model: Dict[str, str]

    def __init__(self, client: Any, model: Reference) -> None:
        self._client = client
        self._model = owner_and_name(model)

    def get(self, id: str) -> Version:
        """Fetches a version.

        `GET /models/{owner}/{name}/versions/{id}`

        Args:
            id: The id of the version.

        Raises:
            NotFoundError: There is no such model or version.
        """
        data = self._client._call("models.versions.get", {**self._model, "id": id})
        return Version(data, self._client)

    async def async_get(self, id: str) -> Version:
        """The async form of `get`."""
        data = await self._client._async_call("models.versions.get", {**self._model, "id": id})
        return Version(data, self._client)

    def list(self, cursor: Cursor = "") -> Page[Version]:
        """Lists the versions, newest first.

        `GET /models/{owner}/{name}/versions`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.

        Raises:
            NotFoundError: There is no such model.
        """
        params = drop_none(**self._model, **page_at(cursor))
        return self._client._list("models.versions.list", Version, params)  # type: ignore[no-any-return]

    def async_list(self, cursor: Cursor = "") -> AwaitablePage[Version]:
        """The async form of `list`."""
        params = drop_none(**self._model, **page_at(cursor))
        return self._client._async_list("models.versions.list", Version, params)  # type: ignore[no-any-return]

    def delete(self, id: str) -> bool:
        """Deletes a version. The API completes the deletion within minutes.

        `DELETE /models/{owner}/{name}/versions/{id}`

        Args:
            id: The id of the version.

        Raises:
            NotFoundError: There is no such model or version.
            APIStatusError: The API refused, because the model is public or a deployment runs the version.
        """
        self._client._call("models.versions.delete", {**self._model, "id": id})
        return True

    async def async_delete(self, id: str) -> bool:
        """The async form of `delete`."""
        await self._client._async_call("models.versions.delete", {**self._model, "id": id})
        return True


class Versions(Namespace):
    """`client.models.versions`: the versions of any model."""

    with_raw_response: RawView[VersionsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> Version:
        """Fetches a version.

        `GET /models/{owner}/{name}/versions/{id}`

        Args:
            model: The model, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the model, if `model` is its owner; otherwise the id can take its place.
            id: The id of the version.
            owner: The owner of the model, instead of `model`.

        Raises:
            NotFoundError: There is no such model or version.
        """
        params = version_of(model, name, id, owner)
        data = self._client._call("models.versions.get", params)
        return Version(data, self._client)

    async def async_get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> Version:
        """The async form of `get`."""
        params = version_of(model, name, id, owner)
        data = await self._client._async_call("models.versions.get", params)
        return Version(data, self._client)

    def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> Page[Version]:
        """Lists the versions of a model, newest first.

        `GET /models/{owner}/{name}/versions`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            model: The model, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the model, if `model` is its owner.
            owner: The owner of the model, instead of `model`.
            cursor: The `next` of a page, to continue there.

        Raises:
            NotFoundError: There is no such model.
        """
        params = owner_and_name(model, name, owner)
        return self._client._list(
            "models.versions.list", Version, drop_none(**params, **page_at(cursor))
        )

    def async_list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> AwaitablePage[Version]:
        """The async form of `list`."""
        params = owner_and_name(model, name, owner)
        return self._client._async_list(
            "models.versions.list", Version, drop_none(**params, **page_at(cursor))
        )

    def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> bool:
        """Deletes a version. The API completes the deletion within minutes.

        `DELETE /models/{owner}/{name}/versions/{id}`

        Args:
            model: The model, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the model, if `model` is its owner; otherwise the id can take its place.
            id: The id of the version.
            owner: The owner of the model, instead of `model`.

        Raises:
            NotFoundError: There is no such model or version.
            APIStatusError: The API refused, because the model is public or a deployment runs the version.
        """
        params = version_of(model, name, id, owner)
        self._client._call("models.versions.delete", params)
        return True

    async def async_delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> bool:
        """The async form of `delete`."""
        params = version_of(model, name, id, owner)
        await self._client._async_call("models.versions.delete", params)
        return True
