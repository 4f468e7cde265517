"""Keyword arguments of methods: which ones exist, and which ones were given."""

from __future__ import annotations

import os
from math import isfinite
from typing import Any, Callable, Dict, Mapping

# Options that None switches off. For all others, None is the default.
OFF_IF_NONE = ("rate_limit",)
# Options that take an `os.PathLike`.
PATHS = frozenset({"ca_bundle", "checkpoint", "client_cert", "client_key", "save_to"})
# What replaces the options of `httpx.Client`, which 1.x accepts.
_INSTEAD_OF_HTTPX = {
    "cert": "pass `client_cert` and `client_key`",
    "cookies": "pass `headers={'Cookie': ...}`",
    "event_hooks": "pass `on_request` and `on_response`",
    "follow_redirects": "omit it: redirects are followed",
    "limits": "pass `max_connections` and `pool_idle_timeout`",
    "max_redirects": "omit it: redirects are followed",
    "mounts": "pass `http_client=httpx.Client(mounts=...)`",
    "params": "pass `default_query`",
    "trust_env": "pass `proxy`, or `http_client=httpx.Client(trust_env=False)`",
    "verify": "pass `ca_bundle`, or `http_client=httpx.Client(verify=...)`",
}


def drop_none(**params: Any) -> Dict[str, Any]:
    """Returns the parameters that are not None.

    Raises:
        InvalidArgumentError: A number is not finite.
    """
    return finite({name: value for name, value in params.items() if value is not None})


def check_function(name: str, given: Any, or_flag: bool = False) -> None:
    """Checks the option `name`, a function or, if `or_flag`, a flag.

    Raises:
        InvalidArgumentError: `given` is neither, nor None.
    """
    if not (given is None or callable(given) or (or_flag and isinstance(given, bool))):
        from ._errors import InvalidArgumentError

        expected = "True, False or a function" if or_flag else "a function"
        message = f"`{name}` must be {expected}, not {type(given).__name__}"
        raise InvalidArgumentError(message, argument=name)


def finite(options: Dict[str, Any]) -> Dict[str, Any]:
    """Returns `options`.

    Raises:
        InvalidArgumentError: A number is not finite.
    """
    for name, value in options.items():
        if isinstance(value, float) and not isfinite(value):
            from ._errors import InvalidArgumentError

            message = f"`{name}` must be a finite number, not {value}; omit it for the default"
            raise InvalidArgumentError(message, argument=name)
    return options


def checked(function: Callable[..., Any], kind: Any, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options that are not None, and those that None switches off.

    Args:
        function: The function that was called with the options.
        kind: The `TypedDict` of its options.
        options: The options it was called with.

    Raises:
        TypeError: `function` has no such option.
        InvalidArgumentError: A number is not finite.
    """
    unknown = options.keys() - kind.__optional_keys__
    if unknown:
        raise _unexpected(function, kind, next(name for name in options if name in unknown))
    given = {n: value for n, value in options.items() if value is not None or n in OFF_IF_NONE}
    for name in PATHS.intersection(given):
        path: Any = given[name]
        if hasattr(path, "__fspath__"):
            given[name] = os.fspath(path)
    return finite(given)


def _unexpected(function: Callable[..., Any], kind: Any, name: str) -> TypeError:
    import inspect

    from ._native import compute

    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]
    known += [option for option in kind.__annotations__ if option not in known]
    advice = compute("options.advice", {"given": name, "known": known})["advice"]
    if "http_client" in known:
        advice = _INSTEAD_OF_HTTPX.get(name, advice)
    called = f"{function.__qualname__}()"
    return TypeError(f"{called} got an unexpected keyword argument {name!r}; {advice}")
