"""The base classes of objects and namespaces."""

from __future__ import annotations

from replicant._base import Namespace as Namespace
from replicant._object import APIObject

Resource = APIObject
