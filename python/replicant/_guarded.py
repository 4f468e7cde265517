"""Attributes that can be replaced but not misspelled."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Dict, FrozenSet, Iterable

# With these types of wrapt, tracing libraries watch the calls of the program.
WATCHERS = ("FunctionWrapper", "BoundFunctionWrapper")


def unknown(cls: type, name: str, known: Iterable[str]) -> str:
    """Returns the error message for an attribute that `cls` does not have."""
    from ._native import compute

    public = [each for each in known if each[0] != "_"]
    near = compute("options.advice", {"given": name.lstrip("_"), "known": public})["nearest"]
    hint = f"; did you mean `{near}`?" if near else ""
    return f"{cls.__name__} has no attribute {name!r}{hint}"


class Guarded:
    """An object whose public attributes can be set only if they exist; tracing libraries add private ones."""

    # The attributes that classes declare by annotations only.
    _declared: ClassVar[FrozenSet[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._declared = cls._declared | set(getattr(cls, "__annotations__", ()))

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        # Subclasses outside this package may have other attributes.
        ours = cls.__module__.partition(".")[0] == __package__
        # `_base_url` and the like were options in 1.x.
        guarded = ours and (name[0] != "_" or hasattr(cls, name.lstrip("_")))
        if guarded and name not in cls._declared and not hasattr(cls, name):
            raise AttributeError(unknown(cls, name, dir(cls)))
        object.__setattr__(self, name, value)

    def _added(self) -> Dict[str, Any]:
        """Returns the attributes that were added from outside this package."""
        cls = type(self)
        members = self.__dict__.items()
        return {n: v for n, v in members if n not in cls._declared and not hasattr(cls, n)}

    def _copy_replaced(self, other: Any) -> None:
        """Gives a copy the methods and namespaces that a program has replaced on this object, as tests do."""
        for name, value in list(self.__dict__.items()):
            own = getattr(type(self), name, None)
            if isinstance(own, cached):
                if isinstance(value, Guarded):
                    value._copy_replaced(getattr(other, name))
                elif type(value).__module__.partition(".")[0] != __package__:
                    other.__dict__[name] = value
            # What a tracing library wraps would call the method of this object, with the options of this object.
            elif isinstance(own, FunctionType) and type(value).__name__ not in WATCHERS:
                other.__dict__[name] = value


if TYPE_CHECKING:
    # So that a `Protocol` with a property matches, as for the clients of 1.x.
    cached = property
else:

    class cached:
        """An attribute that is computed on first use.

        Unlike `functools.cached_property`, it is a data descriptor, for which `unittest.mock.create_autospec` creates a
        double without inspecting the members of the descriptor.
        """

        def __init__(self, make: Callable[[Any], Any]) -> None:
            self._make = make
            self._name = make.__name__
            self.__doc__ = make.__doc__

        def __get__(self, owner: Any, cls: Any = None) -> Any:
            if owner is None:
                return self
            try:
                return owner.__dict__[self._name]
            except KeyError:
                return owner.__dict__.setdefault(self._name, self._make(owner))

        def __set__(self, owner: Any, value: Any) -> None:
            owner.__dict__[self._name] = value

        def __delete__(self, owner: Any) -> None:
            del owner.__dict__[self._name]
