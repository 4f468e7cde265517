"""Installs the wheel and the source distribution under each Python of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

from environment import DIST, WORK, Project, Skip

WANTED = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15"]
LIBRARIES = (
    "langchain-community==0.4.2",
    "llama-index-llms-replicate==0.7.0",
    "llama-index-multi-modal-llms-replicate==0.4.1",
    "opentelemetry-instrumentation-replicate==0.62.4",
    "opentelemetry-sdk==1.45.2",
)
ASK = """
import platform, sys, sysconfig
free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d%s" % (*sys.version_info[:2], free), platform.python_version(), sys.executable)
"""


def interpreters() -> Dict[str, Tuple[str, str]]:
    """Returns the newest Python of each release line on the path or in pyenv: line to version and program."""
    candidates: List[Path] = []
    for folder in map(Path, os.environ["PATH"].split(os.pathsep)):
        candidates += folder.glob("python3.*")
        candidates += folder.glob("python.exe")
    candidates += Path.home().glob(".pyenv/versions/*/bin/python3")
    found: Dict[str, Tuple[str, str]] = {}
    for path in candidates:
        if not re.fullmatch(r"python(3(\.\d+t?)?)?(\.exe)?", path.name) or "shims" in path.parts:
            continue
        answer = subprocess.run(
            [path, "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if answer.returncode == 0:
            name, version, program = answer.stdout.split(maxsplit=2)
            found[name] = max(found.get(name, ("", "")), (version, program.strip()))
    return found


def environment(project: Project, program: str) -> Path:
    """Creates a virtual environment and returns its interpreter."""
    project.run(program, "-m", "venv", "venv")
    return project.folder / ("venv/Scripts/python.exe" if os.name == "nt" else "venv/bin/python")


def install(project: Project, python: Path, *more: str) -> None:
    """Installs from dist/python, never from an index."""
    project.run(
        python,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--find-links",
        DIST / "python",
        "replicant[testing]",
        *more,
    )
    project.run(python, "-m", "pip", "check")


def smoke(project: Project, python: Path) -> None:
    project.copy("smoke.py")
    project.smoke(python, "-W", "error", "smoke.py")
    if not project.run(python.with_name("replicant"), "--version").startswith("replicant "):
        raise RuntimeError("the program does not run")


def wheel(name: str, _: str) -> str:
    found = interpreters().get(name)
    if found is None:
        raise Skip("no such interpreter on this machine")
    version, program = found
    project = Project(f"python {name}")
    python = environment(project, program)
    install(project, python, "--only-binary=:all:")
    smoke(project, python)
    return version


def uvx(_: str) -> str:
    """Runs the emulator without installing it."""
    found = interpreters()
    version, program = found.get("3.12") or next(iter(found.values()))
    project = Project("uvx")
    python = environment(project, program)
    project.run(python, "-m", "pip", "install", "-q", "uv")
    command = (
        python.with_name("uvx"),
        "--python",
        program,
        "--no-index",
        "--find-links",
        DIST / "python",
    )
    if "Usage:\n  replicant-emulator" not in project.run(*command, "replicant-emulator", "--help"):
        raise RuntimeError("uvx does not run the program")
    return version


def beside_old_packages(_: str) -> str:
    """Installs beside the oldest supported dependencies of the official client."""
    found = interpreters()
    version, program = found[
        max(found, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])
    ]
    project = Project("python beside")
    python = environment(project, program)
    project.run(python, "-m", "pip", "install", "-q", "httpx==0.21.3", "pydantic==1.10.26")
    install(project, python)
    smoke(project, python)
    return f"{version}, httpx 0.21, pydantic 1.10"


def libraries(_: str) -> str:
    """Runs libraries that import `replicate` with this package in its place."""
    found = interpreters()
    name = next((name for name in ("3.12", "3.11", "3.10") if name in found), None)
    if name is None:
        raise Skip("no Python that the libraries support on this machine")
    version, program = found[name]
    project = Project("python libraries")
    python = environment(project, program)
    project.run(python, "-m", "pip", "install", "-q", *LIBRARIES)
    install(project, python)
    project.copy("libraries.py")
    project.run(python, "libraries.py")
    return f"{version}, LangChain, LlamaIndex, OpenLLMetry"


def source_distribution(_: str) -> str:
    """Builds the source distribution with pip, unoptimized to save time."""
    if shutil.which("cargo") is None:
        raise Skip("no Rust on this machine")
    version, program = interpreters().get("3.11") or next(iter(interpreters().values()))
    project = Project("python sdist")
    python = environment(project, program)
    homes = {
        name: os.environ.get(name, str(Path.home() / folder))
        for name, folder in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")]
    }
    archives = sorted((DIST / "python").glob("*.tar.gz"))
    project.run(
        *(python, "-m", "pip", "install", *archives),
        timeout=1200,
        environment={
            **homes,
            "CARGO_TARGET_DIR": str(WORK / "sdist"),
            "MATURIN_PEP517_ARGS": "--profile dev",
        },
    )
    smoke(project, python)
    return version
