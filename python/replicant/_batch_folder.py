"""A folder of checkpoints: one file for each batch of rows that another program has cut.

Batches may be cut differently after an interruption, and a checkpoint must not be used by two processes. So the file of a
batch is named after its keys, and receives the records of those of its rows that are in other files.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union, cast

from ._errors import InvalidArgumentError

Key = Union[str, int]


class _Known(NamedTuple):
    """What the files say of a key."""

    file: str
    """The name of the file with the most records of the key. It has those of the others too, from which it was seeded."""
    records: int
    step: str


class Folder:
    """The checkpoints of a folder. Reads the files of earlier processes once, when it is first needed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._known: Optional[Dict[str, _Known]] = None

    def prepare(self, keys: Sequence[Key]) -> str:
        """Returns the path of the checkpoint of a batch. Its rows are in it as far as any file has them."""
        if self._known is None:
            os.makedirs(self.path, exist_ok=True)
            self._known = self._scan()
        texts = [_text(key) for key in keys]
        name = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32] + ".jsonl"
        missing: Dict[str, List[str]] = {}
        for text in texts:
            known = self._known.get(text)
            if known is not None and known.file != name:
                missing.setdefault(known.file, []).append(text)
        path = os.path.join(self.path, name)
        if missing:
            self._seed(path, missing)
        return path

    def needs_create(self, key: Key) -> bool:
        """Returns whether a create is expected for a row of a prepared batch."""
        known = (self._known or {}).get(_text(key))
        return known is None or known.step not in ("done", "created")

    def _scan(self) -> Dict[str, _Known]:
        found: Dict[str, _Known] = {}
        for entry in sorted(os.listdir(self.path)):
            if not entry.endswith(".jsonl"):
                continue
            in_file: Dict[str, _Known] = {}
            for line in _lines(os.path.join(self.path, entry))[1:]:
                record = _record(line)
                text, step = _text(record.get("key")), record.get("step", "")
                count = in_file[text].records + 1 if text in in_file else 1
                # Not a step of its own: the prediction exists, or may exist.
                if step == "cancel" and text in in_file:
                    step = in_file[text].step
                in_file[text] = _Known(entry, count, step)
            for text, known in in_file.items():
                if text not in found or known.records > found[text].records:
                    found[text] = known
        return found

    def _seed(self, path: str, missing: Dict[str, List[str]]) -> None:
        """Adds records of other files to a file, which then has them all or none."""
        content = _lines(path) if os.path.exists(path) else []
        for name, texts in missing.items():
            wanted = set(texts)
            header, *lines = _lines(os.path.join(self.path, name)) or [b""]
            content = content or [header]
            content += [line for line in lines if _text(_record(line).get("key")) in wanted]
        temporary = f"{path}.{os.getpid()}.new"
        with open(temporary, "wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


def _lines(path: str) -> List[bytes]:
    """Returns the complete lines of a file. A killed process may have left part of one behind."""
    with open(path, "rb") as file:
        return [line for line in file if line.endswith(b"\n")]


def _record(line: bytes) -> Dict[str, Any]:
    record: Any = None
    with suppress(ValueError):
        record = json.loads(line)
    if not isinstance(record, dict):
        raise InvalidArgumentError(
            "`checkpoint`: the folder has a file with a damaged line; correct it, or use another folder",
            argument="checkpoint",
        )
    return cast(Dict[str, Any], record)


def _text(key: Any) -> str:
    return json.dumps(key, ensure_ascii=False, separators=(",", ":"))
