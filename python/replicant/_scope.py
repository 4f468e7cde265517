"""The API token of the Cog prediction that is being served."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any, Mapping, Optional, cast


def token_of_cog() -> Optional[str]:
    """Returns the token of the current Cog scope; None outside a scope.

    Read for each request, because a server handles predictions of several users concurrently.
    """
    context = getattr(_scope(), "context", None)
    if isinstance(context, Mapping):
        for name, value in cast("Mapping[Any, Optional[str]]", context).items():
            if isinstance(name, str) and name.upper() == "REPLICATE_API_TOKEN":
                # An empty token means that the prediction has none; do not use the token of the server.
                return value or ""
    return None


def _scope() -> Any:
    current_scope: Any = getattr(sys.modules.get("cog"), "current_scope", None)
    if current_scope is None:
        return None
    try:
        try:
            return current_scope()
        except Warning:
            # Some versions of Cog warn that scopes are experimental, which a program can turn into an error.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return current_scope()
    except Exception:
        # Some versions of Cog raise outside a scope.
        return None


def api_token_from_environment() -> Optional[str]:
    """Returns the token of the current Cog scope, or that of the environment."""
    token = token_of_cog()
    return os.environ.get("REPLICATE_API_TOKEN") if token is None else token
