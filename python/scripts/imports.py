"""The imports of a module, for stubs in the folder above it."""

from __future__ import annotations

import ast


def imports(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    """Returns the imports of a module, including those for type checkers only."""
    found: list[ast.Import | ast.ImportFrom] = []
    for statement in tree.body:
        inside = statement.body if isinstance(statement, ast.If) else [statement]
        found += [each for each in inside if isinstance(each, (ast.Import, ast.ImportFrom))]
    return [each for each in found if getattr(each, "module", "") != "__future__"]


def above(statement: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    """Returns an import of a module of `package` as the parent package writes it, one line for each name."""
    if isinstance(statement, ast.Import):
        return [ast.unparse(statement)]
    module = statement.module or ""
    if statement.level == 1:
        module = f".{package}.{module}"
    elif statement.level == 2:
        module = f".{module}"
    return [f"from {module} import {ast.unparse(name)}" for name in statement.names]
