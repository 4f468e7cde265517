"""The modules of the package form layers: no imports of modules form a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "python/replicant"


def module_name(path: Path, package: Path) -> str:
    return ".".join(path.relative_to(package.parent).with_suffix("").parts)


def imported(path: Path, package: Path) -> set[str]:
    """Returns the modules of the package that a module imports when it is loaded."""
    found: set[str] = set()
    # Statements inside functions and `if TYPE_CHECKING` do not run then.
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom):
            above = module_name(path, package).split(".")[: -statement.level or None]
            base = ".".join(
                [*above, statement.module or ""] if statement.level else [statement.module or ""]
            )
            found |= {base, *(f"{base.rstrip('.')}.{name.name}" for name in statement.names)}
    return found


def graph(package: Path) -> dict[str, set[str]]:
    modules = {module_name(path, package): path for path in package.rglob("*.py")}
    # `replicant.run` imports the function of that name.
    return {
        name: (imported(path, package) & modules.keys()) - {name} for name, path in modules.items()
    }


def test_no_imports_form_a_circle() -> None:
    modules = graph(PACKAGE)
    assert "replicant._arguments" in modules["replicant._async.client"]
    assert "replicant._native" not in modules
    TopologicalSorter(modules).prepare()


def test_a_circle_is_found(tmp_path: Path) -> None:
    package = tmp_path / "x"
    package.mkdir()
    (package / "a.py").write_text("from .b import c\n")
    (package / "b.py").write_text("from x import a\n")
    with pytest.raises(CycleError):
        TopologicalSorter(graph(package)).prepare()
