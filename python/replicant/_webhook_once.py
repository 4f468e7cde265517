"""Processes each webhook once, although it may be delivered more than once."""

from __future__ import annotations

import inspect
import threading
from collections import OrderedDict
from contextlib import asynccontextmanager, contextmanager
from typing import Any, AsyncGenerator, Generator, Literal, Optional, Protocol, Union

State = Literal["new", "running", "done"]
"""Whether a webhook was processed before, or is being processed."""


class Store(Protocol):
    """Remembers webhooks by their ids. Several processes may share a store."""

    def begin(self, id: str) -> State:
        """Returns the state of a webhook, and changes it from `new` to `running` in one atomic step."""
        ...

    def finish(self, id: str) -> None:
        """Changes the state to `done`."""
        ...

    def forget(self, id: str) -> None:
        """Changes the state to `new`."""
        ...


class AsyncStore(Protocol):
    """A `Store` whose methods are awaited."""

    async def begin(self, id: str) -> State:
        """Returns the state of a webhook, and changes it from `new` to `running` in one atomic step."""
        ...

    async def finish(self, id: str) -> None:
        """Changes the state to `done`."""
        ...

    async def forget(self, id: str) -> None:
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
        store: Where to remember webhooks. Defaults to a `MemoryStore`; processes need a store that they share.
    """

    def __init__(self, store: Optional[Union[Store, AsyncStore]] = None) -> None:
        self._store: Any = MemoryStore() if store is None else store

    @contextmanager
    def claim(self, id: str) -> Generator[State, None, None]:
        """Yields the state of a webhook; if it is `new`, the block processes it.

        When the block ends, the webhook is done. If the block raises, the webhook is new again, so that the next
        delivery is processed.

        Args:
            id: The `webhook_id` of the event.
        """
        state: State = self._store.begin(id)
        if state != "new":
            yield state
            return
        try:
            yield state
        except BaseException:
            self._store.forget(id)
            raise
        self._store.finish(id)

    @asynccontextmanager
    async def async_claim(self, id: str) -> AsyncGenerator[State, None]:
        """The form of `claim` for `async with`. The methods of the store may be awaitable."""
        state: State = await _settled(self._store.begin(id))
        if state != "new":
            yield state
            return
        try:
            yield state
        except BaseException:
            await _settled(self._store.forget(id))
            raise
        await _settled(self._store.finish(id))


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result
