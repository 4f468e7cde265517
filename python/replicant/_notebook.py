"""The display of file outputs in notebooks."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Dict, Optional, Tuple

from ._errors import ReplicateException

if TYPE_CHECKING:
    from ._files import FileOutput

# Notebooks store what they display, and a larger notebook opens slowly.
_LIMIT = 20 * 1024 * 1024

# The images that notebooks display; other media are embedded in HTML.
_KNOWN = ("image/png", "image/jpeg", "image/gif")
_ELEMENTS = {
    "image": '<img src="{source}">',
    "audio": '<audio controls src="{source}"></audio>',
    "video": '<video controls src="{source}" style="max-width: 100%"></video>',
}


def mimebundle(file: FileOutput) -> Dict[str, str]:
    """Returns the display of a file: the medium up to 20 MiB, a link to anything else."""
    try:
        kind, size = file.head()
        kind = (kind or "").partition(";")[0].strip().lower() or file._guessed_type or ""
        element = _ELEMENTS.get(kind.partition("/")[0])
        if element is None or size is None or size > _LIMIT:
            return _bundle(file, _link(file, ""))
        content = b64encode(file.read()).decode()
    except ReplicateException as error:
        return _bundle(file, _link(file, str(error)))
    if kind in _KNOWN:
        return {"text/plain": repr(file), kind: content}
    return _bundle(file, element.format(source=f"data:{escape(kind)};base64,{content}"))


def mime(file: FileOutput) -> Tuple[str, str]:
    """Returns the display of a file as one MIME type and its data."""
    shown = mimebundle(file)
    for kind in _KNOWN:
        if kind in shown:
            return "text/html", _ELEMENTS["image"].format(
                source=f"data:{kind};base64,{shown[kind]}"
            )
    return ("text/html", shown["text/html"]) if "text/html" in shown else ("text/plain", repr(file))


def _bundle(file: FileOutput, html: Optional[str]) -> Dict[str, str]:
    return {"text/plain": repr(file), **({"text/html": html} if html else {})}


def _link(file: FileOutput, note: str) -> Optional[str]:
    # Other URLs could contain scripts.
    if not file.url.lower().startswith(("https://", "http://")):
        return None
    link = f'<a href="{escape(file.url)}" target="_blank" rel="noopener noreferrer">{escape(repr(file))}</a>'
    return f"{link}<br>{escape(note)}" if note else link
