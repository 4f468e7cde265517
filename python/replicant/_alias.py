"""`import replicate` as another name of this package."""

from __future__ import annotations

import sys
from importlib import import_module, util
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Iterable, Optional, Sequence, cast

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_NAME = "replicate"
_PREFIX = f"{_NAME}."


class _Alias(MetaPathFinder):
    """Finds and loads `replicate.x` as the module `replicant.x`: a copy would have other classes."""

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]] = None,
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        if fullname != _NAME and not fullname.startswith(_PREFIX):
            return None
        own = util.find_spec(f"{__package__}{fullname[len(_NAME) :]}")
        return None if own is None else ModuleSpec(fullname, cast(Any, self), loader_state=own.name)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(spec.loader_state)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # Restores the spec that the import system replaced; `reload` and pickles need it.
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state

    def find_distributions(self, context: Any = None) -> Iterable[Distribution]:
        """Finds the distribution `replicate`, which libraries look up in `importlib.metadata`."""
        if getattr(context, "name", None) not in (None, _NAME):
            return ()
        from ._distribution import ReplicateDistribution

        return (ReplicateDistribution(),)


def install_as_replicate() -> None:
    """Makes `import replicate` import this package, for libraries that import it themselves.

    `replicate` and its submodules are then the same module objects as `replicant` and its submodules,
    so there is one set of classes, and `importlib.metadata.version("replicate")` is 1.0.7. Call it before
    anything imports `replicate`; later calls do nothing.

    Raises:
        RuntimeError: Another package was already imported as `replicate`.
    """
    own = sys.modules[str(__package__)]
    other = sys.modules.get(_NAME, own)
    if other is not own:
        raise RuntimeError(
            f"`replicate` was already imported from {getattr(other, '__file__', None)}: call "
            "replicant.install_as_replicate() before anything imports `replicate`"
        )
    # Submodules imported while only `sys.modules["replicate"]` was set are copies.
    for name in [name for name in sys.modules if name.startswith(_PREFIX)]:
        del sys.modules[name]
    sys.modules[_NAME] = own
    if not any(isinstance(finder, _Alias) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Alias())
