"""The items of an output, for `Prediction.output_iterator`."""

from __future__ import annotations

from typing import Any, AsyncIterator, Awaitable, Callable, Tuple

from ._errors import ModelError
from ._native import Stream
from ._output import ENDED


class OutputStream(Stream[Any]):
    """The items of the output of a prediction, which the end of the loop updates."""

    _prediction: Any

    def __new__(cls, prediction: Any) -> OutputStream:
        client = prediction._bound
        params = client._with_options({"prediction": prediction._data})
        stream: OutputStream = super().__new__(
            cls, client._native, "predictions.output_iterator", params, owner=client
        )
        stream._prediction = prediction
        return stream

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except StopIteration:
            if self._prediction.status not in ENDED:
                self._prediction._update(self._native.call(*self._fetch()))
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
            if self._prediction.status not in ENDED:
                self._prediction._update(await self._native.call_async(*self._fetch()))
            raise
        except ModelError as error:
            self._prediction._update(error.prediction._data)
            raise

    @property
    def _native(self) -> Any:
        return self._prediction._bound._native

    def _fetch(self) -> Tuple[Any, ...]:
        client = self._prediction._bound
        params = client._with_options({"id": self._prediction.id})
        return "predictions.get", params, None, False, client
