"""Finds, or fetches from Debian, a Rust toolchain that compiles for wasm32-unknown-unknown."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

TARGET = "wasm32-unknown-unknown"
# As `rust-version` in Cargo.toml.
OLDEST = (1, 89)
ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(
    os.environ.get("REPLICANT_WEB_TOOLCHAIN") or Path.home() / ".cache/replicant/web-toolchain"
)


@dataclass
class Toolchain:
    """A compiler and what it needs."""

    name: str
    environment: dict = field(default_factory=dict)
    # For cargo.
    flags: list = field(default_factory=list)
    # For the compiler: messages of panics must not show the folders of this machine.
    rustflags: list = field(default_factory=list)


def output(command: list, **environment: str) -> Optional[str]:
    """Returns what a command prints, or None if it fails."""
    try:
        completed = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
        )
    except OSError:
        return None
    return completed.stdout.strip() if completed.returncode == 0 else None


def examine(compiler: str, **environment: str) -> Optional[Toolchain]:
    """Returns the toolchain of a compiler if it can compile for the web."""
    version = output([compiler, "--version"], **environment) or ""
    number = re.match(r"rustc (\d+)\.(\d+)", version)
    if number is None or (int(number[1]), int(number[2])) < OLDEST:
        return None
    sysroot = Path(output([compiler, "--print", "sysroot"], **environment) or "/nonexistent")
    if (sysroot / "lib/rustlib" / TARGET / "lib").is_dir():
        cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        prefixes = {cargo / "registry/src": "/cargo", ROOT: "/replicant"}
        hidden = [f"--remap-path-prefix={folder}={name}" for folder, name in prefixes.items()]
        # As below.
        environment["RUSTC_BOOTSTRAP"] = "1"
        hidden.append("-Zlocation-detail=none")
        return Toolchain(version, dict(environment), rustflags=hidden)
    if (sysroot / "lib/rustlib/src/rust/library/Cargo.lock").is_file():
        # The standard library is compiled too, which stable compilers permit only with this variable.
        build = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]
        environment["RUSTC_BOOTSTRAP"] = "1"
        return Toolchain(
            f"{version} and the source of its library",
            environment,
            build,
            ["-Zlocation-detail=none"],
        )
    return None


def find() -> Optional[Toolchain]:
    """Returns the first toolchain of this machine that compiles for the web."""
    found = examine(os.environ.get("RUSTC", "rustc"))
    if found or "RUSTC" in os.environ:
        return found
    for line in (output(["rustup", "toolchain", "list"]) or "").splitlines():
        found = examine("rustc", RUSTUP_TOOLCHAIN=line.split()[0])
        if found:
            return found
    return fetched()


def fetched() -> Optional[Toolchain]:
    """Returns the toolchain that `fetch` has unpacked."""
    compiler = CACHE / "rustc"
    if not (CACHE / "complete").exists():
        return None
    linker = {f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}_LINKER": str(CACHE / "wasm-ld")}
    return examine(str(compiler), RUSTC=str(compiler), **linker)


# What the compiler needs. Its packages also depend on a C compiler, which every toolchain for Rust has already.
ROOTS = ["rustc", "libstd-rust-dev-wasm32", "lld"]
UNNEEDED = re.compile(
    r"gcc|g\+\+|cpp|binutils|libc6-dev|libc-dev|linux-libc-dev|perl|debconf|libstd-rust-dev-windows"
)


def apt(*arguments: object, folder: Optional[Path] = None) -> str:
    """Runs apt with its own state, so that the system is neither changed nor asked for its packages."""
    options = {
        "Dir::State": CACHE / "apt/state",
        "Dir::State::status": CACHE / "apt/status",
        "Dir::Cache": CACHE / "apt/cache",
        "Dir::Etc::sourcelist": CACHE / "apt/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Acquire::Languages": "none",
        "APT::Install-Recommends": "false",
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "",
    }
    settings = [f"-o{name}={value}" for name, value in options.items()]
    command = [str(arguments[0]), *settings, *(str(argument) for argument in arguments[1:])]
    completed = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    if completed.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    return completed.stdout


def mirror() -> str:
    """Returns the address of the Debian mirror that this machine uses."""
    listed = (
        output(
            ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"]
        )
        or ""
    )
    codename = re.search(
        r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE
    )
    for line in listed.splitlines():
        site, _, release = line.partition(" ")
        if codename and release == codename[1] and site.rstrip("/").endswith("/debian"):
            return site
    sys.exit("no Debian mirror is configured in /etc/apt; install a toolchain with rustup instead")


def fetch() -> Optional[Toolchain]:
    """Unpacks a compiler of Debian unstable, with all its libraries, into a folder for caches."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    print(f"== Fetching a compiler for WebAssembly from Debian to {CACHE}: 300 MB", flush=True)
    shutil.rmtree(CACHE, ignore_errors=True)
    for folder in ("apt/state/lists/partial", "apt/cache/archives/partial", "root"):
        (CACHE / folder).mkdir(parents=True)
    (CACHE / "apt/status").touch()
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (CACHE / "apt/sources.list").write_text(f"deb [signed-by={keys}] {mirror()} unstable main\n")
    apt("apt-get", "-qq", "update")
    options = [
        f"--no-{kind}"
        for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    ]
    names: set = set()
    todo = list(ROOTS)
    while todo:
        names.update(todo)
        listed = apt("apt-cache", "depends", *options, *todo)
        found = set(re.findall(r"Depends: ([a-z0-9]\S*)", listed)) - names
        todo = [name for name in found if not UNNEEDED.search(name)]
    apt("apt-get", "-qq", "download", *sorted(names), folder=CACHE / "apt")
    for archive in (CACHE / "apt").glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", archive, CACHE / "root"], check=True)
    shutil.rmtree(CACHE / "apt")
    write_wrapper("rustc", f'--sysroot "{CACHE}/root/usr"')
    write_wrapper("wasm-ld")
    (CACHE / "complete").touch()
    return fetched()


def write_wrapper(name: str, options: str = "") -> None:
    """Writes a script that runs a fetched program with the libraries that were fetched with it: they are newer."""
    root = CACHE / "root"
    program = next(path for path in sorted(root.glob(f"usr/bin/{name}*")) if not path.is_dir())
    loader = next(path for path in sorted(root.glob("**/ld-linux*.so.*")) if path.is_file())
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("usr/lib/llvm-*/lib")]
    script = CACHE / name
    line = f'exec "{loader}" --library-path "{":".join(map(str, libraries))}" "{program}" {options} "$@"'
    script.write_text(f"#!/bin/sh\n{line}\n")
    script.chmod(0o755)
