"""The API token of the Cog prediction that is being served."""

from __future__ import annotations

import sys
from typing import Any, Mapping, Optional


def token_of_cog() -> Optional[str]:
    """Returns the token of the current Cog scope; None outside a scope.

    Read for each request, because a server handles predictions of several users concurrently.
    """
    current_scope: Any = getattr(sys.modules.get("cog"), "current_scope", None)
    if current_scope is None:
        return None
    context: Mapping[str, Optional[str]] = getattr(current_scope(), "context", None) or {}
    for name, value in context.items():
        if name.upper() == "REPLICATE_API_TOKEN":
            # An empty token means that the prediction has none; do not use the token of the server.
            return value or ""
    return None
