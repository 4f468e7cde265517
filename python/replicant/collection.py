"""Collections of models."""

from __future__ import annotations

from replicant._async.collection import AsyncCollection as AsyncCollection
from replicant._async.collection import AsyncCollections as AsyncCollections
from replicant._page import Page as Page
from replicant._sync.collection import Collection as Collection
from replicant._sync.collection import Collections as Collections
from replicant._sync.model import Model as Model
