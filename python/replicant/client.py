"""The clients."""

from __future__ import annotations

from replicant._async.client import AsyncClient as AsyncClient
from replicant._errors import ReplicateError as ReplicateError
from replicant._scope import api_token_from_environment
from replicant._sync.client import Client as Client

_get_api_token_from_environment = api_token_from_environment
