"""Builds the packages for this machine into dist/ and checks them.

    dist/python    wheels of replicant and replicant-emulator for this platform, source distributions
    dist/native    the native module for Node and the emulator on this platform
    dist/npm       the npm packages: replicant and replicant-emulator, and two for each platform in dist/native
    dist/crates    the crates replicant-emulator, replicant and replicant-cli, verified by building each from its package

A release does this on every platform: see .github/workflows/release.yml.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import check_dist
import version
from platforms import this_platform

ROOT = version.ROOT
DIST = ROOT / "dist"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TOOLS = TARGET / "dist-tools"
BIN = TOOLS / ("Scripts" if os.name == "nt" else "bin")
REQUIREMENTS = ROOT / "scripts/requirements-dist.txt"


def run(*command: str) -> None:
    print("$", *command, flush=True)
    subprocess.run(
        [shutil.which(command[0], path=os.environ["PATH"]) or command[0], *command[1:]],
        cwd=ROOT,
        check=True,
    )


def hide_paths() -> None:
    """Keeps the folders of this machine out of the libraries, which panics would show to users."""
    cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    prefixes = {cargo / "registry" / "src": "/cargo", ROOT: "/replicant"}
    flags = [f"--remap-path-prefix={folder}={name}" for folder, name in prefixes.items()]
    if os.name == "nt":
        # RUSTFLAGS replaces the flags of .cargo/config.toml.
        flags.append("-Ctarget-feature=+crt-static")
    os.environ["RUSTFLAGS"] = " ".join([os.environ.get("RUSTFLAGS", ""), *flags]).strip()


def tools() -> None:
    """Installs the build tools into a virtual environment and puts it first on the path."""
    stamp = TOOLS / REQUIREMENTS.name
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        venv.create(TOOLS, with_pip=True, clear=True)
        run(str(BIN / "python"), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS))
        shutil.copy(REQUIREMENTS, stamp)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"


def python() -> None:
    command = ["maturin", "build", "--release", "--out", "dist/python"]
    if this_platform().endswith("-gnu"):
        target = f"{platform.machine()}-unknown-linux-gnu"
        command += ["--zig", "--target", target, "--compatibility", "manylinux_2_28"]
    for project in ([], ["--manifest-path", "crates/emulator/Cargo.toml"]):
        run(*command, *project)
        run("maturin", "sdist", "--out", "dist/python", *project)
    wheels = map(str, (DIST / "python").glob("*.whl"))
    run(str(BIN / "python"), "scripts/recompress.py", *wheels)
    run("twine", "check", "--strict", *map(str, sorted((DIST / "python").iterdir())))


def node() -> None:
    run("npm", "ci", "--loglevel=error", "--no-audit", "--no-fund")
    run("npm", "run", "--silent", "dist", "--", this_platform())
    run(sys.executable, "scripts/web.py", "--fetch", "--require")
    run("npm", "run", "--silent", "build")
    run("npm", "run", "--silent", "pack")
    for name in ("replicant", "replicant-emulator"):
        package = str(DIST / f"npm/{name}-{version.check(ROOT)}.tgz")
        run("npx", "--yes", "publint@0.3", "run", package, "--strict")
        # Vitest is an ES module only, so its helpers are, too.
        run(
            "npx",
            "--yes",
            "@arethetypeswrong/cli@0.18",
            package,
            "--exclude-entrypoints",
            "testing/vitest",
        )


def crates() -> None:
    # In one call, because they depend on each other and are not published yet.
    names = ["replicant-emulator", "replicant", "replicant-cli"]
    # Cargo would build an earlier copy of the same version again.
    cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    for copy in (cargo / "registry/src").glob("-*/replicant*"):
        shutil.rmtree(copy)
    run("cargo", "package", "--allow-dirty", *(f"--package={name}" for name in names))
    (DIST / "crates").mkdir(parents=True)
    for name in names:
        file = f"{name}-{version.check(ROOT)}.crate"
        shutil.copy(TARGET / "package" / file, DIST / "crates" / file)


def main() -> None:
    version.check(ROOT)
    shutil.rmtree(DIST, ignore_errors=True)
    tools()
    hide_paths()
    crates()
    python()
    node()
    check_dist.main([])


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"dist: {error}")
