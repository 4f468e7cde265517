"""Arguments of the testing kit that the emulator would receive as something else."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Sequence, cast


def check_text(name: str, value: Any) -> None:
    """Raises `TypeError` for an argument that is not text."""
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a string, not {value!r}")


def items_of(name: str, value: Any) -> List[Any]:
    """Returns a list, but not the characters of a text or the names of a dictionary.

    Raises:
        TypeError: It is not a list.
    """
    if isinstance(value, (str, bytes, bytearray, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"`{name}` must be a list, not {cast(Any, value)!r}")
    return list(cast(Sequence[Any], value))


def milliseconds(name: str, seconds: Any) -> int:
    """Returns seconds as milliseconds.

    Raises:
        TypeError: They are not a number.
        ValueError: They are negative or not finite.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"`{name}` must be a number of seconds, not {seconds!r}")
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"`{name}` must be 0 or more seconds, not {seconds}")
    return round(seconds * 1000)
