"""`replicant.ray` on a local Ray cluster."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from conftest import TOKEN, creates, paid

from replicant.testing import Emulator

pytest.importorskip("ray")

import numpy as np
import ray
import ray.data

import replicant
import replicant.ray
from replicant._ray_gate import NAMESPACE, Gate


@pytest.fixture(scope="module", autouse=True)
def cluster(variables: Dict[str, str]) -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture(autouse=True)
def clean(emulator: Emulator) -> None:
    emulator.reset()


def dataset(*rows: Dict[str, Any]) -> Any:
    return ray.data.from_items(list(rows))


def taken(results: Any, by: str = "id") -> List[Dict[str, Any]]:
    return sorted(results.take_all(), key=lambda row: row[by])


def test_the_package_does_not_import_ray() -> None:
    script = "import sys, replicant; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_rows_get_columns_and_errors_are_among_them(emulator: Emulator) -> None:
    emulator.script("acme/text", output="a heron")
    emulator.script("acme/list", outputs=["a", "heron"])
    emulator.script("acme/broken", fails="out of memory")
    rows = dataset(*({"id": number, "name": f"row {number}"} for number in range(40)))
    for model, output in [("acme/text", "a heron"), ("acme/list", '["a","heron"]')]:
        found = taken(replicant.ray.predict(rows, model, input=lambda row: {"n": row["id"]}))
        assert [(row["id"], row["name"]) for row in found] == [(n, f"row {n}") for n in range(40)]
        assert {(row["status"], row["output"], row["error"]) for row in found} == {
            ("succeeded", output, None)
        }
        assert len({row["prediction_id"] for row in found}) == 40
        assert all(row["seconds"] >= 0 for row in found)
    found = taken(replicant.ray.predict(rows, "acme/broken", prefix="caption_"))
    assert {(row["caption_status"], row["caption_output"]) for row in found} == {("failed", None)}
    assert all(row["caption_error"].startswith("prediction_failed: ") for row in found)
    assert all("out of memory" in row["caption_error"] for row in found)


def test_rows_keep_their_order_and_values_become_plain() -> None:
    nested = [
        {"value": {"i": n, "f": n / 2, "b": n % 2 == 0, "s": str(n), "l": [n, n + 1]}, "id": n}
        for n in range(100)
    ]
    found = replicant.ray.predict(
        dataset(*nested).repartition(1),
        "emulator/echo",
        input=lambda row: {"value": row["value"], "delay": 0.3 if row["id"] % 7 == 0 else 0},
    ).take_all()
    assert [row["id"] for row in found] == list(range(100))
    assert [json.loads(row["output"]) for row in found] == [row["value"] for row in nested]


@pytest.mark.parametrize("batch_format", ["numpy", "pandas", "pyarrow"])
def test_the_class_takes_every_format_of_batches(batch_format: str) -> None:
    results = ray.data.range_tensor(30, shape=(2, 2)).map_batches(
        replicant.ray.Predict,
        fn_constructor_args=("emulator/echo",),
        fn_constructor_kwargs={"input": lambda row: {"value": row["data"]}, "concurrency": 8},
        compute=ray.data.ActorPoolStrategy(size=1),
        batch_format=batch_format,
        num_cpus=0.1,
    )
    found = results.take_all()
    assert len(found) == 30
    for row in found:
        assert json.loads(row["output"]) == np.asarray(row["data"]).tolist(), row


def test_actors_share_a_known_limit(emulator: Emulator) -> None:
    emulator.script("acme/text", output="a heron")
    began = time.monotonic()
    results = [
        replicant.ray.predict(
            ray.data.range(60, override_num_blocks=4),
            "acme/text",
            input=lambda row: {"n": row["id"]},
            actors=2,
            rate_per_minute=600,
        )
        for _ in range(2)
    ]
    total = sum(len(one.take_all()) for one in results)
    assert total == creates(emulator) == 120
    # 120 at ten per second, ten of them at once in each of the two pipelines.
    assert time.monotonic() - began > (120 - 20) / 10
    names = [
        actor["name"]
        for actor in ray.util.list_named_actors(all_namespaces=True)
        if actor["namespace"] == NAMESPACE
    ]
    assert len(names) == 1
    assert TOKEN not in names[0]
    state = ray.get(ray.get_actor(names[0], namespace=NAMESPACE).state.remote())
    assert state[0] == pytest.approx(600)


@pytest.mark.parametrize("used", ["turn", "stopped"])
def test_an_idle_gate_ends(used: str) -> None:
    class Brief(Gate):
        idle = 0.5

    gate = ray.remote(Brief).options(num_cpus=0, max_concurrency=10).remote()
    if used == "turn":
        assert tuple(ray.get(gate.turn.remote(None))) == (0, 0)
    else:
        # Of an actor that was killed: it shows no sign of life again.
        gate.stopped.remote("pipeline", "actor", "batch")
    with pytest.raises(ray.exceptions.RayActorError):
        for _ in range(100):
            ray.get(gate.state.remote())
            time.sleep(0.1)


def test_a_gate_stops_the_batches_of_one_pipeline() -> None:
    gate = ray.remote(Gate).options(num_cpus=0, max_concurrency=100).remote()
    one, two = (
        gate.stopped.remote("p", "actor 1", "one"),
        gate.stopped.remote("p", "actor 2", "two"),
    )
    other = gate.stopped.remote("q", "actor 3", "other")
    assert ray.wait([one, two, other], timeout=0.5)[0] == []
    # A batch that has ended is not stopped.
    ray.get(gate.ended.remote("p", "two"))
    assert ray.get(two) is False
    stop = gate.stop.remote("p", 60.0)
    assert ray.get(one) is True
    # Not before each batch has ended, also one that begins meanwhile.
    late = gate.stopped.remote("p", "actor 4", "late")
    assert ray.get(late) is True
    ray.get(gate.ended.remote("p", "one"))
    assert ray.wait([stop], timeout=0.5)[0] == []
    ray.get(gate.ended.remote("p", "late"))
    ray.get(stop, timeout=30)
    # What still waits in an actor that was stopped does not begin; another execution of the pipeline does.
    assert ray.get(gate.stopped.remote("p", "actor 2", "waiting")) is True
    again = gate.stopped.remote("p", "actor 5", "again")
    assert ray.wait([again, other], timeout=0.5)[0] == []
    # A killed actor reports no end.
    began = time.monotonic()
    ray.get(gate.stop.remote("p", 0.5), timeout=30)
    assert time.monotonic() - began >= 0.5


def test_a_refused_token_ends_the_job(emulator: Emulator) -> None:
    with Emulator(token="r8_another") as strict:
        results = replicant.ray.predict(
            dataset({"value": 1}), "emulator/echo", client={"base_url": strict.base_url}
        )
        with pytest.raises(Exception, match=r"(?s)AuthenticationError") as caught:
            results.take_all()
        assert TOKEN not in str(caught.value)


def test_a_missing_token_ends_the_job() -> None:
    results = replicant.ray.predict(dataset({"id": 1}), "emulator/echo", token_env="NO_SUCH_TOKEN")
    with pytest.raises(Exception, match="NO_SUCH_TOKEN is not set"):
        results.take_all()


def test_a_pickled_object_has_no_token() -> None:
    predict = replicant.ray.Predict("emulator/echo", input="value")
    batch = {"value": np.array([{"value": 1}, {"value": 2}], dtype=object)}
    returned = asyncio.run(predict(batch))
    assert list(returned["output"]) == ["1", "2"]
    assert list(batch) == ["value"]
    for pickled in (ray.cloudpickle.dumps(predict), pickle.dumps(replicant.ray.Predict("a/b"))):
        assert TOKEN.encode() not in pickled
    assert TOKEN not in repr(vars(predict))
    results = replicant.ray.predict(dataset({"value": 1}), "emulator/echo")
    results.take_all()
    for pickled in (ray.cloudpickle.dumps(results.context), ray.cloudpickle.dumps(results)):
        assert TOKEN.encode() not in pickled


def test_the_results_of_a_checkpoint_are_returned_however_batches_are_cut(
    emulator: Emulator, tmp_path: Path
) -> None:
    rows = ray.data.range(120, override_num_blocks=3)
    for batch_size in (40, 40, 25):
        results = replicant.ray.predict(
            rows,
            "emulator/echo",
            input=lambda row: {"value": row["id"]},
            key="id",
            checkpoint=tmp_path,
            batch_size=batch_size,
        )
        found = taken(results)
        assert [row["output"] for row in found] == [str(number) for number in range(120)]
    assert set(paid(emulator, "value").values()) == {1}


def test_files_are_saved(emulator: Emulator, tmp_path: Path) -> None:
    @emulator.model("acme/painter")
    def paint(name: str) -> Path:
        path = tmp_path / "drawn.txt"
        path.write_text(name)
        return path

    rows = dataset({"name": "heron"}, {"name": "fox"})
    found = taken(
        replicant.ray.predict(rows, "acme/painter", key="name", save_to=tmp_path / "out"), "name"
    )
    assert [Path(row["output"]).read_text() for row in found] == ["fox", "heron"]
    assert [os.path.basename(row["output"]) for row in found] == ["fox.txt", "heron.txt"]


@pytest.mark.parametrize(
    "options, words",
    [
        (
            {"client": {"api_token": "x"}},
            "set REPLICATE_API_TOKEN in the environment of the workers",
        ),
        ({"client": {"rate_limit": 5}}, "pass `rate_per_minute`"),
        ({"checkpoint": "folder"}, "`checkpoint` needs `key`"),
        ({"max_predictions": 5}, r"use `ds.limit\(n\)`"),
        ({"drain": True}, "`drain` is not supported"),
        ({"progress": True}, "`progress` is not needed: Ray shows"),
        ({"rate_per_minute": 0}, "`rate_per_minute` must be"),
        ({"actors": 0}, "`actors` must be"),
        ({"concurrency": 0}, "`concurrency` must be"),
        ({"input": 5}, "`input` must be a function or the name of a member"),
    ],
)
def test_mistakes_are_reported_before_the_job_begins(options: Dict[str, Any], words: str) -> None:
    with pytest.raises(replicant.InvalidArgumentError, match=words):
        replicant.ray.predict(dataset({"id": 1}), "emulator/echo", **options)
    with pytest.raises(TypeError, match="unexpected keyword argument 'retrys'"):
        replicant.ray.predict(dataset({"id": 1}), "emulator/echo", retrys=3)


def test_columns_with_the_same_name_are_a_mistake() -> None:
    with pytest.raises(replicant.InvalidArgumentError, match="pass `prefix`"):
        replicant.ray.predict(dataset({"status": 1}).materialize(), "emulator/echo")
