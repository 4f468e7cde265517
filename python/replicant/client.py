"""The clients."""

from __future__ import annotations

from ._async.client import AsyncClient as AsyncClient
from ._sync.client import Client as Client
