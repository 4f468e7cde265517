"""Uploaded files."""

from __future__ import annotations

from replicant._objects import File as File
from replicant._options import FileEncodingStrategy as FileEncodingStrategy
from replicant._sync.file import Files as Files
