"""Derives `__init__.pyi` and `exceptions.py` from the lists of names in `__init__.py`."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from typing import Any

from imports import above, imports


def exceptions(package: Path) -> str:
    """Returns `exceptions.py`, which has every exception under the module path of 1.x."""
    names = _lists(package)["_NAMES"]["_errors"].split()
    imports = [f"from replicant._errors import {name} as {name}" for name in names]
    return "\n".join(
        ['"""The exceptions."""', "", "from __future__ import annotations", "", *imports]
    )


def stub(package: Path, client: str) -> str:
    """Returns the stub of the package.

    Args:
        package: The folder of the package.
        client: The text of `_sync/client.py`.
    """
    lists = _lists(package)
    names: dict[str, str] = dict(lists["_NAMES"])
    del names["_native"]
    tree = ast.parse(client)
    methods = {
        member.name: member
        for statement in tree.body
        if isinstance(statement, ast.ClassDef)
        for member in statement.body
        if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    out = [
        f'"""{lists["__doc__"]}"""',
        "from __future__ import annotations",
    ]
    exported = {name for found in names.values() for name in found.split()}
    lines = (line for found in imports(tree) for line in above(found, "_sync"))
    out += [line for line in lines if line.rpartition(" ")[2] not in exported]
    out += [f"from . import {name} as {name}" for name in lists["_SUBMODULES"]]
    for module, found in names.items():
        out += [f"from .{module} import {name} as {name}" for name in found.split()]
    out.append("__version__: str")
    out += [f"{alias} = {name}" for alias, name in lists["_ALIASES"].items()]
    for name in lists["_NAMESPACES"]:
        out.append(f"{name}: {ast.unparse(methods[name].returns)}")  # type: ignore[arg-type]
        out.append(ast.unparse(methods[name].body[0]))
    for name in lists["_FUNCTIONS"]:
        method = methods[name]
        method.args.args.pop(0)
        del method.body[1:]
        out.append(ast.unparse(method))
    out.append(f"__all__ = {lists['__all__']!r}")
    return "\n".join(out)


def _lists(package: Path) -> dict[str, Any]:
    return runpy.run_path(str(package / "__init__.py"))
