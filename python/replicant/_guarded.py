"""Attributes that can be replaced, but not misspelled."""

from __future__ import annotations

from typing import Any


class Guarded:
    """An object whose attributes can be set, as a test double does, only if they exist."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_" and not hasattr(type(self), name):
            from difflib import get_close_matches

            near = get_close_matches(name, [n for n in dir(type(self)) if n[0] != "_"], 1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")
        object.__setattr__(self, name, value)
