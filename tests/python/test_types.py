"""The types: of the binding against what it is, and of the package for its users."""

from __future__ import annotations

import os
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


USES = """
from typing import List
from typing_extensions import assert_type
import io
import replicant
from replicant import APIResponse, AsyncPage, AsyncPrediction, Client, Model, Page, Prediction, Version

client = Client()
other = replicant.AsyncClient()
raw = client.predictions.with_raw_response
assert_type(raw.get("x"), APIResponse[Prediction])
assert_type(raw.list(), APIResponse[Page[Prediction]])
assert_type(client.with_raw_response.models.versions.get("a/b", id="x"), APIResponse[Version])
assert_type(replicant.models.with_raw_response.get("a/b").parse(), Model)
assert_type(client.files.create(b"").size, int)
assert_type(replicant.FileOutput("x").open(), io.BufferedReader)
assert_type(client.save_all([], "x"), List[str])

async def main() -> None:
    assert_type(await raw.async_get("x"), APIResponse[Prediction])
    assert_type(await raw.async_list(), APIResponse[AsyncPage[Prediction]])
    answer = await other.predictions.with_raw_response.create(model="a/b")
    assert_type(answer, APIResponse[AsyncPrediction])
    async for text in other.stream("a/b").text():
        assert_type(text, str)
    async for prediction in other.predictions.list():
        assert_type(prediction, AsyncPrediction)
    raw.get(3)  # error
    raw.gets("x")  # error
    client.run("a/b", progress="yes")  # error
    client.run("a/b", on_abandon="leaf")  # error
    client.predictions.create("x", webhook_events_filter=["complete"])  # error
    client.predictions.create("x", webhook_events_filter=["completed"])
"""


@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["pyright"]], ids=lambda c: c[0])
def test_types_are_exact_where_they_are_used(tmp_path: Path, checker: list[str]) -> None:
    program = shutil.which(checker[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{checker[0]} is not installed")
    source = tmp_path / "uses.py"
    source.write_text(USES)
    # Beside the sources, where both look for the package without an installation.
    done = subprocess.run(
        [program, *checker[1:], str(source)],
        cwd=ROOT / "python",
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": str(ROOT / "python")},
    )
    wrong = {
        int(line.split(":")[1])
        for line in done.stdout.splitlines()
        if "error" in line and "uses.py:" in line
    }
    expected = {n for n, line in enumerate(USES.split("\n"), 1) if line.endswith("# error")}
    assert wrong == expected, done.stdout + done.stderr


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
