"""Collections of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Optional

from .._base import AsyncNamespace
from .._object import APIObject
from .._page import AwaitablePage, Cursor, page_at
from .._response import RawView
from .._warnings import warn_of_alias
from .model import AsyncModel

if TYPE_CHECKING:
    from .._async_raw import AsyncCollectionsWithRawResponse


class AsyncCollection(APIObject):
    """A collection of models, curated by Replicate. Iterating yields the models."""

    __slots__ = ()
    _shown = ("slug", "name")
    _required = ("slug",)
    _built = ("models",)

    slug: str
    """The name in URLs."""
    name: str
    """The name that is displayed."""
    description: str
    """A description of the collection."""
    full_description: Optional[str]
    """A longer description, as Markdown."""

    @property
    def id(self) -> str:
        """A deprecated alias of `slug`."""
        warn_of_alias("id", "slug")
        return self.slug

    @property
    def models(self) -> Optional[List[AsyncModel]]:
        """The models of the collection; None in a list of collections."""
        models = self._data.get("models")
        return None if models is None else [AsyncModel(model, self._owner) for model in models]

    def __iter__(self) -> Iterator[AsyncModel]:
        return iter(self.models or ())

    def __getitem__(self, index: int) -> Optional[AsyncModel]:
        models = self.models
        return None if models is None else models[index]

    def __len__(self) -> int:
        return len(self._data.get("models") or ())

    def __bool__(self) -> bool:
        return True


class AsyncCollections(AsyncNamespace):
    """`client.collections`"""

    with_raw_response: RawView[AsyncCollectionsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def list(self, cursor: Cursor = "") -> AwaitablePage[AsyncCollection]:
        """Lists the collections, without their models.

        `GET /collections`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self._client._list("collections.list", AsyncCollection, page_at(cursor))

    async def get(self, slug: str) -> AsyncCollection:
        """Fetches a collection with its models.

        `GET /collections/{slug}`

        Args:
            slug: The name of the collection in URLs.

        Raises:
            NotFoundError: There is no such collection.
        """
        data = await self._client._call("collections.get", {"slug": slug})
        return AsyncCollection(data, self._client)
