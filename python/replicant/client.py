"""The clients."""

from __future__ import annotations

from replicant._async.client import AsyncClient as AsyncClient
from replicant._errors import ReplicateError as ReplicateError
from replicant._scope import _get_api_token_from_environment as _get_api_token_from_environment
from replicant._sync.client import Client as Client
