"""The documentation agrees with the code: the error table, links, Rust examples, models, the list of decisions."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parents[2]
#: Shown by registries, which do not resolve relative links.
PACKAGES = [
    "python/README.md",
    "node/README.md",
    "crates/cli/README.md",
    "crates/core/README.md",
    "crates/emulator/README.md",
]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked(pattern: str) -> List[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def pages() -> List[str]:
    return [path.relative_to(ROOT).as_posix() for path in tracked("*.md")]


def errors() -> List[Tuple[str, str, str, str]]:
    """Returns code, Rust kind, Python class and Node class, in the order of the core."""
    kinds = re.findall(r'^    (\w+) = "(\w+)",$', read("crates/core/src/error/kind.rs"), re.M)
    classes = re.findall(
        r'^class (\w+)\([\w, ]+\):\n(?:(?!^class ).*\n)*?    code = "(\w+)"$',
        read("python/replicant/_errors.py"),
        re.M,
    )
    python = {code: name for name, code in classes}
    table = re.search(r"ERRORS[^{]*\{(.*?)\n\}", read("node/src/failures.ts"), re.S)
    assert table is not None
    node: Dict[str, str] = dict(re.findall(r"^  (\w+): errors\.(\w+),$", table[1], re.M))
    return [(code, kind, python[code], node[code]) for kind, code in kinds]


def rows() -> str:
    return "\n".join(
        f"| `{code}` | `{kind}` | `{python}` | `{node}` |" for code, kind, python, node in errors()
    )


def speeds() -> Dict[str, Dict[str, str]]:
    """Returns the relative throughput by language and workload."""
    found: Dict[str, Dict[str, str]] = {"Python": {}, "Node": {}}
    official = {"Python": "PyPI replicate 1.0.7", "Node": "npm replicate 1.4.0"}
    sections = re.findall(
        r"^### (Python|Node): (.*)$((?:\n(?!###).*)*)", read("bench/RESULTS.md"), re.M
    )
    for language, workload, text in sections:
        cells = re.search(rf"^\| {re.escape(official[language])} \|.*$", text, re.M)
        ratio = re.fullmatch(r"([\d.]+)x", cells[0].split(" | ")[3].strip()) if cells else None
        if ratio:
            times = float(ratio[1])
            found[language][workload] = f"{times:.0f}x" if times >= 10 else f"{times:.1f}x"
    return found


def unofficial() -> List[str]:
    """Returns the names of the emulator's models that, as on Replicate, run only with a version."""
    card = re.compile(
        r'owner: "([\w-]+)",\s*name: "([\w-]+)",(?:(?!owner:).)*?official: false', re.S
    )
    sources = (ROOT / "crates/emulator/src").glob("**/*.rs")
    found = (card.findall(path.read_text(encoding="utf-8")) for path in sources)
    return ["/".join(name) for names in found for name in names]


def links(text: str) -> Iterator[str]:
    code = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)
    yield from re.findall(r"\]\(([^)\s]+)\)", code.sub("", text))


def anchors(text: str) -> List[str]:
    """Returns the anchors of the headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return [re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings]


class Docs(unittest.TestCase):
    def test_the_error_table_is_complete(self) -> None:
        self.assertGreater(len(errors()), 30)
        self.assertIn(rows(), read("docs/architecture.md"), f"the table must be:\n{rows()}")

    def test_the_speeds_in_the_readme_are_those_of_the_results(self) -> None:
        table = re.search(r"### Speed\n.*?\n\|---.*?\n(.*?)\n\n", read("README.md"), re.S)
        assert table is not None
        workloads = [row.split("|")[1].strip() for row in table[1].splitlines()]
        self.assertGreater(len(workloads), 8)
        found = speeds()
        expected = "\n".join(
            "| {} | {} | {} |".format(
                name, found["Python"].get(name, ""), found["Node"].get(name, "")
            ).replace("  ", " ")
            for name in workloads
        )
        self.assertEqual(table[1], expected, f"the table must be:\n{expected}")
        for page, language, workload in [
            ("python/README.md", "Python", "create, 64 concurrent"),
            ("node/README.md", "Node", "create, 64 concurrent"),
            ("node/README.md", "Node", "event stream"),
        ]:
            times = found[language][workload].replace("x", " times as")
            self.assertIn(times, read(page), f"{page}: {workload}")

    def test_links_lead_to_files_and_headings(self) -> None:
        count = 0
        for page in pages():
            for link in links(read(page)):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = (ROOT / page).parent / path if path else ROOT / page
                self.assertTrue(target.exists(), f"{page}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target.read_text(encoding="utf-8")), page)
                count += 1
        self.assertGreater(count, 30)

    def test_links_of_packages_are_absolute_and_lead_into_the_repository(self) -> None:
        found = re.search(r'^repository = "(.*)"$', read("Cargo.toml"), re.M)
        assert found is not None
        repository = found[1]
        self.assertIn(f'"git+{repository}.git"', read("package.json"))
        self.assertIn(f'Repository = "{repository}"', read("pyproject.toml"))
        for page in PACKAGES:
            for link in links(read(page)):
                self.assertRegex(link, "^https://", page)
                if not link.startswith(repository):
                    self.assertNotIn(
                        "/blob/", link, f"{page}: another repository than {repository}"
                    )
                    continue
                path, _, anchor = link[len(repository) :].partition("#")
                target = ROOT / re.sub(r"^/(blob|tree)/main/", "", path)
                self.assertTrue(target.exists(), f"{page}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target.read_text(encoding="utf-8")), page)

    def test_rust_examples_are_part_of_a_program_that_compiles(self) -> None:
        def lines(text: str) -> str:
            return "\n".join(line.strip() for line in text.splitlines())

        # Without the imports, which the program has at its top.
        program = lines(read("examples/readme.rs"))
        for page in ["README.md", "crates/core/README.md"]:
            blocks = re.findall(r"^```rust\n(.*?)^```", read(page), re.M | re.S)
            self.assertGreater(len(blocks), 4)
            for paragraph in "\n\n".join(blocks).split("\n\n"):
                code = lines(re.sub(r"(?m)^use .*;$", "", paragraph)).strip()
                self.assertIn(code, program, f"{page}: not in examples/readme.rs")

    def test_examples_run_unofficial_models_with_a_version(self) -> None:
        names = unofficial()
        self.assertIn("stability-ai/sdxl", names)
        call = r"(?:run|stream|submit|map|predict|use)(?:<[^()]*>)?\(\s*"
        unversioned = re.compile(rf"""\b{call}["'](?:{"|".join(map(re.escape, names))})["']""")
        folders = ["crates/core/src", "node/src", "python/replicant", "docs", "examples"]
        sources = [path for folder in folders for path in (ROOT / folder).glob("**/*.*")]
        for path in [*sources, *(ROOT / page for page in pages())]:
            if path.suffix in {".cjs", ".md", ".mjs", ".mts", ".py", ".rs", ".ts"}:
                found = unversioned.findall(path.read_text(encoding="utf-8"))
                self.assertEqual(found, [], f"{path}: these fail without a version")

    def test_paths_in_the_architecture_and_in_contributing_exist(self) -> None:
        pattern = r"`((?:crates|python|node|tests|docs|examples|scripts|bench)/[\w./-]+)`"
        for page in ["docs/architecture.md", "CONTRIBUTING.md"]:
            paths = re.findall(pattern, read(page))
            self.assertGreater(len(paths), 15)
            for path in paths:
                self.assertTrue((ROOT / path).exists(), f"{page}: {path}")

    def test_decisions_are_listed(self) -> None:
        folder = ROOT / "docs/decisions"
        records = sorted(path.name for path in folder.glob("[0-9]*.md"))
        listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", read("docs/decisions/README.md"))
        self.assertEqual(listed, records)

    def test_examples_are_listed(self) -> None:
        listed = re.findall(r"\]\(([\w.]+)\)", read("examples/README.md"))
        found = {path.relative_to(ROOT / "examples").parts[0] for path in tracked("examples")}
        self.assertEqual(sorted(listed), sorted(found - {"README.md"}))


if __name__ == "__main__":
    unittest.main()
