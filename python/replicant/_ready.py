"""Awaitable objects that asyncio accepts as coroutines."""

from __future__ import annotations

from typing import Any, Coroutine, Generator, Optional, TypeVar

T = TypeVar("T")


async def ready(value: T) -> T:
    """Returns `value`. Python awaits a native coroutine faster than any other object."""
    return value


class Later(Coroutine[Any, Any, T]):
    """An object that can be awaited, and passed to `asyncio.run`, `create_task` and the like."""

    __slots__ = ("_started",)

    _started: Coroutine[Any, Any, T]

    def _work(self) -> Coroutine[Any, Any, T]:
        raise NotImplementedError

    def __await__(self) -> Generator[Any, None, T]:
        return self._work().__await__()

    def send(self, value: Any) -> Any:
        """Continues the work, like the method of a coroutine."""
        if not hasattr(self, "_started"):
            self._started = self._work()
        return self._started.send(value)

    def throw(self, kind: Any, value: Any = None, trace: Any = None) -> Any:
        """Raises an exception where the work waits, like the method of a coroutine."""
        if not hasattr(self, "_started"):
            self._started = self._work()
        error: BaseException = kind if value is None else value
        return self._started.throw(error)

    def close(self) -> None:
        """Ends the work, like the method of a coroutine."""
        started: Optional[Coroutine[Any, Any, T]] = getattr(self, "_started", None)
        if started is not None:
            started.close()
