"""Expected inputs with values that JSON cannot express: matchers and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, cast

from .control import Control, EmulatorError
from .plain import plain

_ADVICE = "expect JSON, bytes, a `Path`, an object with `__eq__`, or `replicant.testing.ANY`"
_NOTHING = object()


def expectations(control: Control, model: str, expected: Any, *, only_last: bool) -> List[Any]:
    """Returns an expected input as JSON: once, or for each input that it may have to match.

    Raises:
        TypeError: It has a value that cannot be compared.
        ValueError: It has a file that cannot be read.
    """
    if expected is None:
        raise TypeError("`input` must be a dictionary, not None")
    try:
        return [plain(expected, "input")]
    except TypeError:
        inputs = control.request("POST", "checks", {"which": "inputs", "model": model})["inputs"]
        candidates = inputs[-1:] if only_last else inputs[::-1]
        return [_fill(control, expected, given, "input") for given in candidates or [_NOTHING]]


def _fill(control: Control, expected: Any, given: Any, name: str) -> Any:
    """Replaces each value that JSON cannot express: by the given one if they match, otherwise by a description."""
    if isinstance(expected, Mapping):
        members = cast(Dict[str, Any], given if isinstance(given, dict) else {})
        return {
            key: _fill(control, value, members.get(key, _NOTHING), f"{name}.{key}")
            for key, value in cast(Mapping[str, Any], expected).items()
        }
    if isinstance(expected, (list, tuple)):
        items = cast(Sequence[Any], given if isinstance(given, list) else [])
        return [
            _fill(
                control, value, items[index] if index < len(items) else _NOTHING, f"{name}[{index}]"
            )
            for index, value in enumerate(cast(Sequence[Any], expected))
        ]
    return plain(expected, name, lambda name, value: _match(control, name, value, given))


def _match(control: Control, name: str, expected: Any, given: Any) -> Any:
    # Numbers and arrays of numpy and similar packages.
    if hasattr(expected, "dtype") and hasattr(expected, "tolist"):
        return _fill(control, expected.tolist(), given, name)
    content = _content(name, expected)
    if content is not None:
        return (
            given
            if content == _given_content(control, given)
            else f"a file of {len(content)} bytes"
        )
    equals: Any = type(expected).__eq__
    if equals is object.__eq__:
        raise TypeError(f"`{name}`: {type(expected).__qualname__} cannot be compared; {_ADVICE}")
    return given if given is not _NOTHING and expected == given else repr(expected)


def _given_content(control: Control, given: Any) -> Optional[bytes]:
    try:
        return control.content(given)[1] if isinstance(given, str) else None
    except EmulatorError:
        # A text, or a URL that does not respond.
        return None


def _content(name: str, expected: Any) -> Optional[bytes]:
    """Returns the content of a file that is expected, or None if it is not a file."""
    if isinstance(expected, (bytes, bytearray)):
        return bytes(expected)
    try:
        if hasattr(expected, "__fspath__"):
            return Path(expected).read_bytes()
        if not hasattr(expected, "read"):
            return None
        # The client may have read it to its end.
        if hasattr(expected, "seek"):
            expected.seek(0)
        content = expected.read()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`{name}`: {expected!r} cannot be read to compare it: {error}; "
            "expect its bytes, or `replicant.testing.ANY`"
        ) from error
    return content.encode() if isinstance(content, str) else bytes(content)
