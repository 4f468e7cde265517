"""The recipes for Dask and Spark in docs/scale.md run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest
from conftest import creates, paid

import replicant
from replicant.testing import Emulator

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
# Runs in a process of its own: both start processes and threads that outlive a test.
SHOW = """
import json
print("RESULT", json.dumps({str(name): list(values) for name, values in found.to_dict("list").items()}))
"""


def section(name: str) -> str:
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in re.split(r"^##+ ", page, flags=re.M)[1:])
    return "\n".join(BLOCK.findall(sections[name]))


def run(program: str, variables: Dict[str, str], folder: Path) -> Dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={
            **os.environ,
            **variables,
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stderr
    line = next(line for line in ran.stdout.splitlines() if line.startswith("RESULT "))
    result: Dict[str, Any] = json.loads(line[len("RESULT ") :])
    return result


@pytest.mark.parametrize("engine", ["Dask", "Spark"])
def test_a_recipe_runs_each_row_once(
    engine: str, emulator: Emulator, variables: Dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("dask.dataframe" if engine == "Dask" else "pyspark")
    if engine == "Spark" and shutil.which("java") is None:
        pytest.skip("Spark needs a Java runtime: apt-get install default-jre-headless")
    emulator.reset()
    emulator.script("acme/captioner", output="a heron")
    lines = ["id,url", *(f"{number},https://example.com/{number}.png" for number in range(100))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    found = run(section(engine) + SHOW, variables, tmp_path)
    assert sorted(found["id"]) == list(range(100))
    assert set(found["caption"]) == {"a heron"}
    assert not any(found["error"])
    assert creates(emulator) == 100
    assert set(paid(emulator, "image").values()) == {1}


def test_the_example_of_ray_runs(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    ran = subprocess.run(
        [sys.executable, ROOT / "examples/ray_captions.py"],
        cwd=tmp_path,
        env={
            name: value for name, value in os.environ.items() if not name.startswith("REPLICATE_")
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stderr
    assert "200 rows, 0 failed" in ran.stdout
    assert "a heron at dawn" in ran.stdout


def test_the_code_for_ray_runs(
    emulator: Emulator, variables: Dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    emulator.reset()
    emulator.script("acme/captioner", output="a heron")
    lines = ["id,url", *(f"{number},https://example.com/{number}.png" for number in range(20))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    show = 'found = captions.to_pandas().rename(columns={"output": "caption"})' + SHOW
    found = run(section("Ray") + show, variables, tmp_path)
    assert sorted(found["id"]) == list(range(20))
    assert set(found["caption"]) == {"a heron"}
    assert set(paid(emulator, "image").values()) == {1}
    assert len(list((tmp_path / "captions").glob("*.parquet"))) >= 1


def test_tables_are_not_rows(emulator: Emulator) -> None:
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"value": [1, 2]})
    table = pyarrow.table({"value": [1, 2]})
    client = emulator.client()
    tables = [frame, table, *table.to_batches()]
    if importlib.util.find_spec("dask") is not None:
        import dask.dataframe

        tables.append(dask.dataframe.from_pandas(frame, npartitions=1))
    for given in tables:
        with pytest.raises(replicant.InvalidArgumentError, match="which has columns"):
            client.map("emulator/echo", given)
    for rows in (table.to_pylist(), frame.to_dict("records")):
        assert {item.output for item in client.map("emulator/echo", rows)} == {1, 2}
