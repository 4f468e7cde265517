"""Derive `replicant/_sync`, `_functions.py` and the types of raw responses from `replicant/_async`.

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

import raw_responses

PACKAGE = Path(__file__).resolve().parent.parent / "replicant"
SOURCE, TARGET = PACKAGE / "_async", PACKAGE / "_sync"
HEADER = (
    "# Derived from _async/{name} by python/scripts/unasync.py: change that file, not this one.\n"
)

# Names that are the same in both packages, and what an awaited thing is called when it is not.
SHARED = [
    (r"\bAsync(?=[A-Z])", ""),
    (r"default_async_client", "default_client"),
    (r"\b_async_raw\b", "_sync_raw"),
]
BLOCKING = [
    (r"\bAwaitablePage\b", "Page"),
    (r"\bAwaitableStream\b", "EventStream"),
    (r"\basync def ", "def "),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
]
# In a twin, what is awaited or given back of ourselves or of our client is the twin there, too.
AWAITED = r"(?<=await )(self(?:\.\w+)*\.)(_?)((?!async_)\w+)\("
RETURNED = r"(?<=return )(self\._client\.)(_?)((?!async_)\w+)\("
# What a method gives that is iterated over with await, though the method itself is not awaited.
LAZY = ("AwaitablePage[", "AwaitableStream", "Stream[")

# Classes whose awaitable form is a class of its own that users meet as such.
NO_TWINS = {"AsyncFunction", "AsyncRun"}

# The methods of the client that the module has as functions.
FUNCTIONS = {"run", "stream", "save_all", "search"}

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
    if twins and "AwaitableStream(" in result:
        result = result.replace("import EventStream", "import AwaitableStream, EventStream", 1)
    return HEADER.format(name=path.name) + result


def functions(client: str) -> str:
    """The functions of the module itself, which are those of the default client."""
    lines = client.split("\n")
    tree = ast.parse(client)
    methods = next(s for s in tree.body if isinstance(s, ast.ClassDef)).body
    imports = [ast.unparse(s) for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
    out = [
        HEADER.format(name="client.py").rstrip(),
        '"""The functions of the module itself, which are those of the default client."""',
        *(
            line.replace("from ..", "from .")
            for line in imports
            if "from .." in line or "typing" in line or line == "import os"
        ),
        "from ._default import default_client",
    ]
    # The names of the typing imports that no function needs are taken out by the formatter.
    out.insert(2, "from __future__ import annotations")
    for method in methods:
        if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if method.name.removeprefix("async_") not in FUNCTIONS:
            continue
        body = method.body[0]
        assert method.end_lineno is not None and body.end_lineno is not None
        head = "\n".join(line[4:] for line in lines[method.lineno - 1 : body.end_lineno])
        head = re.sub(r"\(\s*self,\s*", "(", head, count=1)
        arguments = [a.arg for a in method.args.args[1:]]
        arguments += [f"{a.arg}={a.arg}" for a in method.args.kwonlyargs]
        arguments += [f"**{method.args.kwarg.arg}"] if method.args.kwarg else []
        wait = "await " if isinstance(method, ast.AsyncFunctionDef) else ""
        call = f"    return {wait}default_client.{method.name}({', '.join(arguments)})"
        out.append(f"\n\n{head}\n{call}")
    return "\n".join(out)


def formatted(text: str, path: Path) -> str:
    """The text as ruff formats it, without imports that nothing needs."""
    name = ["--stdin-filename", str(path), "-"]
    for command in (["check", "--fix-only", "-q", "--select", "F401,I"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, *name]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, cwd=PACKAGE)
        if done.returncode:
            raise SystemExit(f"{path.name}: {done.stderr}")
        text = done.stdout
    return text


def main() -> int:
    check = "--check" in sys.argv[1:]
    raw: dict[Path, str] = {}
    derived = {TARGET / path.name: derive(path) for path in sorted(SOURCE.glob("*.py"))}
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.glob("[!_]*.py"))}
    for package, of in (("_async", texts), ("_sync", derived)):
        by_name = {path.stem: of[path] for path in sorted(of) if path.stem[0] != "_"}
        stub = HEADER.format(name="*.py") + raw_responses.stub(package, by_name)
        raw[PACKAGE / f"{package}_raw.pyi"] = stub
    derived.update(raw)
    derived[PACKAGE / "_functions.py"] = functions(derived[TARGET / "client.py"])
    wanted = {path: formatted(text, path) for path, text in derived.items()}
    unused = {pattern for pattern, _ in SHARED + BLOCKING} - used
    if unused:
        print("substitutions that no file needs:", *sorted(unused), sep="\n  ")
        return 1
    paths = {*wanted, *TARGET.glob("*.py")}
    found = {path: path.read_text(encoding="utf-8") for path in paths if path.exists()}
    wrong = sorted(path for path in paths if wanted.get(path) != found.get(path))
    if check:
        for path in wrong:
            print(
                f"{path.relative_to(PACKAGE)} is not what _async gives: run python/scripts/unasync.py"
            )
        return 1 if wrong else 0
    TARGET.mkdir(exist_ok=True)
    for path in wrong:
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
