"""Pages of lists."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Set,
    Type,
    TypeVar,
    Union,
    cast,
)

from ._dumps import Dumps
from ._members import response_of
from ._object import Json
from ._ready import Later

if TYPE_CHECKING:
    from ._base import AsyncCalls
    from ._native import Stream
    from ._response import APIResponse

    Cursor = Union[str, ellipsis, None]  # noqa: F821
else:
    Cursor = Union[str, type(...), None]

T = TypeVar("T")
P = TypeVar("P")
S = TypeVar("S", bound="Page[Any]")


def _link(link: Optional[str]) -> Optional[str]:
    # Some lists of the API send the text "null" instead of null.
    return None if link in ("", "null") else link


class Page(Dumps, List[T]):
    """A page of a list, which is a list of its items.

    Iterating, `len` and indexing cover this page only and send no request. `auto_paging_iter()` yields the items
    of all pages, `pages()` the pages.
    """

    __slots__ = ("_client", "_data", "_item", "_operation")

    def __init__(
        self,
        _client: Any = None,
        _operation: str = "",
        _item: Any = None,
        _data: Optional[Json] = None,
        *,
        results: Iterable[T] = (),
        next: Optional[str] = None,
        previous: Optional[str] = None,
    ) -> None:
        """Builds a page; test doubles pass its `results`."""
        self._client = _client
        self._operation = _operation
        self._item = _item
        self._data = {"previous": previous, "next": next} if _data is None else _data
        if _item is not None:
            results = [_item(each, _client) for each in self._data.get("results") or ()]
        super().__init__(results)

    @property
    def results(self) -> List[T]:
        """The items of this page: the page itself."""
        return self

    @results.setter
    def results(self, results: Iterable[T]) -> None:
        self[:] = results

    @property
    def _response(self) -> Optional[APIResponse[Any]]:
        """The response that this page came in, with its status, headers and rate limit."""
        from ._response import APIResponse

        response = response_of(self._data)
        return APIResponse(self, *response) if response else None

    @property
    def request_id(self) -> Optional[str]:
        """The id of the request that returned this page, for support tickets."""
        response = self._response
        return None if response is None else response.request_id

    @property
    def next(self) -> Optional[str]:
        """The URL of the next page; None on the last one."""
        return _link(self._data.get("next"))

    @next.setter
    def next(self, link: Optional[str]) -> None:
        self._data["next"] = link

    @property
    def previous(self) -> Optional[str]:
        """The URL of the previous page; None on the first one."""
        return _link(self._data.get("previous"))

    @previous.setter
    def previous(self, link: Optional[str]) -> None:
        self._data["previous"] = link

    def has_next_page(self) -> bool:
        """Returns whether there is a next page."""
        return bool(self.next)

    def _rest(self) -> Stream[Json]:
        """Returns the following pages, as the API sends them."""
        from ._native import Stream

        client = self._client
        return Stream(client._native, "paginate", client._with_options({"path": self.next}))

    def _members(self) -> Json:
        return {**self._data, "results": list(self)}

    def copy(
        self: S,
        *,
        update: Optional[Mapping[str, Any]] = None,
        include: Any = None,
        exclude: Any = None,
        deep: bool = False,
    ) -> S:
        """Returns a copy, which fetches the following pages like this one.

        Args:
            update: Members to change in the copy: `results`, `next`, `previous`.
            include: The names of the members to copy. Defaults to all.
            exclude: The names of members to omit.
            deep: Whether to copy the items, too.
        """
        from copy import deepcopy

        members = {
            name: value
            for name, value in self._members().items()
            if (include is None or name in include) and (exclude is None or name not in exclude)
        }
        page = self.construct(**{**(deepcopy(members) if deep else members), **(update or {})})
        page._client, page._operation, page._item = self._client, self._operation, self._item
        return page

    def model_copy(self: S, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False) -> S:
        """Returns a copy: an alias of `copy()`."""
        return self.copy(update=update, deep=deep)

    @classmethod
    def construct(cls: Type[S], _fields_set: Any = None, **members: Any) -> S:
        """Builds a page from its members."""
        results = members.pop("results", ())
        return cls(None, "", None, {"previous": None, "next": None, **members}, results=results)

    @classmethod
    def parse_obj(cls: Type[S], obj: Any) -> S:
        """Builds a page from a dictionary.

        Args:
            obj: The members by name, or a page.
        """
        if isinstance(obj, cls):
            return obj
        if not isinstance(obj, dict) or "results" not in obj:
            raise ValueError(f"expected a {cls.__name__} or a dictionary with `results`")
        members = cast(Json, obj)
        return cls.construct(**members)

    @classmethod
    def parse_raw(cls: Type[S], b: Union[str, bytes], **_: Any) -> S:
        """Builds a page from JSON text.

        Args:
            b: The text.
            _: Ignored: the other arguments of the pydantic method of that name.
        """
        import json

        return cls.parse_obj(json.loads(b))

    model_construct = construct
    model_validate = parse_obj
    model_validate_json = parse_raw

    def __repr__(self) -> str:
        more = ", and more pages" if self.next else ""
        return f"<{type(self).__name__} {super().__repr__()}{more}>"

    def auto_paging_iter(self) -> Iterator[T]:
        """Yields the items of this page and the following ones, which are fetched as needed."""
        for page in self.pages():
            yield from page

    def _page(self, data: Json) -> Page[T]:
        return Page(self._client, self._operation, self._item, data)

    def get_next_page(self) -> Optional[Page[T]]:
        """Fetches the next page; returns None after the last one."""
        if not self.next:
            return None
        return self._page(self._client._call(self._operation, {"cursor": self.next}))

    def pages(self) -> Iterator[Page[T]]:
        """Yields this page and the following ones, which are fetched as needed."""
        yield self
        if self.next:
            for data in self._rest():
                yield self._page(data)


# A `Page`, because 1.x returns that class from awaited calls, too.
class AsyncPage(Page[T]):
    """A page of a list, which is a list of its items.

    Iterating, with `for` or `async for`, `len` and indexing cover this page only and send no request.
    `auto_paging_iter()` yields the items of all pages, `pages()` the pages.
    """

    __slots__ = ()

    async def __aiter__(self) -> AsyncIterator[T]:
        for item in self:
            yield item

    async def auto_paging_iter(self) -> AsyncIterator[T]:  # type: ignore[override]
        """Yields the items of this page and the following ones, which are fetched as needed."""
        async for page in self.pages():
            for item in page:
                yield item

    def _page(self, data: Json) -> AsyncPage[T]:
        return AsyncPage(self._client, self._operation, self._item, data)

    async def get_next_page(self) -> Optional[AsyncPage[T]]:  # type: ignore[override]
        """Fetches the next page; returns None after the last one."""
        if not self.next:
            return None
        return self._page(await self._client._async_call(self._operation, {"cursor": self.next}))

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:  # type: ignore[override]
        """Yields this page and the following ones, which are fetched as needed."""
        yield self
        if self.next:
            async for data in self._rest():
                yield self._page(data)


class AwaitablePage(Later[AsyncPage[T]]):
    """A list that has not been requested yet; `await` fetches its first page.

    `async for` yields the items of that page, `auto_paging_iter()` those of all pages.
    """

    __slots__ = ("_client", "_item", "_operation", "_params")

    def __init__(self, client: AsyncCalls, operation: str, item: Any, params: Json) -> None:
        self._client = client
        self._operation = operation
        self._item = item
        self._params = params

    async def _work(self) -> AsyncPage[T]:
        data = await self._client._async_call(self._operation, self._params)
        return AsyncPage(self._client, self._operation, self._item, data)

    async def __aiter__(self) -> AsyncIterator[T]:
        for item in await self:
            yield item

    async def auto_paging_iter(self) -> AsyncIterator[T]:
        """Yields the items of all pages, which are fetched as needed."""
        async for item in (await self).auto_paging_iter():
            yield item

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """Yields all pages, which are fetched as needed."""
        async for page in (await self).pages():
            yield page


def page_at(cursor: Cursor) -> Json:
    """Returns the parameters of a list that begins at `cursor`; "" is the first page, and so is `...`, as in 1.x.

    Raises:
        ValueError: `cursor` is None, the `next` of a last page.
    """
    if cursor is None:
        raise ValueError("cursor cannot be None: there is no page after the last one")
    return {} if cursor is ... or not cursor else {"cursor": cursor}


def _next(page: Any, seen: Set[str]) -> Optional[str]:
    """Returns the cursor of the page after `page`, which can be of any class; None after the last one."""
    cursor: Optional[str] = page.next
    if cursor in seen:
        from ._errors import APIResponseValidationError

        raise APIResponseValidationError(f"pagination loop: {cursor} was already fetched")
    if cursor:
        seen.add(cursor)
    return cursor or None


def paginate(list_method: Callable[[Any], P], cursor: Cursor = ...) -> Generator[P, None, None]:
    """Yields the pages of a list: `paginate(client.predictions.list)`.

    Args:
        list_method: The function that fetches a page. It is called with a cursor: `...` for the first page, then the
            `next` of each page.
        cursor: The `next` of a page, to continue there.
    """
    page = list_method(cursor)
    yield page
    seen: Set[str] = set()
    while (cursor := _next(page, seen)) is not None:
        page = list_method(cursor)
        yield page


async def async_paginate(
    list_method: Callable[[Any], Awaitable[P]], cursor: Cursor = ...
) -> AsyncGenerator[P, None]:
    """Yields the pages of a list: `async_paginate(client.predictions.async_list)`.

    Args:
        list_method: The function that fetches a page. It is called with a cursor: `...` for the first page, then the
            `next` of each page.
        cursor: The `next` of a page, to continue there.
    """
    page = await list_method(cursor)
    yield page
    seen: Set[str] = set()
    while (cursor := _next(page, seen)) is not None:
        page = await list_method(cursor)
        yield page
