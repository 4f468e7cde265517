"""Values as JSON, with errors that name the place of what JSON cannot express."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping, Sequence, cast


def refuse(name: str, value: Any) -> Any:
    """Raises the error for a value that JSON cannot express."""
    raise TypeError(f"`{name}`: {type(value).__qualname__} cannot be sent as JSON")


def plain(value: Any, name: str = "", convert: Callable[[str, Any], Any] = refuse) -> Any:
    """Returns a copy of a value as JSON.

    Args:
        value: The value.
        name: Its name in errors. Without one, its members have their own names.
        convert: Returns a value that is not of a type of JSON as JSON, or raises; gets its name and the value.

    Raises:
        TypeError: There is a value of another type.
        ValueError: There is a number that is not finite.
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ValueError(f"`{name}`: {value} cannot be sent as JSON; use None or omit it")
    if isinstance(value, Mapping):
        members = cast(Mapping[str, Any], value).items()
        return {
            key: plain(member, f"{name}.{key}" if name else str(key), convert)
            for key, member in members
        }
    if isinstance(value, (list, tuple)):
        items = enumerate(cast(Sequence[Any], value))
        return [plain(item, f"{name}[{index}]", convert) for index, item in items]
    return convert(name, value)
