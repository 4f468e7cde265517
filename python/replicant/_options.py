"""Options of a client, as the user gives them and as the core takes them."""

from __future__ import annotations

from typing import Any, Callable, Dict, Literal, Mapping

FileEncodingStrategy = Literal["default", "url", "base64", "auto"]
"""How files in inputs are sent: uploaded (`default`, `url`), inlined, or by their size."""

OnAbandon = Literal["cancel", "leave"]
"""What happens to the prediction of an abandoned `run` or `stream`."""

Status = Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted"]
"""The statuses of a prediction or training; the last four are terminal."""

WebhookEvent = Literal["start", "output", "logs", "completed"]
"""The events that a webhook can receive."""


def given(**params: Any) -> Dict[str, Any]:
    """Returns the parameters that are not None."""
    return {name: value for name, value in params.items() if value is not None}


def unexpected(function: Callable[..., Any], unknown: Mapping[str, object]) -> TypeError:
    """Builds the error for keyword arguments that `function` does not have."""
    import inspect

    from ._native import compute

    name = next(iter(unknown))
    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]
    advice = compute("options.advice", {"given": name, "known": known})["advice"]
    called = f"{function.__qualname__}()"
    return TypeError(f"{called} got an unexpected keyword argument {name!r}; {advice}")


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
        limits = {"timeout": timeout.read, "connect_timeout": timeout.connect}
        # httpx's None means no limit; ours means the default.
        return {name: "none" if limit is None else limit for name, limit in limits.items()}
    return {"timeout": timeout}


def without_secrets(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns a copy of `options` that can be stored: no token, and no password of a proxy."""
    token = options.get("token")
    kept = {name: value for name, value in options.items() if name != "token"}
    if "@" in str(kept.get("proxy", "")):
        del kept["proxy"]
    for table in ("headers", "query"):
        if table in kept:
            items: Mapping[str, Any] = kept[table]
            kept[table] = {n: v for n, v in items.items() if not _is_secret(n, str(v), token)}
    return kept


_SECRET_WORDS = ("auth", "cookie", "token", "secret", "key", "password")


_SECRET_SCHEMES = ("basic ", "bearer ", "token ")


def _is_secret(name: str, value: str, token: Any) -> bool:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return True
    return value.lower().startswith(_SECRET_SCHEMES) or bool(token and token in value)
