"""One version everywhere.

    version.py                  say which it is, and fail where a file says another
    version.py bump 1.2.3       write it everywhere, and open its heading in CHANGELOG.md
    version.py tag v1.2.3       fail unless it is that of the tag and the changelog tells what is in it

Python takes its version from Cargo.toml, and the npm packages of the platforms take theirs from package.json
when they are packed, so neither is written here.
"""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path
from typing import Iterator, Tuple

ROOT = Path(__file__).resolve().parents[1]
#: Semantic versions of a shape that Python's versions have too.
SEMVER = r"\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?"
#: Those of the workspace, published or not.
CRATES = "replicant(?:-[a-z]+)?"

#: File, pattern whose one group is a version, and how often it stands there.
PLACES = [
    ("Cargo.toml", r'(?m)^version = "([^"]+)"', 1),
    ("Cargo.toml", r'(?m)^replicant(?:-emulator)? = \{.* version = "([^"]+)"', 2),
    ("Cargo.lock", rf'\[\[package\]\]\nname = "{CRATES}"\nversion = "([^"]+)"', 5),
    ("package.json", r'(?m)^  "version": "([^"]+)"', 1),
    ("package-lock.json", r'"name": "replicant",\n *"version": "([^"]+)"', 2),
    ("node/src/version.ts", r'version = "([^"]+)"', 1),
]


class Wrong(Exception):
    """What stands somewhere is not what has to."""


def found(root: Path) -> Iterator[Tuple[str, str]]:
    """Every file that says a version, and the version."""
    for name, pattern, times in PLACES:
        versions = re.findall(pattern, (root / name).read_text(encoding="utf-8"))
        if len(versions) != times:
            raise Wrong(f"{name}: {len(versions)} versions found where {times} are expected")
        for version in versions:
            yield name, version


def in_python(version: str) -> str:
    """As Python spells it: 1.2.3-rc.1 is 1.2.3rc1."""
    return re.sub(r"-(a|b|rc)[a-z]*\.", r"\1", version)


def check(root: Path) -> str:
    """The version, if all files say the same."""
    versions = list(found(root))
    first = versions[0][1]
    wrong = [f"{name} says {version}" for name, version in versions if version != first]
    if wrong:
        raise Wrong(f"Cargo.toml says {first}, but {', '.join(wrong)}: make bump VERSION={first}")
    return first


def bump(root: Path, version: str, today: datetime.date) -> None:
    """Write `version` everywhere."""
    if not re.fullmatch(SEMVER, version):
        raise Wrong(f"{version!r} is not a version such as 1.2.3 or 1.2.3-rc.1")
    for _ in found(root):
        pass  # Every place has to be there before one is written.
    for name, pattern, _ in PLACES:
        path = root / name
        path.write_text(
            re.sub(
                pattern,
                lambda match: match[0].replace(f'"{match[1]}"', f'"{version}"'),
                path.read_text(encoding="utf-8"),
            ),
            encoding="utf-8",
        )
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    if not re.search(rf"(?m)^## {re.escape(version)}\b", text):
        heading = f"## Unreleased\n\n## {version} - {today.isoformat()}"
        text, times = re.subn(r"(?m)^## Unreleased$", heading, text, count=1)
        if times == 0:
            raise Wrong('CHANGELOG.md has no heading "## Unreleased"')
        changelog.write_text(text, encoding="utf-8")


def check_tag(root: Path, tag: str) -> None:
    """Fail unless the tree is the release that `tag` names."""
    version = check(root)
    if tag != f"v{version}":
        raise Wrong(f"the tag is {tag}, but the files say {version}")
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(
        rf"(?ms)^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$(.*?)(?=^## |\Z)", text
    )
    if section is None or not section[1].strip():
        raise Wrong(f"CHANGELOG.md tells nothing under a heading '## {version} - <date>'")
    if "/OWNER/" in (root / "package.json").read_text(encoding="utf-8"):
        raise Wrong("package.json does not say where the repository is: see docs/releasing.md")


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["bump"] and len(arguments) == 2:
        bump(ROOT, arguments[1], datetime.date.today())
    elif arguments[:1] == ["tag"] and len(arguments) == 2:
        check_tag(ROOT, arguments[1])
    elif arguments:
        raise Wrong("usage: version.py [bump VERSION | tag TAG]")
    print(check(ROOT))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Wrong as wrong:
        sys.exit(f"version: {wrong}")
