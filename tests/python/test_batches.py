"""What `replicant.ray` consists of, without Ray."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from conftest import python

import replicant
from replicant import _ray_gate
from replicant._native import CheckpointFolder, Turns
from replicant._ray_rows import check_names, output_text, plain, rows_of, with_columns
from replicant.testing import Emulator


def test_the_module_says_what_it_needs() -> None:
    if importlib.util.find_spec("ray"):
        pytest.skip("Ray is installed")
    done = python("import replicant.ray; replicant.ray.predict(None, 'a/b')")
    assert "pip install 'replicant[ray]'" in done.stderr
    assert done.returncode == 1


class Scalar(float):
    """Stands for `numpy.float64`, which is a float."""

    def tolist(self) -> float:
        return float(self)


class Array:
    """Stands for an array of numpy, and for a scalar that is no number of Python."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def tolist(self) -> Any:
        return self.value


def test_values_become_plain() -> None:
    value = plain({"a": Scalar(1.5), "b": Array([Array(1), Scalar(2)]), "c": (None, True, b"x")})
    assert value == {"a": 1.5, "b": [1, 2.0], "c": [None, True, b"x"]}
    assert [type(value["a"]), type(value["b"][1]), type(value["c"][1])] == [float, float, bool]
    assert json.dumps(value["a"])


def test_a_batch_of_arrays_has_rows() -> None:
    batch = {"id": [Array(1), Array(2)], "name": ["a", "b"]}
    assert rows_of(batch) == [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    assert rows_of({}) == []
    with pytest.raises(replicant.InvalidArgumentError, match="choose `batch_format`"):
        rows_of(5)


def test_outputs_are_text() -> None:
    assert [output_text(value) for value in (None, "a", ["a", 1], {"x": "ü"}, 5)] == [
        None,
        "a",
        '["a",1]',
        '{"x":"ü"}',
        "5",
    ]


def test_columns_are_added_to_a_new_batch() -> None:
    pytest.importorskip("numpy")
    batch = {"id": [1, 2]}
    added = with_columns(batch, {"status": ["a", "b"], "seconds": [1.0, None]}, "x_")
    assert list(batch) == ["id"]
    assert list(added["x_status"]) == ["a", "b"]
    assert str(added["x_seconds"].dtype) == "float64"
    with pytest.raises(replicant.InvalidArgumentError, match="'x_error' already; pass `prefix`"):
        check_names(["x_error"], "x_")


def finish(local: Emulator, folder: CheckpointFolder, keys: list[Any]) -> dict[Any, Any]:
    """Runs a batch with the checkpoint of its keys."""
    results = local.client().map(
        "emulator/echo",
        keys,
        input=lambda key: {"value": key},
        key=lambda key: key,
        checkpoint=folder.prepare(keys),
    )
    return {item.key: item for item in results}


def test_results_are_found_however_batches_are_cut(local: Emulator, tmp_path: Path) -> None:
    keys: list[Any] = [*range(10), *"abcdefghij"]
    for size in (7, 7, 4, 20, 7):
        # As in a new process.
        folder = CheckpointFolder(str(tmp_path))
        for start in range(0, len(keys), size):
            batch = keys[start : start + size]
            items = finish(local, folder, batch)
            assert [items[key].output for key in batch] == batch
    assert len(local.predictions) == len(keys)
    assert not folder.needs_create("a")
    assert folder.needs_create("k")


def test_a_result_that_only_another_file_has_is_found(local: Emulator, tmp_path: Path) -> None:
    first = CheckpointFolder(str(tmp_path))
    path = Path(first.prepare([1, 2]))
    with local.client().map(
        "emulator/echo", [1], input=lambda n: {"value": n}, checkpoint=path, key=int
    ) as one:
        list(one)
    # A killed process leaves an incomplete line behind.
    with path.open("a") as file:
        file.write('{"step":"inte')
    finish(local, CheckpointFolder(str(tmp_path)), [2, 3])
    # The file of these keys lacks the second.
    items = finish(local, CheckpointFolder(str(tmp_path)), [1, 2])
    assert all(item.resumed for item in items.values())
    assert len(local.predictions) == 3


def test_a_folder_of_another_model_is_refused(local: Emulator, tmp_path: Path) -> None:
    finish(local, CheckpointFolder(str(tmp_path)), [1, 2])
    path = CheckpointFolder(str(tmp_path)).prepare([2])
    with pytest.raises(replicant.InvalidArgumentError, match="belongs to another batch"):
        list(local.client().map("emulator/stream", [{}], checkpoint=path))
    (tmp_path / "other.jsonl").write_text("[]\n[]\n")
    with pytest.raises(replicant.InvalidArgumentError, match=r"other\.jsonl is not a checkpoint"):
        CheckpointFolder(str(tmp_path)).prepare([2])


def test_creates_are_expected_for_rows_that_need_another_prediction(
    local: Emulator, tmp_path: Path
) -> None:
    local.script("acme/broken", fails="out of memory")
    broken = local.client().map(
        "acme/broken", [1], input=lambda n: {"value": n}, key=int, checkpoint=tmp_path / "a.jsonl"
    )
    assert [item.status for item in broken] == ["failed"]
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write(
            json.dumps({"step": "intent", "key": 2, "attempts": 1, "input": "0" * 32, "time": 1})
        )
        file.write("\n")

    def expected(**options: Any) -> list[bool]:
        folder = CheckpointFolder(str(tmp_path), **options)
        folder.prepare([1, 2, 3])
        return [folder.needs_create(key) for key in (1, 2, 3)]

    assert expected() == [False, False, True]
    assert expected(retries=1) == [True, False, True]
    assert expected(retry_unknown=True) == [False, True, True]


def test_a_file_that_a_batch_uses_is_not_replaced(local: Emulator, tmp_path: Path) -> None:
    finish(local, CheckpointFolder(str(tmp_path)), [1])
    path = Path(CheckpointFolder(str(tmp_path)).prepare([1, 2]))
    with local.client().map(
        "emulator/echo",
        [1, 2],
        input=lambda n: {"value": n},
        key=lambda n: n,
        checkpoint=path,
        concurrency=1,
    ) as batch:
        next(batch)
        # Another process has a result that this file lacks.
        finish(local, CheckpointFolder(str(tmp_path)), [3])
        (tmp_path / "b.jsonl").write_bytes(path.read_bytes().replace(b'"key":1', b'"key":2'))
        used = path.stat().st_ino
        CheckpointFolder(str(tmp_path)).prepare([1, 2])
        assert path.stat().st_ino == used
        list(batch)
    assert path.stat().st_ino == used


def test_turns_are_handed_out_at_the_known_pace() -> None:
    turns = Turns(120.0)
    assert [turns.take()[0] for _ in range(3)] == [0, 1, None]
    assert 0 < turns.take()[1] <= 0.5
    turns.responded(0, 429, {"retry-after": "5"}, 0.1)
    assert 4 < turns.state()[2] <= 5
    with pytest.raises(replicant.InvalidArgumentError, match="`rate_per_minute`"):
        Turns(0)


async def test_creates_without_a_response_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", types.ModuleType("ray"))
    monkeypatch.setattr(_ray_gate, "_MAX_SENT", 3)
    gated = _ray_gate.Gated("token", "http://localhost/v1", None)
    for number in range(10):
        gated._ready.append((0, number))
        await gated.on_request(
            replicant.RequestEvent(
                {
                    "request": number,
                    "method": "POST",
                    "url": "http://localhost/v1/predictions",
                    "headers": {},
                    "body": None,
                    "attempt": 1,
                }
            )
        )
    assert list(gated._sent) == [7, 8, 9]
