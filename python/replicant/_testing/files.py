"""The files of a run: inputs are read for the function of a model, and files in its output are saved."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Any, Iterable, Optional, Tuple, cast
from urllib.parse import quote

from .control import Control, EmulatorError
from .plain import plain, refuse


class Files:
    """Converts between the URLs of a prediction and the files of a function."""

    def __init__(self, control: Control, run: str, folder: Path) -> None:
        self._control = control
        self._run = run
        self._folder = folder

    def content(self, name: str, uri: str) -> bytes:
        """Returns the content of a file input."""
        return self._read(name, uri)[1]

    def path(self, name: str, uri: str) -> Path:
        """Returns the path of a file with the content of a file input."""
        suffix, content = self._read(name, uri)
        count = len(list(self._folder.iterdir()))
        path = self._folder / f"{name}-{count}{suffix}"
        path.write_bytes(content)
        return path

    def _read(self, name: str, uri: str) -> Tuple[str, bytes]:
        try:
            return self._control.content(uri)
        except EmulatorError as error:
            raise ValueError(f"could not read input.{name}: {error}") from None

    def write(self, value: Any) -> Any:
        """Returns an output as JSON, with the URLs of its files.

        Raises:
            TypeError, ValueError: It has a value that is neither JSON nor a file. The message names its place.
        """
        return plain(value, "output", self._convert)

    def _convert(self, name: str, value: Any) -> Any:
        if isinstance(value, Path):
            return self._save(value.name, value.read_bytes())
        if isinstance(value, (bytes, bytearray)):
            return self._save(None, bytes(value))
        if hasattr(value, "read"):
            file_name = getattr(value, "name", None)
            return self._save(
                Path(file_name).name if isinstance(file_name, str) else None, value.read()
            )
        if isinstance(value, enum.Enum):
            return plain(value.value, name, self._convert)
        if isinstance(value, (set, frozenset)):
            items = list(cast(Iterable[Any], value))
            return plain(items, name, self._convert)
        return refuse(name, value)

    def _save(self, name: Optional[str], content: Any) -> str:
        content = content.encode() if isinstance(content, str) else bytes(content)
        query = "" if name is None else "?name=" + quote(name, safe="")
        _, body = self._control.exchange("POST", f"runs/{self._run}/files{query}", content, None)
        url: str = json.loads(body)["url"]
        return url
