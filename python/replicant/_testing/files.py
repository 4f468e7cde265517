"""The files of a run: inputs are read for the function of a model, and files in its output are saved."""

from __future__ import annotations

import io
import json
import mimetypes
import typing
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, cast
from urllib.parse import quote, urlsplit

from .control import Control
from .schema import FILES, without_none

_SIGNATURES = (
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF8", "gif"),
    (b"RIFF", "wav"),
    (b"%PDF", "pdf"),
    (b"ID3", "mp3"),
    (b"PK\x03\x04", "zip"),
)


class Files:
    """Converts between the URLs of a prediction and the files of a function."""

    def __init__(self, control: Control, run: str, folder: Path) -> None:
        self._control = control
        self._run = run
        self._folder = folder

    def read(self, name: str, value: Any, hint: Any) -> Any:
        """Returns an input as the type of its parameter: a file for `Path`, `bytes` and `BinaryIO`."""
        hint, _ = without_none(hint)
        # A list whose items have a type.
        if typing.get_origin(hint) is list and hasattr(value, "append"):
            (item,) = typing.get_args(hint)
            return [self.read(name, each, item) for each in value]
        if hint not in FILES or not isinstance(value, str):
            return value
        content = self._content(name, value)
        if hint is Path:
            path = (
                self._folder
                / f"{name}-{len(list(self._folder.iterdir()))}{_suffix(value, content)}"
            )
            path.write_bytes(content)
            return path
        return content if hint in (bytes, bytearray) else io.BytesIO(content)

    def _content(self, name: str, uri: str) -> bytes:
        status, _, body = self._control.exchange("GET", "content?uri=" + quote(uri, safe=""))
        if status != 200:
            raise ValueError(f"could not read input.{name}: {json.loads(body)['detail']}")
        return body

    def write(self, value: Any) -> Any:
        """Returns an output as JSON, with the URLs of its files."""
        if isinstance(value, Path):
            return self._save(value.name, value.read_bytes())
        if isinstance(value, (bytes, bytearray)):
            return self._save(None, bytes(value))
        if hasattr(value, "read"):
            name = getattr(value, "name", None)
            return self._save(Path(name).name if isinstance(name, str) else None, value.read())
        if isinstance(value, dict):
            members = cast(Dict[str, Any], value)
            return {name: self.write(member) for name, member in members.items()}
        if isinstance(value, (list, tuple)):
            items = cast(Sequence[Any], value)
            return [self.write(item) for item in items]
        return value

    def _save(self, name: Optional[str], content: Any) -> str:
        content = content.encode() if isinstance(content, str) else bytes(content)
        name = name or "output" + (_suffix("", content) or ".bin")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        path = f"runs/{self._run}/files?name={quote(name, safe='')}"
        _, _, body = self._control.exchange("POST", path, content, kind)
        url: str = json.loads(body)["url"]
        return url


def _suffix(uri: str, content: bytes) -> str:
    """Returns the suffix of a file name, from its content or its URL."""
    if content[8:12] == b"WEBP":
        return ".webp"
    for signature, suffix in _SIGNATURES:
        if content.startswith(signature):
            return "." + suffix
    return "" if uri.startswith("data:") else Path(urlsplit(uri).path).suffix
