"""Runs the soak of the Rust crate (`crates/core/tests/soak.rs`) against the server: `make soak`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import REQUESTS, Server

if __name__ == "__main__":
    with Server() as server:
        done = subprocess.run(
            ["cargo", "test", "--quiet", "--test", "soak", "--", "--ignored", "--nocapture"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "SOAK_ORIGIN": server.origin, "SOAK_REQUESTS": str(REQUESTS)},
        )
    sys.exit(done.returncode)
