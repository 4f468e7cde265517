"""The examples run, each in its own folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

# What each example prints on success.
SAID = {
    "background": ["started ", "succeeded after", "no longer needed: canceled", "20 steps"],
    "batch": [
        "first run: 6 succeeded, 0 failed, 0 from the checkpoint",
        "again: 6 succeeded, 0 failed, 6 from the checkpoint",
        "animal-5: pictures",
    ],
    "custom_client": [
        "response of a function: nobody",
        "signed in as acme",
        "200 application/json meta/meta-llama-3-8b-instruct",
        "unprocessable (422)",
        "not_found (404)",
    ],
    "fine_tune": [
        "found stability-ai/sdxl",
        "the training succeeded",
        "made sunset.png",
        "acme/sunsets: succeeded",
    ],
    "pipeline": ["2 pictures of", "(512, 512) became (1024, 1024)", "saved harbor/output.png"],
    "ray_captions": ["200 rows, 0 failed"],
    "quickstart": ["1. run:", "6. error:   unprocessable (422)"],
    "tasks": ["  swift: swift.webp", "Ben said 40 words", "stopped after 1 s"],
}
NEEDS = {
    "custom_client": ["httpx"],
    "ray_captions": ["ray"],
}


def test_each_example_is_run() -> None:
    assert sorted(SAID) == sorted(path.stem for path in (ROOT / "examples").glob("*.py"))


def test_the_application_passes_its_own_tests() -> None:
    for module in ("fastapi", "uvicorn", "httpx"):
        pytest.importorskip(module)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(ROOT / "examples/fastapi")],
        cwd=ROOT / "examples/fastapi",
        env={key: value for key, value in os.environ.items() if not key.startswith("REPLICATE_")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


@pytest.mark.parametrize("name", SAID)
def test_example(name: str, tmp_path: Path) -> None:
    for module in NEEDS.get(name, ["PIL"]):
        pytest.importorskip(module)
    done = subprocess.run(
        [sys.executable, ROOT / f"examples/{name}.py"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("REPLICATE_")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # Only a progress bar writes to stderr.
    assert "Traceback" not in done.stderr
    for words in SAID[name]:
        assert words in done.stdout
