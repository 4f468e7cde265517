"""Webhooks in web frameworks for JavaScript: frameworks.mjs."""

from __future__ import annotations

import shutil
from typing import Callable

from conftest import INSTALLED, ROOT, StartEmulator


def test_webhooks_in_frameworks(
    start_emulator: StartEmulator, node_program: Callable[..., str]
) -> None:
    # A copy, because Next.js bundles a package that is linked, and then does not find its native module.
    package = INSTALLED / "node/node_modules/replicant"
    shutil.rmtree(package, ignore_errors=True)
    # Both are written by other tests, and `programs` links to the package.
    written = shutil.ignore_patterns("examples-*", "programs")
    shutil.copytree(ROOT / "node", package / "node", ignore=written)
    shutil.copy(ROOT / "package.json", package)
    output = node_program("frameworks.mjs", BASE_URL=start_emulator()["base_url"])
    assert "# fail 0" in output and "# pass 0" not in output, output
