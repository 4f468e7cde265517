"""The items of an output, for `Prediction.output_iterator`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, AsyncIterator, Awaitable, Callable, Tuple

from ._errors import ModelError
from ._exception import ReplicateException
from ._native import Stream
from ._output import ENDED


class OutputStream(Stream[Any]):
    """The items of the output of a prediction, which the end of the loop updates."""

    _prediction: Any
    _updates: bool
    """Whether the end has still to update the prediction."""

    def __new__(cls, prediction: Any) -> OutputStream:
        client = prediction._bound
        params = client._with_options({"prediction": prediction._data})
        stream: OutputStream = super().__new__(
            cls, client._native, "predictions.output_iterator", params, owner=client
        )
        stream._prediction = prediction
        stream._updates = True
        return stream

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except StopIteration:
            if self._must_update():
                # All items have arrived.
                with suppress(ReplicateException):
                    self._prediction._update(self._prediction._bound._native.call(*self._get()))
            raise
        except ModelError as error:
            self._prediction._update(error.prediction._data)
            raise

    def __anext__(self) -> Awaitable[Any]:
        return self._awaited(super().__anext__)

    async def __aiter__(self) -> AsyncIterator[Any]:
        items = super().__aiter__()
        while True:
            try:
                item = await self._awaited(items.__anext__)
            except StopAsyncIteration:
                return
            yield item

    async def _awaited(self, step: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await step()
        except StopAsyncIteration:
            if self._must_update():
                with suppress(ReplicateException):
                    native = self._prediction._bound._native
                    self._prediction._update(await native.call_async(*self._get()))
            raise
        except ModelError as error:
            self._prediction._update(error.prediction._data)
            raise

    def close(self) -> None:
        self._updates = False
        super().close()

    def aclose(self) -> Awaitable[None]:
        self._updates = False
        return super().aclose()

    def _must_update(self) -> bool:
        updates, self._updates = self._updates, False
        return updates and self._prediction.status not in ENDED

    def _get(self) -> Tuple[Any, ...]:
        # Without the `_call` of the client, which blocks or is awaited by the kind of the client, not of the loop.
        client = self._prediction._bound
        params = client._with_options({"id": self._prediction.id})
        return "predictions.get", params, None, False, client
