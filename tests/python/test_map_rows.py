"""The rows of `map`: values that cannot be sent, keys, inputs that are awaited, and several readers."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import io
import json
import os
import threading
import time
from collections import UserDict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import numbers

import replicant
from replicant.testing import Emulator


def cycle() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "wrong",
    [float("nan"), datetime.date(2025, 1, 1), decimal.Decimal(1), "\ud800", cycle(), object()],
    ids=["nan", "date", "decimal", "surrogate", "cycle", "object"],
)
def test_a_value_that_cannot_be_sent_fails_its_row_only(local: Emulator, wrong: Any) -> None:
    rows = numbers(200)
    rows[150]["value"] = wrong
    items = list(local.client().map("emulator/echo", rows, key=lambda row: f"row {id(row)}"))
    assert len(items) == 200
    (failed,) = [item for item in items if item.error is not None]
    assert (failed.index, failed.status, failed.row) == (150, "rejected", rows[150])
    assert failed.key == f"row {id(rows[150])}"
    assert isinstance(failed.error, replicant.InvalidArgumentError)
    assert failed.error.argument is not None and failed.error.argument.startswith("input.value")
    assert "rows[" not in failed.error.message
    assert len(local.predictions) == 199


def test_contents_are_read_once(local: Emulator) -> None:
    rows: list[dict[str, Any]] = [{"value": iter([1, 2])}, {"value": float("nan")}]
    items = list(local.client().map("emulator/echo", rows, ordered=True))
    assert items[0].output == [1, 2]
    assert items[1].error is not None


@pytest.mark.parametrize(
    ("key", "given"),
    [
        (None, "not null"),
        (10**30, "64 bits, not 1000000000000000000000000000000"),
        (1.5, "not 1.5"),
        ("\ud800", "surrogate"),
        ((), "not an array"),
    ],
)
def test_a_key_that_is_none_fails_its_row_only(local: Emulator, key: Any, given: str) -> None:
    rows = [{"key": "a", "value": 1}, {"key": key, "value": 2}, {"key": "c", "value": 3}]
    results = local.client().map(
        "emulator/echo", rows, input=lambda row: {"value": row["value"]}, key="key", ordered=True
    )
    items = list(results)
    assert [item.error is None for item in items] == [True, False, True]
    assert items[1].error is not None
    assert given in items[1].error.message
    assert (items[1].error.argument, items[1].key) == ("key", 1)


def test_the_second_row_with_a_key_is_an_error(local: Emulator, tmp_path: Path) -> None:
    @local.model("acme/painter")
    def paint(text: str) -> Path:
        path = tmp_path / f"drawn-{text}.txt"
        path.write_text(text)
        return path

    rows = [{"text": "one"}, {"text": "two"}]
    results = local.client().map(
        "acme/painter", rows, key=lambda _: "k", save_to=tmp_path / "out", ordered=True
    )
    first, second = results
    assert Path(first.output).read_text() == "one"
    assert second.error is not None and "which an earlier row has" in second.error.message
    assert len(local.predictions) == 1


class DataFrame:
    columns = ("a", "b")
    dtypes = ("int", "int")

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


class LazyFrame:
    """A frame of polars, whose columns are expensive."""

    dtypes = ("int", "int")

    @property
    def columns(self) -> list[str]:
        raise AssertionError("the columns are not needed")


class Table:
    """A table of pyarrow, which iterates over its columns."""

    column_names = ("a", "b")

    def to_pylist(self) -> list[dict[str, int]]:
        return [{"a": 1, "b": 2}]

    def __iter__(self) -> Iterator[list[int]]:
        return iter([[1], [2]])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (DataFrame(), r"not DataFrame, which has columns; pass `df.to_dict\('records'\)`"),
        (LazyFrame(), r"not LazyFrame, .*; collect or compute lazy and distributed frames first"),
        (Table(), r"not Table, which has columns; pass `table.to_pylist\(\)`"),
    ],
)
def test_a_table_is_not_rows(local: Emulator, table: Any, message: str) -> None:
    with pytest.raises(replicant.InvalidArgumentError, match=message):
        local.client().map("emulator/echo", table)


async def made(row: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"value": row["value"] * 2}


def later(row: dict[str, Any]) -> Any:
    return made(row)


class Made:
    async def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return await made(row)


@pytest.mark.parametrize("function", [made, Made()])
@pytest.mark.parametrize("is_async", [False, True])
async def test_an_asynchronous_input_is_awaited(
    local: Emulator, is_async: bool, function: Any
) -> None:
    async def source() -> AsyncIterator[dict[str, Any]]:
        for row in numbers(20):
            yield row

    client = replicant.AsyncClient("token", base_url=local.base_url)
    rows: Any = source() if is_async else numbers(20)
    results = client.map("emulator/echo", rows, input=function, ordered=True)
    assert [item.output async for item in results] == [2 * number for number in range(20)]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("function", [made, later], ids=["async def", "function"])
def test_a_blocking_batch_refuses_an_asynchronous_input(local: Emulator, function: Any) -> None:
    with pytest.raises(replicant.InvalidArgumentError, match=r"`input`.*`async for`") as caught:
        list(local.client().map("emulator/echo", numbers(3), input=function))
    assert caught.value.argument == "input"
    assert local.predictions == []


def fails_at_the_second(error: type[Exception]) -> Any:
    def fail(row: dict[str, Any]) -> Any:
        if row["value"] == 1:
            raise error
        return row

    return fail


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
@pytest.mark.parametrize("argument", ["input", "key", "progress"])
def test_a_stop_iteration_of_a_function_does_not_end_the_batch_silently(
    local: Emulator, error: type[Exception], argument: str
) -> None:
    def fail(_: Any) -> Any:
        raise error

    functions: dict[str, Any] = {
        argument: fail if argument == "progress" else fails_at_the_second(error)
    }
    with pytest.raises(RuntimeError, match=f"`{argument}` raised {error.__name__}") as caught:
        list(local.client().map("emulator/echo", numbers(4), **functions))
    assert isinstance(caught.value.__cause__, error)


def test_a_stop_iteration_of_an_input_does_not_end_the_batch_silently(local: Emulator) -> None:
    class Broken(UserDict[str, Any]):
        def items(self) -> Any:
            raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(local.client().map("emulator/echo", [{"value": Broken()}]))


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
@pytest.mark.parametrize("argument", ["input", "key", "progress", "awaited"])
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_stop_iteration_of_a_function_does_not_end_an_awaited_batch_silently(
    local: Emulator, error: type[Exception], argument: str, is_async: bool
) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        for row in numbers(4):
            yield row

    def fail(_: Any) -> Any:
        raise error

    made = fails_at_the_second(error)

    async def awaited(row: dict[str, Any]) -> Any:
        return made(row)

    functions: dict[str, Any] = {
        "input": {"input": made},
        "key": {"key": made},
        "progress": {"progress": fail},
        "awaited": {"input": awaited},
    }
    client = replicant.AsyncClient("token", base_url=local.base_url)
    given: Any = rows() if is_async else numbers(4)
    # Python itself converts a StopIteration of a coroutine.
    with pytest.raises(RuntimeError, match=f"raised {error.__name__}"):
        async for _ in client.map("emulator/echo", given, **functions[argument]):
            pass


async def test_an_asynchronous_key_is_refused(local: Emulator) -> None:
    async def key(row: Any) -> int:
        return 1

    client = replicant.AsyncClient("token", base_url=local.base_url)
    with pytest.raises(replicant.InvalidArgumentError, match="`key` returned coroutine"):
        async for _ in client.map("emulator/echo", numbers(3), key=key):  # type: ignore[arg-type]
            pass


def test_results_arrive_while_slow_rows_are_read(local: Emulator) -> None:
    read = 0

    def rows() -> Iterator[Any]:
        nonlocal read
        for value in range(40):
            time.sleep(0.1)
            read += 1
            yield {"value": value}

    results = local.client().map("emulator/echo", rows())
    next(results)
    assert read < 40
    results.close()


@pytest.mark.parametrize("threads", [2, 4])
def test_several_threads_read_one_batch(local: Emulator, threads: int) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for number in range(200):
            yield {"value": number, "delay": number % 7 / 1000}

    results = local.client().map("emulator/echo", rows(), concurrency=16)
    seen: list[list[tuple[int, Any]]] = [[] for _ in range(threads)]
    failures: list[BaseException] = []

    def read(into: list[tuple[int, Any]]) -> None:
        try:
            into.extend((item.row["value"], item.output) for item in results)
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=read, args=(into,)) for into in seen]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert sorted(pair for part in seen for pair in part) == [(n, n) for n in range(200)]


def in_memory(folder: Path, text: str) -> Any:
    file = io.BytesIO(text.encode())
    file.name = "photo.txt"
    return file


def on_disk(folder: Path, text: str) -> Path:
    path = folder / text / "photo.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def opened(folder: Path, text: str) -> Any:
    return on_disk(folder, text).open("rb")


@pytest.mark.parametrize("make", [in_memory, on_disk, opened])
def test_a_checkpoint_compares_files_by_their_content(
    local: Emulator, tmp_path: Path, make: Any
) -> None:
    def batch(texts: list[str]) -> Any:
        rows = [{"value": make(tmp_path, text)} for text in texts]
        return local.client().map(
            "emulator/echo", rows, ordered=True, checkpoint=tmp_path / "batch.jsonl"
        )

    first = list(batch(["one", "two"]))
    again = list(batch(["one", "two"]))
    assert [item.resumed for item in again] == [True, True]
    assert [str(item.output) for item in again] == [str(item.output) for item in first]
    with pytest.raises(replicant.InvalidArgumentError, match="had another input"):
        list(batch(["two", "one"]))
    assert len(local.predictions) == 2


def uploaded(output: Any) -> int:
    """Returns the size of a file that `emulator/echo` returned."""
    return int(json.loads(output.read())["size"])


def test_a_checkpoint_leaves_open_files_where_they_are(local: Emulator, tmp_path: Path) -> None:
    size = 3_000_000
    (tmp_path / "photo.bin").write_bytes(b"x" * size)
    client = local.client()

    def batch(file: Any, others: list[dict[str, Any]]) -> list[Any]:
        rows = [*others, {"value": file}]
        options: Any = {"checkpoint": tmp_path / "batch.jsonl", "max_predictions": 1}
        return list(client.map("emulator/echo", rows, key=lambda row: str(row["value"]), **options))

    with (tmp_path / "photo.bin").open("rb") as file:
        # Compared after a limit.
        assert len(batch(file, [{"value": 1}, {"value": 2}])) == 1
        assert file.tell() == 0
        (item,) = batch(file, [])
        assert uploaded(item.output) == size
        file.seek(0)
        (item,) = batch(file, [])
        assert item.resumed
        assert file.tell() == 0
        assert uploaded(client.run("emulator/echo", {"value": file})) == size
        file.seek(100)
        (item,) = batch(file, [])
        assert item.error is not None and "another input" in item.error.message
        assert file.tell() == 100
        assert uploaded(client.run("emulator/echo", {"value": file})) == size - 100


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_a_stream(local: Emulator, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    options: Any = {"checkpoint": tmp_path / "batch.jsonl"}
    (item,) = local.client().map("emulator/echo", [{"value": pipe}], **options)
    assert isinstance(item.error, replicant.InvalidArgumentError)
    assert item.error.argument == "key"
    content = b"0123456789" * 10_000
    # The writer waits until the upload opens the pipe, and would fail if it was closed early.
    writer = threading.Thread(target=pipe.write_bytes, args=(content,), daemon=True)
    writer.start()
    (item,) = local.client().map(
        "emulator/echo", [{"value": pipe}], key=lambda row: "pipe", timeout=60, **options
    )
    assert item.error is None
    assert uploaded(item.output) == len(content)
    writer.join(60)


def test_a_batch_continues_in_a_folder_that_was_moved(
    local: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batch() -> Any:
        rows = [{"value": Path("photo.txt")}]
        (item,) = local.client().map("emulator/echo", rows, checkpoint="batch.jsonl")
        assert item.error is None
        return item

    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "photo.txt").write_text("heron")
    monkeypatch.chdir(tmp_path / "one")
    batch()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").rename(tmp_path / "other")
    monkeypatch.chdir(tmp_path / "other")
    assert batch().resumed
    (tmp_path / "other" / "photo.txt").rename(tmp_path / "other" / "image.txt")
    rows = [{"value": Path("image.txt")}]
    with pytest.raises(replicant.InvalidArgumentError, match="had another input"):
        list(local.client().map("emulator/echo", rows, checkpoint="batch.jsonl"))


def test_a_row_with_a_stream_needs_a_key_with_a_checkpoint(local: Emulator, tmp_path: Path) -> None:
    class Once(io.RawIOBase):
        left = [b"once"]

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.left.pop() if self.left else b""

    options: Any = {"checkpoint": tmp_path / "batch.jsonl"}
    (item,) = local.client().map("emulator/echo", [{"value": Once()}], **options)
    assert isinstance(item.error, replicant.InvalidArgumentError)
    assert item.error.argument == "key"
    (item,) = local.client().map(
        "emulator/echo", [{"value": Once()}], key=lambda row: "a", **options
    )
    assert item.error is None
