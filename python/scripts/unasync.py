"""Derive `replicant/_sync` from `replicant/_async`.

Each class of `_async` gives a class of `_sync` with the `Async` cut from its name. A method that is
awaited there becomes two: the blocking one, under the same name, and its awaitable twin, under that
name after `async_`.

    python python/scripts/unasync.py            write the files
    python python/scripts/unasync.py --check    fail if a file is not what would be written
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "replicant"
SOURCE, TARGET = PACKAGE / "_async", PACKAGE / "_sync"
HEADER = (
    "# Derived from _async/{name} by python/scripts/unasync.py: change that file, not this one.\n"
)

# Names that are the same in both packages, and what an awaited thing is called when it is not.
SHARED = [(r"\bAsync(?=[A-Z])", ""), (r"default_async_client", "default_client")]
BLOCKING = [
    (r"\bAwaitablePage\b", "Page"),
    (r"\basync def ", "def "),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
]
# In a twin, what is awaited or given back of ourselves or of our client is the twin there, too.
AWAITED = r"(?<=await )(self(?:\.\w+)*\.)(_?)((?!async_)\w+)\("
RETURNED = r"(?<=return )(self\._client\.)(_?)((?!async_)\w+)\("
# What a method gives that is iterated over with await, though the method itself is not awaited.
LAZY = ("AwaitablePage[", "EventStream", "Stream[")

# Classes whose awaitable form is a class of its own that users meet as such.
NO_TWINS = {"AsyncFunction", "AsyncRun"}

used: set[str] = set()


def substitute(text: str, rules: list[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        text, count = re.subn(pattern, replacement, text)
        if count:
            used.add(pattern)
    return text


def is_awaited(method: ast.stmt) -> bool:
    """Whether a method needs a twin: it is awaited, or what it gives is iterated over with await."""
    if isinstance(method, ast.AsyncFunctionDef):
        return not method.name.startswith("_")
    if not isinstance(method, ast.FunctionDef) or method.name.startswith("_"):
        return False
    returns = ast.unparse(method.returns) if method.returns else ""
    return not method.decorator_list and any(name in returns for name in LAZY)


def twin(method: ast.stmt, lines: list[str]) -> str:
    """The awaitable twin of a method, whose docstring only points at the method."""
    assert isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
    doc = method.body[0]
    if not (isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant)):
        raise SystemExit(f"{method.name}: a public method needs a docstring")
    assert doc.end_lineno is not None
    start = min([method.lineno, *(d.lineno for d in method.decorator_list)])
    head = "\n".join(lines[start - 1 : doc.lineno - 1])
    head = re.sub(rf"\bdef {method.name}\(", f"def async_{method.name}(", head, count=1)
    body = "\n".join(lines[doc.end_lineno : method.end_lineno])

    body = re.sub(AWAITED, r"\1\2async_\3(", body)
    body = re.sub(RETURNED, r"\1\2async_\3(", body)
    indent = " " * doc.col_offset
    note = f'{indent}"""The awaitable form of `{method.name}`."""'
    return substitute("\n".join(part for part in (head, note, body) if part), SHARED)


def derive(path: Path) -> str:
    """The blocking text of one file, with the twins in it."""
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    out: list[str] = []
    last = 0

    def blocking(until: int) -> None:
        nonlocal last
        out.append(substitute(substitute("\n".join(lines[last:until]), SHARED), BLOCKING))
        last = until

    twins = False
    for statement in ast.parse(text).body:
        if not isinstance(statement, ast.ClassDef) or statement.name in NO_TWINS:
            continue
        for method in statement.body:
            if is_awaited(method):
                assert method.end_lineno is not None
                blocking(method.end_lineno)
                out.append("")
                out.append(twin(method, lines))
                twins = True
    blocking(len(lines))
    result = "\n".join(out)
    if twins and "AwaitablePage[" in result:
        # The twins of lists still speak of the page that is awaited.
        result = result.replace("import Page", "import AwaitablePage, Page", 1)
    return HEADER.format(name=path.name) + result


def formatted(text: str, name: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET / name), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=PACKAGE)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    return done.stdout


def main() -> int:
    check = "--check" in sys.argv[1:]
    wanted = {path.name: formatted(derive(path), path.name) for path in sorted(SOURCE.glob("*.py"))}
    unused = {pattern for pattern, _ in SHARED + BLOCKING} - used
    if unused:
        print("substitutions that no file needs:", *sorted(unused), sep="\n  ")
        return 1
    found = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.py")}
    wrong = sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )
    if check:
        for name in wrong:
            print(f"_sync/{name} is not what _async/{name} gives: run python/scripts/unasync.py")
        return 1 if wrong else 0
    TARGET.mkdir(exist_ok=True)
    for name in wrong:
        if name in wanted:
            (TARGET / name).write_text(wanted[name], encoding="utf-8")
        else:
            (TARGET / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
