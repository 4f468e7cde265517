"""Iterators that `inspect.isgenerator` and `inspect.isasyncgen` take for generators.

Programs that expect the generators of 1.x test for one, and FastAPI encodes generators and no other iterators.
"""

from __future__ import annotations

from types import AsyncGeneratorType, CodeType, GeneratorType
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterator


def _generator() -> Iterator[None]:
    yield


async def _async_generator() -> AsyncIterator[None]:
    yield


class LikeGenerator:
    """The part of a generator beside its iteration."""

    if not TYPE_CHECKING:
        __class__ = property(lambda _: GeneratorType)
    gi_code: CodeType = _generator.__code__
    gi_frame: None = None
    gi_yieldfrom: None = None
    gi_running: bool = False
    gi_suspended: bool = False
    __slots__ = ()

    def send(self, value: None) -> Any:
        """Returns the next item."""
        this: Any = self
        return next(this)

    def throw(self, error: BaseException) -> None:
        """Closes the iterator and raises `error`."""
        this: Any = self
        this.close()
        raise error


class LikeAsyncGenerator:
    """The part of an async generator beside its iteration."""

    if not TYPE_CHECKING:
        __class__ = property(lambda _: AsyncGeneratorType)
    ag_code: CodeType = _async_generator.__code__
    ag_frame: None = None
    ag_await: None = None
    ag_running: bool = False
    ag_suspended: bool = False
    __slots__ = ()

    async def asend(self, value: None) -> Any:
        """Returns the next item."""
        this: Any = self
        return await this.__anext__()

    async def athrow(self, error: BaseException) -> None:
        """Closes the iterator and raises `error`."""
        this: Any = self
        await this.aclose()
        raise error
