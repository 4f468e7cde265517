"""The types: of the binding against what it is, and of the package for its users."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


def test_the_stub_is_what_the_binding_is() -> None:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "replicant._native"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("hashable", ["Prediction", "Page", "ServerSentEvent"])
def test_what_changes_has_no_hash(hashable: str) -> None:
    import replicant

    assert getattr(replicant, hashable).__hash__ is None


def test_everything_public_has_a_type(tmp_path: Path) -> None:
    """A copy in an environment of its own, because pyright looks at installed packages only."""
    pyright = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if pyright is None:
        pytest.skip("pyright is not installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    shutil.copytree(ROOT / "python/replicant", packages / "replicant")
    done = subprocess.run(
        [pyright, "--verifytypes", "replicant", "--ignoreexternal"],
        cwd=tmp_path,
        env={"VIRTUAL_ENV": str(tmp_path / "env"), "PATH": f"{tmp_path}/env/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert "Type completeness score: 100%" in done.stdout, done.stdout[-3000:]
