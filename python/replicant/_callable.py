"""Modules with the name of a function or namespace, which can be used like it.

`replicant.run` is a function, but `from replicant.run import run` replaces it by the module `replicant/run.py`.
So that module can be called.
"""

from __future__ import annotations

import sys
from functools import update_wrapper
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Dict, Tuple, TypeVar, get_type_hints

if TYPE_CHECKING:
    from inspect import Signature

F = TypeVar("F", bound=Callable[..., Any])


class PickledModule(ModuleType):
    """A module that is pickled by its name, as other modules are by cloudpickle."""

    def __reduce__(self) -> Tuple[Any, Tuple[str]]:
        return import_module, (self.__name__,)


class CallableModule(PickledModule):
    """A module that calls the method of the default client with its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:
        from inspect import signature

        return signature(self._method)

    @property
    def _method(self) -> Any:
        return getattr(_default(), self.__name__.rpartition(".")[2])


class NamespaceModule(PickledModule):
    """A module with the methods of the namespace of the default client with its name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(getattr(_default(), self.__name__.rpartition(".")[2]), name)


def split_client(
    arguments: Tuple[Any, ...], options: Dict[str, Any]
) -> Tuple[Any, Tuple[Any, ...]]:
    """Returns the client among the arguments of a function of 1.x, and the other arguments.

    The default client is that of a call without one.
    """
    from ._client_base import ClientBase

    if arguments and isinstance(arguments[0], ClientBase):
        return arguments[0], arguments[1:]
    return options.pop("client", None) or _default(), arguments


def like(method: Callable[..., Any]) -> Callable[[F], F]:
    """Returns a decorator that gives a function the signature and the documentation of a method."""

    def decorate(function: F) -> F:
        update_wrapper(function, method, assigned=("__doc__",))
        # Resolved, because their names belong to the module of the method.
        function.__annotations__ = get_type_hints(method)
        return function

    return decorate


def become(name: str, kind: type[ModuleType]) -> None:
    """Changes the class of a module.

    Args:
        name: The name of the module.
        kind: Its new class.
    """
    sys.modules[name].__class__ = kind


def _default() -> Any:
    from ._default import default_client

    return default_client
