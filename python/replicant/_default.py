"""The clients behind the functions and namespaces of the module itself."""

from __future__ import annotations

import sys
from typing import Any, Dict, Optional

from ._async.client import AsyncClient
from ._options import options_from
from ._sync.client import Client


class _DefaultClient(Client):
    """Made with the environment's options, which are read when the first request is made."""

    def __init__(self) -> None:
        self._setup({}, now=False)

    def _resolved_options(self) -> Dict[str, Any]:
        return _options()


class _DefaultAsyncClient(AsyncClient):
    """The same for awaited methods."""

    def __init__(self) -> None:
        self._setup({}, now=False)

    def _resolved_options(self) -> Dict[str, Any]:
        return _options()


def _options() -> Dict[str, Any]:
    """What was set on the module itself, as in `replicant.bearer_token = ...`."""
    module = sys.modules[__package__ or "replicant"].__dict__
    token = module.get("bearer_token")
    return options_from(
        token=_token_of_cog() if token is None else token,
        base_url=module.get("base_url"),
        timeout=module.get("timeout"),
        max_retries=module.get("max_retries"),
        headers=module.get("default_headers"),
        query=module.get("default_query"),
    )


def _token_of_cog() -> Optional[str]:
    """The token of whoever runs the model in which this is running, if it is one."""
    cog = sys.modules.get("cog")
    scope = getattr(cog, "current_scope", None)
    if scope is None:
        return None
    context: Dict[str, Optional[str]] = getattr(scope(), "context", None) or {}
    for name, value in context.items():
        if name.upper() == "REPLICATE_API_TOKEN":
            # An empty one says that this run has none, and not that the environment's is meant.
            return value or ""
    return None


default_client: Client = _DefaultClient()
default_async_client: AsyncClient = _DefaultAsyncClient()
