"""The options of a client under the core's names, and without secrets."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ._arguments import OFF_IF_NONE, finite
from ._native import Secret, conceal, is_secret

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
LOCAL = ("transport", "http_client", "on_request", "on_response", "on_retry")
# The options that are tables.
TABLES = ("headers", "query")

_SECRETS = ("api_token", "bearer_token", "token", "client_key_password")


def conceal_secrets(options: Any) -> None:
    """Replaces the secrets among the options of a client, so that no frame or attribute shows them."""
    for name in _SECRETS:
        if name in options:
            options[name] = conceal(options[name])
    if "@" in str(options.get("proxy", "")):
        options["proxy"] = conceal(options["proxy"])
    for table in ("headers", "query", "default_headers", "default_query"):
        items: Any = options.get(table)
        if items is not None:
            options[table] = {
                name: conceal(value) if is_secret(str(name), str(value)) else value
                for name, value in _table(table, items).items()
            }


def core_options(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options of a client under the core's names, concealed, without those that are None."""
    core = finite(
        {
            n: value
            for n, value in options.items()
            if (value is not None or n in OFF_IF_NONE) and n not in LOCAL
        }
    )
    conceal_secrets(core)
    for alias, name in CORE_NAMES.items():
        value = core.pop(alias, None)
        if value is not None:
            core[name] = {**core.get(name, {}), **value} if name in TABLES else value
    for name in TABLES:
        if not core.get(name, True):
            del core[name]
    if "timeout" in core:
        core.update(_timeouts(core["timeout"]))
    return core


def _table(name: str, given: Any) -> Dict[str, Any]:
    try:
        pairs = given if hasattr(given, "keys") else list(given)
        if pairs is not given and any(isinstance(pair, str) for pair in pairs):
            # `dict` would split a text of two characters.
            raise TypeError
        return dict(pairs)
    except (TypeError, ValueError):
        from ._errors import InvalidArgumentError

        message = f"`{name}` must be a mapping of names to values, not {type(given).__name__}"
        raise InvalidArgumentError(message, argument=name) from None


def _timeouts(timeout: Any) -> Dict[str, Any]:
    # A request spends its time on reading, the phase whose limit is the closest to our `timeout`.
    phases: Any = None
    if hasattr(timeout, "connect") and hasattr(timeout, "read"):
        phases = timeout.connect, timeout.read
    elif timeout.__class__ is tuple and len(timeout) in (2, 3, 4):
        # As httpx takes them: connect, read, write and pool.
        phases = timeout[:2]
    if phases is not None:
        limits = {"connect_timeout": phases[0], "timeout": phases[1]}
        # In httpx, None means no limit; in this package, the default.
        return {name: "none" if limit is None else limit for name, limit in limits.items()}
    return {"timeout": timeout}


def without_secrets(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns a copy of `options` that can be stored: no token, and no password of a proxy."""
    token: Optional[Secret] = options.get("token")
    kept = {n: value for n, value in options.items() if not isinstance(value, Secret)}
    for table in TABLES:
        if table in kept:
            items: Mapping[str, Any] = kept[table]
            kept[table] = {n: v for n, v in items.items() if not _holds_secret(v, token)}
    return kept


def _holds_secret(value: Any, token: Optional[Secret]) -> bool:
    return isinstance(value, Secret) or bool(token and token.reveal() in str(value))
