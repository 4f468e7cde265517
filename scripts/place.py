"""Puts the native modules that `cargo build` compiled where Python and Node load them.

place.py python    into python/replicant, and installs that package, editable, for the Python that runs this
place.py node      into node/dist
"""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import platforms
import version

ROOT = version.ROOT
#: The module of the command-line program, as in pyproject.toml.
ENTRY = "replicant.__main__"
#: The plugin of pytest, as in pyproject.toml.
PLUGIN = "replicant._testing.plugin"
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


def place(crate: str, destination: Path) -> None:
    """Copies the library of `crate`, unless the copy is up to date."""
    suffix = {"darwin": "dylib", "linux": "so"}.get(sys.platform)
    if suffix is None:
        sys.exit(f"place.py supports Linux and macOS, not {sys.platform}")
    library = BUILT / f"lib{crate}.{suffix}"
    if not library.exists():
        sys.exit(f"{library} does not exist: run `make native` first")
    if destination.exists():
        old, new = destination.stat(), library.stat()
        if (old.st_size, old.st_mtime_ns) == (new.st_size, new.st_mtime_ns):
            return
    destination.parent.mkdir(parents=True, exist_ok=True)
    # Renamed rather than overwritten: a process may have the old file mapped into its memory.
    temporary = destination.with_name(f"{destination.name}.new")
    shutil.copy2(library, temporary)
    temporary.replace(destination)


def python() -> None:
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    # Free-threaded Pythons have no stable ABI and do not load modules with this suffix.
    suffix = ".abi3.so" if ".abi3.so" in suffixes else suffixes[0]
    place("replicant_python", ROOT / f"python/replicant/_native{suffix}")
    install_editable(Path(sysconfig.get_path("purelib")))


def install_editable(packages: Path) -> None:
    """Installs python/replicant into `packages` as `pip install --editable` would."""
    if sys.prefix == sys.base_prefix:
        sys.exit("place.py installs into virtual environments only: run it with .venv/bin/python")
    number = version.in_python(version.check(ROOT))
    info = f"replicant-{number}.dist-info"
    direct_url = {"url": ROOT.as_uri(), "dir_info": {"editable": True}}
    files = {
        "replicant.pth": f"{ROOT / 'python'}\n",
        f"{info}/METADATA": (
            f"Metadata-Version: 2.4\nName: replicant\nVersion: {number}\nRequires-Python: >=3.9\n"
        ),
        f"{info}/entry_points.txt": (
            f"[console_scripts]\nreplicant = {ENTRY}:main\n[pytest11]\nreplicant = {PLUGIN}\n"
        ),
        f"{info}/INSTALLER": "make\n",
        f"{info}/direct_url.json": json.dumps(direct_url),
    }
    record = "".join(f"{path},{digest(text)}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    for old in packages.glob("replicant-*.dist-info"):
        shutil.rmtree(old)
    for path, text in files.items():
        (packages / path).parent.mkdir(exist_ok=True)
        (packages / path).write_text(text, encoding="utf-8")
    script = Path(sysconfig.get_path("scripts"), "replicant")
    script.write_text(
        f"#!{sys.executable}\nimport sys\nfrom {ENTRY} import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)


def digest(text: str) -> str:
    """Returns the hash and the size of a file as RECORD gives them."""
    content = text.encode()
    hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"sha256={hashed},{len(content)}"


def node() -> None:
    place("replicant_node", ROOT / f"node/dist/replicant.{platforms.this_platform()}.node")


if __name__ == "__main__":
    if sys.argv[1:] == ["python"]:
        python()
    elif sys.argv[1:] == ["node"]:
        node()
    else:
        sys.exit("usage: place.py python | node")
