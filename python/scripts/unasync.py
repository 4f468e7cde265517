"""Derives `replicant/_sync`, the types of raw responses, `__init__.pyi` and `exceptions.py`.

Each class of `_async` yields a class of `_sync` without `Async` in its name. An `async` method becomes two:
the blocking one, under the same name, and its awaitable twin, whose name begins with `async_`. The line
`options: See ...` of a docstring is followed by the documentation of those options.

    python python/scripts/unasync.py            writes the files
    python python/scripts/unasync.py --check    fails if a file differs from what would be written
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import exports
import raw_responses

PACKAGE = Path(__file__).resolve().parent.parent / "replicant"
SOURCE, TARGET = PACKAGE / "_async", PACKAGE / "_sync"
sys.path.insert(0, str(PACKAGE.parent))
from replicant._option_docs import option_docs  # noqa: E402

HEADER = "# Derived from {name} by python/scripts/unasync.py: change that file, not this one.\n"

# Substitutions for blocking methods and their twins alike, and those for blocking methods only.
SHARED = [
    (r"\bAsync(?=[A-Z])(?!Iterable\b|Input\b)", ""),
    (r"default_async_client", "default_client"),
    (r"\b_async_raw\b", "_sync_raw"),
]
BLOCKING = [
    (r"\bAwaitablePage\b", "Page"),
    (r"\bAwaitableStream\b", "EventStream"),
    (r"\b_webhook\.async_", "_webhook."),
    (r", awaited=True\)", ")"),
    (r"\basync def ", "def "),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
]
# In a twin, calls of own methods and of the client become calls of their twins.
AWAITED = r"(?<=await )(self(?:\.\w+)*\.)(_?)((?!async_)\w+)\("
RETURNED = r"(?<=return )(self\._client\.)(_?)((?!async_)\w+)\("
# Return types that are iterated over with `async for`, although the method is not `async`.
LAZY = ("AwaitablePage[", "AwaitableStream", "Stream[")
# Classes whose awaitable form is a public class; their methods need no twins.
NO_TWINS = {"AsyncFunction", "AsyncRun"}
OPTIONS = re.compile(r"^( +)options: See `(\w+)`\.$", re.MULTILINE)

used: set[str] = set()


def substitute(text: str, rules: list[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        text, count = re.subn(pattern, replacement, text)
        if count:
            used.add(pattern)
    return text


def has_twin(method: ast.stmt) -> bool:
    """Whether a method needs a twin: it is `async`, or its result is iterated over with `async for`."""
    if isinstance(method, ast.AsyncFunctionDef):
        return not method.name.startswith("_")
    if not isinstance(method, ast.FunctionDef) or method.name.startswith("_"):
        return False
    returns = ast.unparse(method.returns) if method.returns else ""
    return not method.decorator_list and any(name in returns for name in LAZY)


def twin(method: ast.stmt, lines: list[str]) -> str:
    """Returns the awaitable twin of a method, with a docstring that refers to the method."""
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
    note = f'{indent}"""The async form of `{method.name}`."""'
    return substitute("\n".join(part for part in (head, note, body) if part), SHARED)


def derive(path: Path) -> str:
    """Returns the blocking form of a file, with the twins of its methods."""
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
            if has_twin(method):
                assert method.end_lineno is not None
                blocking(method.end_lineno)
                out.append("")
                out.append(twin(method, lines))
                twins = True
    blocking(len(lines))
    result = OPTIONS.sub(listed, "\n".join(out))
    # The twins still return the awaitable classes.
    if twins and "AwaitablePage[" in result:
        result = result.replace("import Page", "import AwaitablePage, Page", 1)
    if twins and "AwaitableStream(" in result:
        result = result.replace("import EventStream", "import AwaitableStream, EventStream", 1)
    return HEADER.format(name=f"_async/{path.name}") + result


def listed(match: re.Match[str]) -> str:
    """Returns the line that names a class of options, followed by the documentation of each option."""
    docs = option_docs((PACKAGE / "_options.py").read_text(encoding="utf-8"))[match[2]]
    indent = match[1] + "    "
    lines = [
        textwrap.fill(
            f"{name}: {text}",
            width=100,
            initial_indent=indent,
            subsequent_indent=indent + "    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in docs.items()
    ]
    return "\n".join([match[0], *lines])


def formatted(text: str, path: Path) -> str:
    """Returns the text as ruff formats it, without unused imports."""
    name = ["--stdin-filename", str(path), "-"]
    for command in (["check", "--fix-only", "-q", "--select", "F401,I"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, *name]
        done = subprocess.run(ruff, input=text, capture_output=True, text=True, cwd=PACKAGE)
        if done.returncode:
            raise SystemExit(f"{path.name}: {done.stderr}")
        text = done.stdout
    return text


def derived_files() -> dict[Path, str]:
    """Returns the text of every derived file."""
    sources = sorted(SOURCE.glob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in sources}
    derived = {TARGET / path.name: derive(path) for path in sources}
    raw: dict[Path, str] = {}
    for package, of in (("_async", texts), ("_sync", derived)):
        by_name = {path.stem: of[path] for path in sorted(of) if path.stem[0] != "_"}
        stub = HEADER.format(name="_async/*.py") + raw_responses.stub(package, by_name)
        raw[PACKAGE / f"{package}_raw.pyi"] = stub
    stub = exports.stub(PACKAGE, derived[TARGET / "client.py"])
    header = HEADER.format(name="__init__.py and _async/client.py")
    derived[PACKAGE / "__init__.pyi"] = header + stub
    header = HEADER.format(name="__init__.py")
    derived[PACKAGE / "exceptions.py"] = header + exports.exceptions(PACKAGE)
    return {path: formatted(text, path) for path, text in {**derived, **raw}.items()}


def main() -> int:
    wanted = derived_files()
    unused = {pattern for pattern, _ in SHARED + BLOCKING} - used
    if unused:
        print("substitutions that no file needs:", *sorted(unused), sep="\n  ")
        return 1
    paths = {*wanted, *TARGET.glob("*.py")}
    found = {path: path.read_text(encoding="utf-8") for path in paths if path.exists()}
    wrong = sorted(path for path in paths if wanted.get(path) != found.get(path))
    if "--check" in sys.argv[1:]:
        for path in wrong:
            print(f"{path.relative_to(PACKAGE)} is out of date: run python/scripts/unasync.py")
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
