"""Derives the types of `with_raw_response`: classes whose methods return an `APIResponse`."""

from __future__ import annotations

import ast

from imports import above, imports

# Return types of methods without a single response.
OMITTED = (
    "Stream[",
    "EventStream",
    "AwaitableStream",
    "Function",
    "RawResponse",
    "Client",
    "SecretFetcher",
)
# Methods that send no request.
UNSENT = ("handle",)
NOTE = "The same methods, each returning an `APIResponse`."


def stub(package: str, texts: dict[str, str]) -> str:
    """Returns the stub for the modules of a package.

    Args:
        package: `_async` or `_sync`.
        texts: The text of each module by its name.
    """
    lines: set[str] = {
        "from __future__ import annotations",
        "from ._page import AsyncPage",
        "from ._response import APIResponse",
    }
    classes: list[str] = []
    for name, text in texts.items():
        tree = ast.parse(text)
        for found in imports(tree):
            # The stub itself is one of the imports for type checkers only.
            if not (getattr(found, "module", None) or "").endswith("_raw"):
                lines.update(above(found, package))
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                lines.add(f"from .{package}.{name} import {statement.name}")
                if is_namespace(statement):
                    classes.append(twin(statement))
    return "\n".join([*sorted(lines), *classes])


def is_namespace(statement: ast.ClassDef) -> bool:
    """Whether a class has `with_raw_response`."""
    return any(
        isinstance(member, ast.AnnAssign) and ast.unparse(member.target) == "with_raw_response"
        for member in statement.body
    )


def twin(statement: ast.ClassDef) -> str:
    """Returns the class with the raw methods of a class."""
    lines = [f"class {statement.name}WithRawResponse:", f'    """{NOTE}"""']
    for member in statement.body:
        if not isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if member.name.startswith("_") or member.name in UNSENT or member.returns is None:
            continue
        returns = ast.unparse(member.returns)
        decorators = [ast.unparse(decorator) for decorator in member.decorator_list]
        if any(part in returns for part in OMITTED) or returns == "None":
            continue
        if decorators == ["cached"]:
            lines += [
                "    @property",
                f"    def {member.name}(self) -> {returns}WithRawResponse: ...",
            ]
        elif not decorators:
            lines.append(f"    {signature(member, returns)}: ...")
    return "\n".join(lines)


def signature(method: ast.FunctionDef | ast.AsyncFunctionDef, returns: str) -> str:
    """Returns the signature of a raw method."""
    awaited = isinstance(method, ast.AsyncFunctionDef)
    if "AwaitablePage[" in returns:
        awaited, returns = True, returns.replace("AwaitablePage[", "AsyncPage[")
    start = "async def" if awaited else "def"
    return f"{start} {method.name}({ast.unparse(method.args)}) -> APIResponse[{returns}]"
