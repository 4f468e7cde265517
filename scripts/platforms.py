"""The platforms that packages are built for, and which one this is."""

from __future__ import annotations

import json
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = json.loads((ROOT / "scripts/platforms.json").read_text(encoding="utf-8"))


def this_platform() -> str:
    """Returns this machine's name in npm packages, such as `linux-x64-gnu`."""
    system = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}[platform.system()]
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    libc = {"linux": "-gnu" if platform.libc_ver()[0] == "glibc" else "-musl", "win32": "-msvc"}
    return f"{system}-{machine}{libc.get(system, '')}"
