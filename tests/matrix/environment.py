"""Isolated environments for the matrix: an empty folder and home, few variables, cached downloads."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, Iterator, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DIST = ROOT / "dist"
WORK = ROOT / "target/matrix"
CACHE = WORK / "cache"
#: Outside the repository, where tools would find its package.json and tsconfig.json.
PROJECTS = Path(tempfile.gettempdir()) / "replicant-matrix"
#: Variables about network access. Projects inherit these and `SYSTEM`, no others.
REACH = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
)
SYSTEM = ("PATH", "LANG", "SYSTEMROOT", "TEMP", "TMP", "COMSPEC", "PATHEXT")


class Skip(Exception):
    """Says why an environment is not available on this machine."""


class Project:
    """An empty folder with an empty home and few environment variables."""

    def __init__(self, name: str) -> None:
        self.folder = PROJECTS / name.lower().replace(" ", "-").replace(":", "")
        shutil.rmtree(self.folder, ignore_errors=True)
        home = self.folder / "home"
        home.mkdir(parents=True)
        self.log = self.folder / "log"
        self.environment = {key: os.environ[key] for key in SYSTEM if key in os.environ}
        for key in (*REACH, *map(str.lower, REACH)):
            if key in os.environ:
                self.environment[key] = os.environ[key]
        self.environment.update(
            HOME=str(home),
            USERPROFILE=str(home),
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PIP_CACHE_DIR=str(CACHE / "pip"),
            npm_config_cache=str(CACHE / "npm"),
            npm_config_audit="false",
            npm_config_fund="false",
            npm_config_update_notifier="false",
            NEXT_TELEMETRY_DISABLED="1",
        )

    def copy(self, *names: str) -> None:
        for name in names:
            shutil.copy(HERE / name, self.folder / Path(name).name)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(
        self,
        *command: object,
        timeout: float = 300,
        fails: bool = False,
        environment: Optional[Dict[str, str]] = None,
    ) -> str:
        """Runs a command that has to succeed, or to fail if `fails`, and returns its output."""
        words = [str(word) for word in command]
        words[0] = shutil.which(words[0], path=self.environment["PATH"]) or words[0]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
        )
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(words)}\n{done.stdout}\n[{done.returncode}]\n\n")
        if (done.returncode != 0) != fails:
            raise RuntimeError(f"{' '.join(words[:4])} exited with {done.returncode}")
        return done.stdout

    def smoke(self, *command: object) -> None:
        """Runs a program that has to succeed and print one line, which starts with `smoke ok`."""
        output = self.run(*command, timeout=120)
        if not output.startswith("smoke ok") or len(output.splitlines()) != 1:
            raise RuntimeError(f"the program printed {output!r}")

    @contextlib.contextmanager
    def serving(self, *command: object, **environment: str) -> Iterator[None]:
        """Runs a server during a `with` block, then kills its process group."""
        words = [str(word) for word in command]
        with self.log.open("ab") as log:
            server = subprocess.Popen(
                words,
                cwd=self.folder,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            os.killpg(server.pid, 9)
            server.wait()


def upstream() -> str:
    """Returns the npm registry that this machine uses."""
    npm = shutil.which("npm")
    if npm is None:
        raise Skip("no npm on this machine")
    return subprocess.run(
        [npm, "config", "get", "registry"], stdout=subprocess.PIPE, text=True
    ).stdout.strip()


@contextlib.contextmanager
def registry() -> Iterator[str]:
    """Serves an npm registry with the packages of dist/npm during a `with` block."""
    server = subprocess.Popen(
        ["node", str(HERE / "registry.mjs"), str(DIST / "npm"), upstream()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin and server.stdout
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def version_of(folder: Path, package: str) -> str:
    manifest = folder / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
