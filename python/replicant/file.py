"""Files that are uploaded."""

from __future__ import annotations

from ._objects import File as File
from ._sync.file import Files as Files
