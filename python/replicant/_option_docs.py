"""The documentation of options, read from the texts below the keys of `_options.py`."""

from __future__ import annotations

import ast
from typing import Any, Dict


def option_docs(source: str) -> Dict[str, Dict[str, str]]:
    """Returns the documentation of each option of each class in `source`, in one line each."""
    classes: Dict[str, Dict[str, str]] = {}
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.ClassDef):
            continue
        docs: Dict[str, str] = {}
        for base in statement.bases:
            docs.update(classes.get(ast.unparse(base), {}))
        for key, text in zip(statement.body, statement.body[1:]):
            if isinstance(key, ast.AnnAssign) and isinstance(text, ast.Expr):
                docs[ast.unparse(key.target)] = " ".join(str(ast.literal_eval(text.value)).split())
        classes[statement.name] = docs
    return classes


def add_docs(kind: Any) -> None:
    """Adds the documentation of the options to the docstring of a class of `_options`, for `help()`."""
    from inspect import getsource

    from . import _options

    try:
        docs = option_docs(getsource(_options))[kind.__name__]
    except OSError:  # The package was installed without its sources.
        return
    options = [f"    {name}: {text}" for name, text in docs.items()]
    kind.__doc__ = "\n".join([kind.__doc__, "", "Options:", *options])
