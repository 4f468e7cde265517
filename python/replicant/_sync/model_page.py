# Derived from _async/model_page.py by python/scripts/unasync.py: change that file, not this one.
"""What the page of a model shows: its README and its examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from .._arguments import drop_none
from .._base import Namespace
from .._page import AwaitablePage, Cursor, Page, page_at
from .._refs import Reference, owner_and_name
from .._response import RawView
from .prediction import Prediction

if TYPE_CHECKING:
    from .._sync_raw import ExamplesWithRawResponse, ReadmeWithRawResponse


class Examples(Namespace):
    """`client.models.examples`"""

    with_raw_response: RawView[ExamplesWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> Page[Prediction]:
        """Lists the predictions that the author of a model shows as examples.

        `GET /models/{owner}/{name}/examples`. Returns one page; its `auto_paging_iter()` yields the items of
        all pages.

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
            "models.examples.list", Prediction, drop_none(**params, **page_at(cursor))
        )

    def async_list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> AwaitablePage[Prediction]:
        """The async form of `list`."""
        params = owner_and_name(model, name, owner)
        return self._client._async_list(
            "models.examples.list", Prediction, drop_none(**params, **page_at(cursor))
        )


class Readme(Namespace):
    """`client.models.readme`"""

    with_raw_response: RawView[ReadmeWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> str:
        """Fetches the README of a model, as Markdown.

        `GET /models/{owner}/{name}/readme`

        Args:
            model: The model, as `owner/name` or an object; or its owner, with `name`.
            name: The name of the model, if `model` is its owner.
            owner: The owner of the model, instead of `model`.

        Raises:
            NotFoundError: The model has no README.
        """
        params = owner_and_name(model, name, owner)
        text: str = self._client._call("models.readme.get", params)
        return text

    async def async_get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> str:
        """The async form of `get`."""
        params = owner_and_name(model, name, owner)
        text: str = await self._client._async_call("models.readme.get", params)
        return text
