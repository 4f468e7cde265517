"""The Python code of the README files runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Emulator

BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


@pytest.mark.parametrize("name", ["README.md", "python/README.md"])
def test_the_code_of_a_readme_runs(name: str, emulator: Emulator, tmp_path: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    program = "\n".join(BLOCK.findall(text)).replace("https://example.com", "http://127.0.0.1:9")
    env = {key: value for key, value in os.environ.items() if not key.startswith("REPLICATE_")}
    env.update(REPLICATE_API_TOKEN="r8_test", REPLICATE_BASE_URL=emulator.base_url)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert program.count("\n") > 40
    assert "input.prompt" in done.stdout
    assert (tmp_path / "larger.png").stat().st_size > 1000
