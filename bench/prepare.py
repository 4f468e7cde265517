"""Builds the release packages, and installs them and the official clients into separate folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from platforms import this_platform  # noqa: E402

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
HOME = TARGET / "bench"
PROGRAM = TARGET / "release/replicant-bench"
PYTHONS = {
    "replicant": HOME / "replicant-python",
    "replicate1": HOME / "replicate-python-1",
    "replicate2": HOME / "replicate-python-2",
}
NODES = {"replicant": HOME / "replicant-node", "replicate": HOME / "replicate-node"}


def command(*words: Any, **options: Any) -> str:
    result = subprocess.run(
        [str(word) for word in words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        **options,
    )
    return result.stdout


def python_of(client: str) -> Path:
    return PYTHONS[client] / "bin/python"


def prepare(build: bool) -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    install_official()
    if build:
        command("cargo", "build", "--quiet", "--release", "-p", "replicant-bench")
        build_python()
        build_node()


def install_official() -> None:
    for client, package in (
        ("replicate1", "replicate==1.0.7"),
        ("replicate2", "replicate==2.0.0b4"),
    ):
        if not python_of(client).exists():
            environment(client)
            pip(client, package)
    folder = NODES["replicate"]
    if not (folder / "node_modules/workerd").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        packages = ["replicate@1.4.0", "workerd@1", "esbuild@0.27"]
        command("npm", "install", "--silent", "--prefix", folder, *packages)


def environment(client: str) -> None:
    command(sys.executable, "-m", "venv", "--clear", PYTHONS[client])


def pip(client: str, *packages: Any) -> None:
    options = ("--quiet", "--disable-pip-version-check")
    command(python_of(client), "-m", "pip", "install", *options, *packages)


def build_python() -> None:
    wheels = HOME / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    maturin = ROOT / ".venv/bin/maturin"
    command(maturin, "build", "--quiet", "--release", "--out", wheels)
    environment("replicant")
    pip("replicant", "--no-index", *wheels.glob("*.whl"))


def build_node() -> None:
    """Lays out the files that npm would install: the package and that of the native module."""
    native = (
        "--release",
        "-p",
        "replicant-node",
        "--lib",
        "--message-format=json-render-diagnostics",
    )
    messages = map(json.loads, command("cargo", "build", "--quiet", *native).splitlines())
    built = [
        file
        for message in messages
        if message.get("target", {}).get("name") == "replicant_node"
        for file in message.get("filenames", ())
    ]
    print(command(sys.executable, "scripts/web.py", "--fetch"), end="", file=sys.stderr)
    command("npm", "run", "--silent", "build")
    modules = NODES["replicant"] / "node_modules"
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir(parents=True)
    # Without this file, Node would resolve `replicant` to this repository.
    (modules.parent / "package.json").write_text('{"private": true}\n')
    # `npm run types` leaves programs, whose links to this folder would be followed without end.
    left_out = shutil.ignore_patterns("*.node", "src", "programs")
    shutil.copytree(ROOT / "node", modules / "replicant/node", ignore=left_out)
    shutil.copy(ROOT / "package.json", modules / "replicant/package.json")
    name = this_platform()
    folder = modules / f"replicant-{name}"
    folder.mkdir()
    shutil.copy(built[-1], folder / f"replicant.{name}.node")
    manifest = {"name": f"replicant-{name}", "version": "0.0.0", "main": f"replicant.{name}.node"}
    (folder / "package.json").write_text(json.dumps(manifest))
