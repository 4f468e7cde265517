"""Modules with the name of a function or namespace, which can be used like it.

`replicant.run` is a function, but `from replicant.run import run` replaces it by the module `replicant/run.py`.
So that module can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """A module that calls the method of the default client with its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(_default(), self.__name__.rpartition(".")[2])(*args, **kwargs)


class NamespaceModule(ModuleType):
    """A module with the methods of the namespace of the default client with its name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(getattr(_default(), self.__name__.rpartition(".")[2]), name)


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
