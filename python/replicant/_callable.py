"""Modules that have the name of something of the package, and must also be that.

`replicant.run` is a function, and `replicant.run` is the module that `from replicant.run import run`
loads: once that was done, the module stands where the function was. So it can be called.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class CallableModule(ModuleType):
    """A module that can be called like the method of the default client with its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(_default(), self.__name__.rpartition(".")[2])(*args, **kwargs)


class NamespaceModule(ModuleType):
    """A module with the methods of the default client's namespace with its name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(getattr(_default(), self.__name__.rpartition(".")[2]), name)


def become(name: str, kind: type[ModuleType]) -> None:
    """Make the module of that name one of `kind`."""
    sys.modules[name].__class__ = kind


def _default() -> Any:
    from ._default import default_client

    return default_client
