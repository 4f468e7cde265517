"""Progress bars and progress callbacks."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Emulator, python

import replicant

CONTENT = bytes(4_000_000)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def no_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)


def lines(text: str) -> list[str]:
    return [line for line in text.replace("\r", "\n").split("\n") if line]


def test_nothing_is_printed_by_default(
    client: replicant.Client, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    client.run("emulator/progress", {})
    client.files.create(CONTENT, filename="x")
    client.predictions.wait(client.predictions.create(model="emulator/progress", input={}).id)
    assert capfd.readouterr() == ("", "")


def test_progress_is_read_from_the_logs(client: replicant.Client) -> None:
    seen: list[replicant.Prediction.Progress] = []
    client.run(
        "emulator/progress", {"step_seconds": 0.05}, wait=False, interval=0.05, progress=seen.append
    )
    assert seen[-1] == (1.0, 10, 10)
    assert seen == sorted(set(seen)), "each step is reported once, in order"
    assert len(seen) > 2


async def test_progress_of_awaited_calls_is_read_from_the_logs(
    async_client: replicant.AsyncClient,
) -> None:
    seen: list[replicant.Prediction.Progress] = []
    states: list[str] = []
    prediction = await async_client.predictions.create(model="emulator/progress", input={})
    await prediction.wait(progress=seen.append, on_update=lambda p: states.append(p.status))
    assert seen[-1] == (1.0, 10, 10)
    assert states[-1] == "succeeded"
    other = await async_client.predictions.create(model="emulator/progress", input={})
    seen.clear()
    await async_client.predictions.wait(other.id, progress=seen.append)
    assert seen[-1] == (1.0, 10, 10)


def test_transfers_report_their_bytes(client: replicant.Client, tmp_path: Path) -> None:
    seen: list[Any] = []
    client.files.create(CONTENT, filename="x", progress=seen.append)
    assert [piece.loaded for piece in seen] == sorted(piece.loaded for piece in seen)
    assert seen[-1].loaded >= len(CONTENT)
    output = client.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})[0]
    seen.clear()
    output.save(tmp_path / "x", progress=seen.append)
    size = (tmp_path / "x").stat().st_size
    assert seen[-1] == (size, size)


def test_progress_uses_the_bars_of_tqdm(
    client: replicant.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    client.run("emulator/progress", {}, progress=True)
    client.files.create(CONTENT, filename="large.bin", progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "emulator/progress: 100%" in shown.err
    assert "10/10" in shown.err
    assert "large.bin: 100%" in shown.err
    assert "4.00M/4.00M" in shown.err


@pytest.mark.parametrize("tqdm", [True, False])
def test_each_upload_has_its_own_bar(
    client: replicant.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tqdm: bool
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    if not tqdm:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    path = tmp_path / "photo.bin"
    path.write_bytes(CONTENT)
    states: list[Any] = []
    input = {"value": [path, io.BytesIO(CONTENT[1:])]}
    client.run("emulator/echo", input, progress=True, on_update=states.append)
    text = shown.getvalue()
    assert "photo.bin: 100%" in text if tqdm else "photo.bin: 4.0 MB of 4.0 MB (100%)" in text
    assert "emulator/echo: succeeded" in text
    assert all(isinstance(state, replicant.Prediction) and state.id for state in states)
    seen: list[Any] = []
    client.run("emulator/echo", {"value": [path]}, progress=seen.append)
    assert not seen, "a function is called with the progress of the model only"


@pytest.mark.usefixtures("no_tqdm")
def test_without_tqdm_progress_prints_a_few_lines(
    client: replicant.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    client.run("emulator/progress", {}, progress=True)
    client.files.create(CONTENT, filename="large.bin", progress=True)
    printed = lines(shown.getvalue())
    assert "emulator/progress: 10 of 10 (100%)" in printed
    assert printed[-1].startswith("large.bin: 4.0 MB of 4.0 MB")
    assert len([line for line in printed if line.startswith("large.bin")]) <= 5
    assert "\r" not in shown.getvalue()


@pytest.mark.usefixtures("no_tqdm")
def test_without_tqdm_a_terminal_shows_one_line(
    client: replicant.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    client.files.create(CONTENT, filename="large.bin", progress=True)
    text = shown.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("(100%)\n")
    assert text.startswith("\rlarge.bin: ")


def test_the_bar_is_closed_when_the_call_fails(client: replicant.Client) -> None:
    pytest.importorskip("tqdm")
    from tqdm.auto import tqdm

    with pytest.raises(replicant.ModelError):
        client.run("emulator/fails", {}, progress=True)
    assert not [bar for bar in tqdm._instances if not bar.disable]


def test_progress_works_without_stderr(emulator: Emulator) -> None:
    script = """
import sys, replicant
sys.modules["tqdm"] = None
sys.stderr = None
replicant.Client(base_url=sys.argv[1]).run("emulator/progress", {}, progress=True)
print("good")
"""
    assert python(script, emulator.base_url).stdout == "good\n"


def test_an_exception_of_a_progress_callback_ends_the_call(client: replicant.Client) -> None:
    def refuse(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.run("emulator/progress", {}, wait=False, progress=refuse)
