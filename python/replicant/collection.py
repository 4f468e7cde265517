"""Collections of models."""

from __future__ import annotations

from ._async.collection import AsyncCollection as AsyncCollection
from ._async.collection import AsyncCollections as AsyncCollections
from ._sync.collection import Collection as Collection
from ._sync.collection import Collections as Collections
