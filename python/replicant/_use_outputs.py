"""The outputs of `use()`."""

from __future__ import annotations

from typing import Any, AsyncIterator, Callable, Dict, Iterator, Sequence, cast

from ._events import EventStream
from ._files import FileOutput, URLPath
from ._ready import Later


def is_text(schema: Dict[str, Any]) -> bool:
    """Whether the schema of a model declares its output as one text in chunks."""
    output = schema.get("components", {}).get("schemas", {}).get("Output", {})
    return bool(output.get("x-cog-array-display") == "concatenate")


def shaped(output: Any, text: bool = False) -> Any:
    """Returns an output with its text joined and its files as paths."""
    if isinstance(output, FileOutput):
        return URLPath(output.url, output._client)
    if isinstance(output, list):
        items = cast(Sequence[Any], output)
        return "".join(items) if text else [shaped(item) for item in items]
    if isinstance(output, dict):
        return {name: shaped(item) for name, item in cast(Dict[str, Any], output).items()}
    return output


class OutputIterator:
    """The output of a model as it arrives; `str()` joins it to one text.

    Each iteration runs the model again.
    """

    __slots__ = ("_start", "_text")

    def __init__(self, start: Callable[[], EventStream], text: bool) -> None:
        self._start = start
        self._text = text

    def __iter__(self) -> Iterator[Any]:
        with self._start() as events:
            for event in events:
                if event.event == "output":
                    yield shaped(event.file or event.data)

    def __str__(self) -> str:
        return "".join(map(str, self))

    def _whole(self) -> Any:
        return str(self) if self._text else list(self)


class AsyncOutputIterator(Later[Any]):
    """The output of a model as it arrives; awaiting it returns the complete output.

    Each iteration runs the model again.
    """

    __slots__ = ("_start", "_text")

    def __init__(self, start: Callable[[], EventStream], text: bool) -> None:
        self._start = start
        self._text = text

    async def __aiter__(self) -> AsyncIterator[Any]:
        async with self._start() as events:
            async for event in events:
                if event.event == "output":
                    yield shaped(event.file or event.data)

    async def _whole(self) -> Any:
        items = [item async for item in self]
        return "".join(map(str, items)) if self._text else items

    _work = _whole
