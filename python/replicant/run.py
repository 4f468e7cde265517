"""`run`, of the default client."""

from __future__ import annotations

from ._callable import CallableModule, become
from ._default import default_client

run = default_client.run
async_run = default_client.async_run

become(__name__, CallableModule)
