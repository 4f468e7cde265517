"""Options of a client, as the user gives them and as the core takes them."""

from __future__ import annotations

from typing import Any, Dict, Literal

from ._base import given

FileEncodingStrategy = Literal["default", "url", "base64"]
"""What becomes of files in an input: by their size, uploaded, or inlined."""

OnAbandon = Literal["cancel", "leave"]
"""What becomes of a prediction that nobody waits for any more."""

WebhookEvent = Literal["start", "output", "logs", "completed"]
"""What a webhook can be told."""


def options_from(
    *, timeout: Any = None, headers: Any = None, query: Any = None, **rest: Any
) -> Dict[str, Any]:
    """The options that were given, under the core's names."""
    options = given(**rest)
    if timeout is not None:
        options.update(_timeouts(timeout))
    if headers:
        options["headers"] = dict(headers)
    if query:
        options["query"] = dict(query)
    return options


def _timeouts(timeout: Any) -> Dict[str, Any]:
    # httpx.Timeout has one number for each phase; reading is what an attempt spends its time on.
    if hasattr(timeout, "connect") and hasattr(timeout, "read"):
        return given(timeout=timeout.read, connect_timeout=timeout.connect)
    return {"timeout": timeout}
