"""Lists that come in pages."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    Generator,
    Generic,
    Iterator,
    List,
    Optional,
    Sequence,
    TypeVar,
    Union,
    overload,
)

from ._object import Json, plain

if TYPE_CHECKING:
    from ._base import AsyncCalls, Calls
    from ._native import Stream

T = TypeVar("T")


def _link(link: Optional[str]) -> Optional[str]:
    # Some lists of the API say that there is no other page by the text "null".
    return None if link in ("", "null") else link


class _AnyPage(Sequence[T]):
    """One page: its own items by index, `len` and `results`."""

    __slots__ = ("_client", "_data", "_follow", "_item", "_operation", "results")

    results: List[T]
    """The items of this page."""

    def __init__(
        self, client: Any, operation: str, item: Any, data: Json, *, follow: bool = True
    ) -> None:
        self._client = client
        self._operation = operation
        self._item = item
        self._data = data
        self._follow = follow
        self.results = [item(member, client) for member in data.get("results") or ()]

    @property
    def next(self) -> Optional[str]:
        """The URL of the next page; None on the last one."""
        return _link(self._data.get("next"))

    @property
    def previous(self) -> Optional[str]:
        """The URL of the page before; None on the first one."""
        return _link(self._data.get("previous"))

    def has_next_page(self) -> bool:
        """Whether there is a next page."""
        return bool(self.next)

    def _rest(self) -> Stream[Json]:
        """The pages after this one, as they came."""
        from ._native import Stream

        client = self._client
        return Stream(client._native, "paginate", client._asked({"path": self.next}))

    def dict(self) -> Json:
        """The page as plain data, in a new dictionary."""
        copy: Json = plain(self._data)
        return copy

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> List[T]: ...
    def __getitem__(self, index: Union[int, slice]) -> Union[T, List[T]]:
        return self.results[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _AnyPage):
            return NotImplemented
        data: Any = other._data  # pyright: ignore[reportUnknownMemberType]
        return bool(self._data == data)

    def __repr__(self) -> str:
        more = ", and more" if self.next else ""
        return f"<{type(self).__name__}: {len(self)} items{more}>"


class Page(_AnyPage[T]):
    """One page of a list.

    Iterating over it goes on to the following pages, which are fetched as they are needed. Its own
    items alone are `results`; `pages()` goes page by page.
    """

    __slots__ = ()

    _client: Calls

    def __iter__(self) -> Iterator[T]:
        yield from self.results
        if self._follow and self.next:
            for data in self._rest():
                yield from self._page(data).results

    def _page(self, data: Json) -> Page[T]:
        return Page(self._client, self._operation, self._item, data, follow=False)

    def get_next_page(self) -> Optional[Page[T]]:
        """Fetch the next page; None after the last one."""
        if not self.next:
            return None
        data = self._client._call(self._operation, {"cursor": self.next})
        return Page(self._client, self._operation, self._item, data, follow=self._follow)

    def pages(self) -> Iterator[Page[T]]:
        """This page and those after it, each of which iterates over its own items only."""
        yield self._page(self._data)
        if self.next:
            for data in self._rest():
                yield self._page(data)


class AsyncPage(_AnyPage[T]):
    """One page of a list.

    `async for` over it goes on to the following pages, which are fetched as they are needed; a plain
    `for` stays on this page. `pages()` goes page by page.
    """

    __slots__ = ()

    _client: AsyncCalls

    def __iter__(self) -> Iterator[T]:
        return iter(self.results)

    async def __aiter__(self) -> AsyncIterator[T]:
        for item in self.results:
            yield item
        if self._follow and self.next:
            async for data in self._rest():
                for item in self._page(data).results:
                    yield item

    def _page(self, data: Json) -> AsyncPage[T]:
        return AsyncPage(self._client, self._operation, self._item, data, follow=False)

    async def get_next_page(self) -> Optional[AsyncPage[T]]:
        """Fetch the next page; None after the last one."""
        if not self.next:
            return None
        data = await self._client._async_call(self._operation, {"cursor": self.next})
        return AsyncPage(self._client, self._operation, self._item, data, follow=self._follow)

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it, each of which iterates over its own items only."""
        yield self._page(self._data)
        if self.next:
            async for data in self._rest():
                yield self._page(data)


class AwaitablePage(Generic[T]):
    """A list not fetched yet: `await` gives its first page, `async for` all its items."""

    __slots__ = ("_client", "_item", "_operation", "_params")

    def __init__(self, client: AsyncCalls, operation: str, item: Any, params: Json) -> None:
        self._client = client
        self._operation = operation
        self._item = item
        self._params = params

    async def _first(self) -> AsyncPage[T]:
        data = await self._client._async_call(self._operation, self._params)
        return AsyncPage(self._client, self._operation, self._item, data)

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._first():
            yield item

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """All pages, each of which iterates over its own items only."""
        async for page in (await self._first()).pages():
            yield page


def paginate(list_method: Callable[..., Page[T]], cursor: Optional[str] = "") -> Iterator[Page[T]]:
    """The pages of a list, one after the other: `paginate(client.predictions.list)`.

    Args:
        list_method: the method that lists.
        cursor: the `next` of a page, to go on there.
    """
    if cursor is None:
        raise ValueError("cursor cannot be None")
    yield from (list_method(cursor) if cursor else list_method()).pages()


async def async_paginate(
    list_method: Callable[..., AwaitablePage[T]], cursor: Optional[str] = ""
) -> AsyncIterator[AsyncPage[T]]:
    """The pages of a list, one after the other: `async_paginate(client.predictions.async_list)`.

    Args:
        list_method: the method that lists.
        cursor: the `next` of a page, to go on there.
    """
    if cursor is None:
        raise ValueError("cursor cannot be None")
    async for page in (list_method(cursor) if cursor else list_method()).pages():
        yield page
