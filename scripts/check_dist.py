"""Checks that the packages in dist/ are complete, small, stripped, of one version, and load on old systems.

check_dist.py           checks the packages that exist
check_dist.py --all     also fails if the package of a platform is missing: a release needs all
"""

from __future__ import annotations

import email
import json
import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, List

import version
from platforms import PLATFORMS

DIST = version.ROOT / "dist"
MB = 1_000_000
EMULATOR_FILES = {
    *("LICENSE", "README.md", "package.json"),
    *("index.cjs", "index.d.cts", "cli.cjs"),
}
# The main npm package contains the WebAssembly module in three forms.
WHEEL_LIMIT, MODULE_LIMIT, MAIN_LIMIT = 4 * MB, 8_100_000, 1.5 * MB
# The extras of the wheel and what they need, as in pyproject.toml.
EXTRAS = {"ray": "ray[data]>=2.60", "testing": "replicant-emulator=={}"}


# Folders of the machine that built a library, such as the home of a user.
BUILD_PATH = re.compile(
    rb"/(?:home|root|Users|github|__w)/[\w.-]+/|[A-Z]:\\Users\\|\.cargo[/\\]|"
    + re.escape(os.fsencode(version.ROOT) + os.sep.encode())
)


def build_paths(binary: bytes) -> List[str]:
    """Returns the build paths in a library."""
    found = {binary[at.start() : at.start() + 80] for at in BUILD_PATH.finditer(binary)}
    return sorted(text.split(b"\0")[0].decode("latin-1") for text in found)


def glibc(binary: bytes) -> List[int]:
    """Returns the newest glibc version among the symbols that a library needs."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)(?=[.\0])", binary)
    return max(([int(major), int(minor)] for major, minor in versions), default=[0, 0])


def read_entries(path: Path, name: str) -> str:
    """Returns a list of entry points without spaces."""
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(name).decode().replace(" ", "")


class Check:
    """Collects all problems, so that one run reports them together."""

    def __init__(self) -> None:
        self.problems: List[str] = []

    def that(self, fine: bool, problem: str) -> None:
        if not fine:
            self.problems.append(problem)

    def library(self, name: str, binary: bytes, linux: bool) -> None:
        self.that(
            len(binary) < MODULE_LIMIT, f"{name}: {len(binary)} bytes, at most {MODULE_LIMIT}"
        )
        paths = build_paths(binary)
        self.that(not paths, f"{name} contains {len(paths)} build paths, such as {paths[:1]}")
        if not linux:
            return
        self.that(binary[:4] == b"\x7fELF", f"{name} is not an ELF file")
        self.that(b"\0.symtab\0" not in binary, f"{name} is not stripped")
        newest = glibc(binary)
        ceiling = [int(part) for part in PLATFORMS["glibc"].split(".")]
        self.that(
            newest <= ceiling,
            f"{name} needs glibc {newest[0]}.{newest[1]}, more than {PLATFORMS['glibc']}",
        )

    def wheel(self, path: Path, expected: str) -> None:
        self.that(path.stat().st_size < WHEEL_LIMIT, f"{path.name}: more than {WHEEL_LIMIT} bytes")
        if path.name.startswith("replicant_emulator-"):
            self.emulator_wheel(path, expected)
            return
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
            info = f"replicant-{version.in_python(expected)}.dist-info"
            metadata = email.message_from_bytes(wheel.read(f"{info}/METADATA"))
            libraries = [name for name in names if re.search(r"\.(so|pyd)$", name)]
            self.that(len(libraries) == 1, f"{path.name}: {len(libraries)} native modules")
            for name in libraries:
                self.library(f"{path.name}:{name}", wheel.read(name), "linux" in path.name)
        needed = metadata.get_all("Requires-Dist") or []
        extras = {
            f"{package.format(version.in_python(expected))} ; extra == '{name}'"
            for name, package in EXTRAS.items()
        }
        self.that(
            set(needed) == extras,
            f"{path.name} has dependencies other than {sorted(extras)}: {sorted(needed)}",
        )
        self.that(
            metadata["Requires-Python"] == ">=3.9", f"{path.name} has another Requires-Python"
        )
        for needed in ["replicant/py.typed", "replicant/_native.pyi", "replicant/testing.py"]:
            self.that(needed in names, f"{path.name} lacks {needed}")
        self.that(
            any(name.endswith("/LICENSE") for name in names), f"{path.name} lacks the license"
        )
        scripts = f"{info}/entry_points.txt"
        self.that(
            scripts in names and "replicant=replicant.__main__:main" in read_entries(path, scripts),
            f"{path.name} lacks the program",
        )
        unexpected = [name for name in names if not name.startswith(("replicant/", info))]
        self.that(not unexpected, f"{path.name} also contains {unexpected}")

    def emulator_wheel(self, path: Path, expected: str) -> None:
        """Checks the wheel that contains the program."""
        number = version.in_python(expected)
        info = f"replicant_emulator-{number}.dist-info"
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
            metadata = email.message_from_bytes(wheel.read(f"{info}/METADATA"))
            scripts = f"replicant_emulator-{number}.data/scripts/replicant-emulator"
            programs = [name for name in names if name.startswith(scripts)]
            self.that(len(programs) == 1, f"{path.name}: {len(programs)} programs")
            for name in programs:
                self.library(f"{path.name}:{name}", wheel.read(name), "linux" in path.name)
        self.that(metadata.get_all("Requires-Dist") is None, f"{path.name} has dependencies")
        package = "replicant_emulator/"
        for needed in ["__init__.py", "__main__.py", "py.typed"]:
            self.that(package + needed in names, f"{path.name} lacks {needed}")
        self.that(
            any(name.endswith("/LICENSE") for name in names), f"{path.name} lacks the license"
        )
        unexpected = [
            name for name in names if not name.startswith((package, info)) and name not in programs
        ]
        self.that(not unexpected, f"{path.name} also contains {unexpected}")

    def npm(self, path: Path, expected: str) -> None:
        with tarfile.open(path) as archive:
            files: Dict[str, tarfile.TarInfo] = {
                member.name[len("package/") :]: member for member in archive.getmembers()
            }

            def read(name: str) -> bytes:
                handle = archive.extractfile(files[name])
                assert handle is not None
                return handle.read()

            manifest = json.loads(read("package.json"))
            self.that(manifest["version"] == expected, f"{path.name} is {manifest['version']}")
            self.that(not manifest.get("dependencies"), f"{path.name} has dependencies")
            self.that(
                {"LICENSE", "README.md"} <= set(files), f"{path.name} lacks README.md or LICENSE"
            )
            if manifest["name"] == "replicant":
                self.that(
                    path.stat().st_size < MAIN_LIMIT, f"{path.name}: more than {MAIN_LIMIT} bytes"
                )
                self.that("scripts" not in manifest, f"{path.name} runs scripts")
                self.that(
                    manifest.get("bin", {}).get("replicant") in files,
                    f"{path.name} lacks the program",
                )
                wanted = {f"replicant-{name}": expected for name in PLATFORMS["npm"]}
                self.that(
                    manifest.get("optionalDependencies") == wanted, f"{path.name}: platforms differ"
                )
                pattern = r"package\.json|README\.md|LICENSE|node/(web/|webhooks/)?[\w.-]+\.(cjs|mjs|d\.cts|d\.mts)|node/dist/(replicant\.js|web/(core|wasm)\.[cm]js|web/replicant\.wasm|.+\.d\.ts)"
                unexpected = [name for name in files if not re.fullmatch(pattern, name)]
                self.that(not unexpected, f"{path.name} also contains {unexpected}")
                return
            if manifest["name"] == "replicant-emulator":
                self.that(set(files) == EMULATOR_FILES, f"{path.name}: {set(files)}")
                wanted = {f"replicant-emulator-{name}": expected for name in PLATFORMS["npm"]}
                self.that(
                    manifest.get("optionalDependencies") == wanted, f"{path.name}: platforms differ"
                )
                return
            [module] = manifest["files"]
            self.that(
                set(files) == {"LICENSE", "README.md", "package.json", module},
                f"{path.name}: {set(files)}",
            )
            self.library(f"{path.name}:{module}", read(module), manifest["os"] == ["linux"])

    def crate(self, path: Path) -> None:
        with tarfile.open(path) as archive:
            names = [member.name.split("/", 1)[1] for member in archive.getmembers()]
        for needed in ["README.md", "LICENSE", "src/lib.rs"]:
            self.that(needed in names, f"{path.name} lacks {needed}")


def main(arguments: List[str]) -> None:
    expected = version.check(version.ROOT)
    check = Check()
    wheels = sorted(DIST.glob("python/*.whl"))
    packages = sorted(DIST.glob("npm/*.tgz"))
    crates = sorted(DIST.glob("crates/*.crate"))
    sources = sorted(DIST.glob("python/*.tar.gz"))
    for wheel in wheels:
        check.wheel(wheel, expected)
    for package in packages:
        check.npm(package, expected)
    for crate in crates:
        check.crate(crate)
    for kind, files in {
        "wheel": wheels,
        "sdist": sources,
        "npm package": packages,
        "crate": crates,
    }.items():
        check.that(bool(files), f"dist/ has no {kind}")
    if "--all" in arguments:
        for tag in (
            f"{abi}-{tag}"
            for abi in [*PLATFORMS["wheels"]["abis"], "py3-none"]
            for tag in PLATFORMS["wheels"]["tags"]
        ):
            check.that(any(tag in wheel.name for wheel in wheels), f"no wheel for {tag}")
        for name in ("", *(f"-{name}" for name in PLATFORMS["npm"])):
            for package in ("replicant", "replicant-emulator"):
                there = DIST / f"npm/{package}{name}-{expected}.tgz"
                check.that(there in packages, f"no {there.name}")
    for path in [*wheels, *sources, *packages, *crates]:
        print(f"{path.stat().st_size:>10,}  {path.relative_to(version.ROOT)}")
    if check.problems:
        sys.exit("\n".join(f"dist: {problem}" for problem in check.problems))
    print("dist: all checks passed")


if __name__ == "__main__":
    main(sys.argv[1:])
