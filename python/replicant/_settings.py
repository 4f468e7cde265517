"""The options of a client under the core's names, and without secrets."""

from __future__ import annotations

from typing import Any, Dict, Mapping

# What the core calls an option that has another name here. Where two are given, the later one counts.
CORE_NAMES = {
    "bearer_token": "token",
    "api_token": "token",
    "default_headers": "headers",
    "default_query": "query",
}
# The public name in an error about an option of the core.
PUBLIC_NAMES = {"token": "api_token", "query": "default_query"}
# What this package handles itself.
LOCAL = ("transport", "http_client")

_TABLES = ("headers", "query")
_SECRET_WORDS = ("auth", "cookie", "token", "secret", "key", "password")
_SECRET_SCHEMES = ("basic ", "bearer ", "token ")


def core_options(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options of a client under the core's names, without those that are None."""
    core = {n: value for n, value in options.items() if value is not None and n not in LOCAL}
    for alias, name in CORE_NAMES.items():
        value = core.pop(alias, None)
        if value is not None:
            core[name] = {**core.get(name, {}), **value} if name in _TABLES else value
    for name in _TABLES:
        if name in core:
            core[name] = dict(core[name])
            if not core[name]:
                del core[name]
    if "timeout" in core:
        core.update(_timeouts(core["timeout"]))
    return core


def _timeouts(timeout: Any) -> Dict[str, Any]:
    # An attempt spends its time on reading, the phase whose limit is the closest to our `timeout`.
    if hasattr(timeout, "connect") and hasattr(timeout, "read"):
        limits = {"timeout": timeout.read, "connect_timeout": timeout.connect}
        # In httpx, None means no limit; in this package, the default.
        return {name: "none" if limit is None else limit for name, limit in limits.items()}
    return {"timeout": timeout}


def without_secrets(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns a copy of `options` that can be stored: no token, and no password of a proxy."""
    token = options.get("token")
    kept = {name: value for name, value in options.items() if name != "token"}
    if "@" in str(kept.get("proxy", "")):
        del kept["proxy"]
    for table in _TABLES:
        if table in kept:
            items: Mapping[str, Any] = kept[table]
            kept[table] = {n: v for n, v in items.items() if not _is_secret(n, str(v), token)}
    return kept


def _is_secret(name: str, value: str, token: Any) -> bool:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return True
    return value.lower().startswith(_SECRET_SCHEMES) or bool(token and token in value)
