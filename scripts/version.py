"""Keeps the version the same in all files.

    version.py                  prints the version, and fails if files differ
    version.py bump 1.2.3       writes a version to all files and starts its section in CHANGELOG.md
    version.py tag v1.2.3       fails unless the tag has the version of the files and CHANGELOG.md describes it

Other places derive it: the Python package from Cargo.toml, the npm packages of the platforms from package.json.
"""

from __future__ import annotations

import datetime
import re
import sys
from pathlib import Path
from typing import Iterator, Tuple

ROOT = Path(__file__).resolve().parents[1]
#: Semantic versions that Python has an equivalent for.
SEMVER = r"\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.\d+)?"
#: The crates of the workspace.
CRATES = "replicant(?:-[a-z]+)?"

#: A file, a pattern whose only group is the version, and the number of matches.
PLACES = [
    ("Cargo.toml", r'(?m)^version = "([^"]+)"', 1),
    ("Cargo.toml", r'(?m)^replicant(?:-cli|-emulator|-javascript)? = \{.* version = "([^"]+)"', 4),
    ("Cargo.lock", rf'\[\[package\]\]\nname = "{CRATES}"\nversion = "([^"]+)"', 7),
    (
        "crates/web/Cargo.lock",
        r'\[\[package\]\]\nname = "replicant(?:-javascript)?"\nversion = "([^"]+)"',
        2,
    ),
    # As pip reads it: 1.2.3-rc.1 is 1.2.3rc1.
    ("pyproject.toml", r'"replicant-emulator==([^"]+)"', 1),
    ("package.json", r'(?m)^  "version": "([^"]+)"', 1),
    ("package-lock.json", r'"name": "replicant",\n *"version": "([^"]+)"', 2),
    ("node/src/version.ts", r'version = "([^"]+)"', 1),
]


class VersionError(Exception):
    """Says which file or argument is wrong."""


def found(root: Path) -> Iterator[Tuple[str, str]]:
    """Yields each file and a version in it."""
    for name, pattern, times in PLACES:
        versions = re.findall(pattern, (root / name).read_text(encoding="utf-8"))
        if len(versions) != times:
            raise VersionError(f"{name}: {len(versions)} versions found where {times} are expected")
        for version in versions:
            yield name, version


def in_python(version: str) -> str:
    """Returns the version as Python spells it: 1.2.3rc1 for 1.2.3-rc.1."""
    return re.sub(r"-(a|b|rc)[a-z]*\.", r"\1", version)


def check(root: Path) -> str:
    """Returns the version, or raises if files differ."""
    versions = list(found(root))
    first = versions[0][1]
    differing = [f"{name} has {version}" for name, version in versions if version != first]
    if differing:
        raise VersionError(
            f"Cargo.toml has {first}, but {', '.join(differing)}: make bump VERSION={first}"
        )
    return first


def bump(root: Path, version: str, today: datetime.date) -> None:
    """Writes `version` to all files."""
    if not re.fullmatch(SEMVER, version):
        raise VersionError(f"{version!r} is not a version such as 1.2.3 or 1.2.3-rc.1")
    for _ in found(root):
        pass  # Raises before anything is written if a place is missing.
    for name, pattern, _ in PLACES:
        path = root / name
        path.write_text(
            re.sub(
                pattern,
                lambda match: (
                    match[0][: match.start(1) - match.start()]
                    + version
                    + match[0][match.end(1) - match.start() :]
                ),
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
            raise VersionError('CHANGELOG.md has no heading "## Unreleased"')
        changelog.write_text(text, encoding="utf-8")


def check_tag(root: Path, tag: str) -> None:
    """Raises unless the files are those of the release that `tag` names."""
    version = check(root)
    if tag != f"v{version}":
        raise VersionError(f"the tag is {tag}, but the files have {version}")
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = re.search(
        rf"(?ms)^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$(.*?)(?=^## |\Z)", text
    )
    if section is None or not section[1].strip():
        raise VersionError(f"CHANGELOG.md has no text under a heading '## {version} - <date>'")
    if "/OWNER/" in (root / "package.json").read_text(encoding="utf-8"):
        raise VersionError("package.json does not name the repository: see docs/releasing.md")


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["bump"] and len(arguments) == 2:
        bump(ROOT, arguments[1], datetime.date.today())
    elif arguments[:1] == ["tag"] and len(arguments) == 2:
        check_tag(ROOT, arguments[1])
    elif arguments:
        raise VersionError("usage: version.py [bump VERSION | tag TAG]")
    print(check(ROOT))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except VersionError as error:
        sys.exit(f"version: {error}")
