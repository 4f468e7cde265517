"""Processes each webhook once, although it may be delivered more than once."""

from __future__ import annotations

import inspect
import sys
import threading
from collections import OrderedDict
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import (
    Any,
    AsyncGenerator,
    Awaitable,
    Generator,
    Literal,
    Optional,
    Protocol,
    Tuple,
    Union,
)

from ._errors import InvalidArgumentError

_METHODS = ("begin", "finish", "forget")
# Seconds that a store may take after a cancellation.
_GRACE = 10.0

State = Literal["new", "running", "done"]
"""Whether a webhook was processed before, or is being processed."""


Found = Union[str, bytes]
"""A `State` as stores have it. Clients of Redis return bytes."""


class Store(Protocol):
    """Remembers webhooks by their ids. Several processes may share a store."""

    def begin(self, id: str) -> Found:
        """Returns the state of a webhook, and changes it from `new` to `running` in one atomic step."""
        ...

    def finish(self, id: str) -> object:
        """Changes the state to `done`."""
        ...

    def forget(self, id: str) -> object:
        """Changes the state to `new`."""
        ...


class AsyncStore(Protocol):
    """A `Store` whose methods are awaited."""

    def begin(self, id: str) -> Awaitable[Found]:
        """Returns the state of a webhook, and changes it from `new` to `running` in one atomic step."""
        ...

    def finish(self, id: str) -> Awaitable[object]:
        """Changes the state to `done`."""
        ...

    def forget(self, id: str) -> Awaitable[object]:
        """Changes the state to `new`."""
        ...


class MemoryStore:
    """A store in the memory of this process.

    Args:
        limit: The number of webhooks to remember. The oldest are forgotten first.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._states: OrderedDict[str, State] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, id: str) -> State:
        """Returns the state of a webhook, and changes it from `new` to `running`."""
        with self._lock:
            state = self._states.get(id)
            if state is not None:
                return state
            self._states[id] = "running"
            while len(self._states) > self._limit:
                self._states.popitem(last=False)
            return "new"

    def finish(self, id: str) -> None:
        """Changes the state to `done`."""
        with self._lock:
            if id in self._states:
                self._states[id] = "done"

    def forget(self, id: str) -> None:
        """Changes the state to `new`."""
        with self._lock:
            self._states.pop(id, None)


class Once:
    """Tells whether a webhook is new.

    Args:
        store: Where to remember webhooks. Defaults to a `MemoryStore`; processes need a store that they share. An
            `AsyncStore` needs `async` views, or `async_claim`.

    Raises:
        TypeError: `store` lacks a method.
    """

    def __init__(self, store: Optional[Union[Store, AsyncStore]] = None) -> None:
        self._store: Any = MemoryStore() if store is None else store
        for name in _METHODS:
            if isinstance(store, type) or not callable(getattr(self._store, name, None)):
                raise TypeError(
                    f"`store` must be an object with the methods `begin`, `finish` and `forget`, not {store!r}"
                )

    @contextmanager
    def claim(self, id: Optional[str]) -> Generator[State, None, None]:
        """Yields the state of a webhook; if it is `new`, the block processes it.

        When the block ends, the webhook is done. If the block raises, the webhook is new again, so that the next
        delivery is processed.

        Args:
            id: The `webhook_id` of the event. Only an event that `webhooks.unwrap` has returned has one.

        Raises:
            TypeError: A method of the store is async.
            InvalidArgumentError: `id` is None, or the store returned another value than a state.
        """
        id = _known(id)
        state = _state(blocking(self._store.begin(id), _async_method("begin")))
        if state != "new":
            yield state
            return
        try:
            yield state
        except BaseException:
            with _logging_failure(id):
                blocking(self._store.forget(id), _async_method("forget"))
            raise
        blocking(self._store.finish(id), _async_method("finish"))

    @asynccontextmanager
    async def async_claim(self, id: Optional[str]) -> AsyncGenerator[State, None]:
        """The form of `claim` for `async with`. The methods of the store may be awaitable.

        A cancellation takes effect when the store has returned, or after 10 seconds. Therefore, awaitable methods of
        the store run in a task of their own: what they set in context variables is not visible in the block.
        """
        id = _known(id)
        found, canceled = await _completed(self._store.begin(id))
        state = _state(found)
        if state != "new":
            if canceled is not None:
                raise canceled
            yield state
            return
        try:
            if canceled is not None:
                raise canceled
            yield state
        except BaseException:
            with _logging_failure(id):
                await _completed(self._store.forget(id))
            raise
        _, canceled = await _completed(self._store.finish(id))
        if canceled is not None:
            raise canceled

    def check_blocking(self) -> None:
        """Raises `TypeError` if a method of the store is async: `claim` cannot await it."""
        for name in _METHODS:
            if inspect.iscoroutinefunction(getattr(self._store, name)):
                raise _async_method(name)


def _known(id: Optional[str]) -> str:
    if not isinstance(id, str):
        raise InvalidArgumentError(
            f"`id` must be the `webhook_id` of an event that `webhooks.unwrap` returned, not {id!r}",
            argument="id",
        )
    return id


@contextmanager
def _logging_failure(id: str) -> Generator[None, None, None]:
    """Logs an exception of the store, which must not hide that of the block."""
    try:
        yield
    except BaseException as error:
        # The cause of a cancellation is the exception of the store.
        if not isinstance(error, Exception) and error.__cause__ is None:
            raise
        import logging

        logging.getLogger("replicant").exception("`store`: `forget` failed for the webhook %s", id)


def _state(found: Any) -> State:
    state: Any = found.decode() if isinstance(found, bytes) else found
    if state not in ("new", "running", "done"):
        raise InvalidArgumentError(
            f"`store`: `begin` must return 'new', 'running' or 'done', not {found!r}",
            argument="store",
        )
    known: State = state
    return known


def _async_method(method: str) -> TypeError:
    return TypeError(
        f"`store`: `{method}` must not be async in a blocking view or in `claim`; "
        "make the view `async`, use `async_claim`, or pass a store whose methods are blocking"
    )


def blocking(result: Any, error: TypeError) -> Any:
    """Returns a result; raises `error` if it would have to be awaited."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise error
    return result


async def _completed(result: Any) -> Tuple[Any, Optional[BaseException]]:
    """Returns what an awaitable returns, and the cancellation that arrived meanwhile.

    A webhook whose state is lost stays `running`. Within a canceled scope of anyio, which cancels every await, only another
    task can end.
    """
    if not inspect.isawaitable(result):
        return result, None
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # The event loop is not that of asyncio.
        trio: Any = sys.modules.get("trio")
        with nullcontext() if trio is None else trio.CancelScope(shield=True):
            return await result, None
    task = loop.create_task(_awaited(result))
    canceled: Optional[BaseException] = None
    end = float("inf")
    while not task.done():
        left = end - loop.time()
        if canceled is not None and left <= 0:
            task.cancel()
            raise canceled
        try:
            await asyncio.wait({task}, timeout=None if canceled is None else left)
        except asyncio.CancelledError as error:
            # A second one does not end the wait, because anyio cancels each await of a canceled scope.
            canceled = error
            end = min(end, loop.time() + _GRACE)
    try:
        return task.result(), canceled
    except Exception as error:
        if canceled is None:
            raise
        raise canceled from error


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result
