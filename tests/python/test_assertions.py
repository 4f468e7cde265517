"""Assertions about the predictions of an emulator."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Iterator
from unittest import mock

import pytest
from conftest import eventually

from replicant.testing import ANY, Emulator

PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def test_assertions_show_differences(emulator: Emulator) -> None:
    emulator.assert_not_called()
    with pytest.raises(AssertionError, match="no predictions were created at all"):
        emulator.assert_called("emulator/echo")
    emulator.client().run("emulator/echo", {"value": 1, "seed": 7})
    emulator.assert_called("emulator/echo", times=1)
    emulator.assert_called_with("emulator/echo", {"value": 1, "seed": ANY})
    emulator.assert_any_call("emulator/echo", {"value": ANY, "seed": 7})
    with pytest.raises(AssertionError, match=r"expected input\.value = 2, got 1"):
        emulator.assert_called_with("emulator/echo", {"value": 2, "seed": ANY})
    with pytest.raises(AssertionError, match="expected no predictions"):
        emulator.assert_not_called("emulator/echo")


def test_assertions_take_a_version_or_a_deployment_and_refuse_a_misspelled_name(
    emulator: Emulator,
) -> None:
    client = emulator.client()
    emulator.script("acme/paid", output=1, versions=["v2", "v1"])
    client.run("acme/paid:v1", {"prompt": "a"})
    emulator.assert_not_called("acme/paid:v2")
    emulator.assert_called_with("acme/paid:v1", {"prompt": mock.ANY})
    with pytest.raises(AssertionError, match="expected no predictions of acme/paid:v1, found 1"):
        emulator.assert_not_called("acme/paid:v1")
    client.deployments.predictions.create("acme/text", input={"prompt": "b"})
    emulator.assert_called_with("acme/text", {"prompt": mock.ANY})
    with pytest.raises(AssertionError, match="expected no predictions of acme/text"):
        emulator.assert_not_called("acme/text")
    for model in ("", "acme", "typo"):
        with pytest.raises(ValueError, match="`model` must be"):
            emulator.assert_not_called(model)
    for model in ("acme/piad", "acme/paid:v3"):
        with pytest.raises(ValueError, match=f"there is no model {model}"):
            emulator.assert_not_called(model)


def test_assertions_compare_inputs_whose_data_have_been_removed(emulator: Emulator) -> None:
    emulator.client().run("emulator/echo", {"value": 1})
    emulator.time.advance("2h")
    eventually(lambda: emulator.predictions[0]["data_removed"])
    for expected in ({"value": 1}, {"value": mock.ANY}):
        emulator.assert_called_with("emulator/echo", expected)
        emulator.assert_any_call("emulator/echo", expected)
    with pytest.raises(AssertionError, match="another input"):
        emulator.assert_called_with("emulator/echo", {})


def test_an_assertion_after_the_end_of_the_emulator_says_so() -> None:
    with Emulator() as emulator:
        pass
    for use in (emulator.assert_not_called, emulator.reset, lambda: emulator.requests):
        with pytest.raises(ConnectionError, match="the emulator has stopped; use it, also for"):
            use()


class Closed(io.BytesIO):
    def __init__(self) -> None:
        super().__init__()
        self.close()


def test_an_expected_input_may_have_matchers_and_files(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "heron.png"
    path.write_bytes(PNG)
    client = emulator.client()
    for scale, image in ((0.3, io.BytesIO(PNG)), (0.1 + 0.2, path)):
        client.run("emulator/echo", {"value": {"scale": scale, "images": [image]}})
    client.run("emulator/echo", {"value": {"scale": 2, "images": []}})
    expected = {"scale": pytest.approx(0.3), "images": mock.ANY}
    emulator.assert_any_call("emulator/echo", {"value": expected})
    file = io.BytesIO(PNG)
    file.read()
    for image in (PNG, path, file):
        emulator.assert_any_call("emulator/echo", {"value": {"scale": ANY, "images": [image]}})
    emulator.assert_called_with("emulator/echo", mock.ANY)
    emulator.assert_called_with("emulator/echo", {"value": mock.ANY})
    client.run("emulator/echo", {"value": PNG})
    emulator.assert_called_with("emulator/echo", {"value": path})


def test_the_differences_from_matchers_and_files_are_listed(emulator: Emulator) -> None:
    client = emulator.client()
    with pytest.raises(AssertionError, match="no predictions were created at all"):
        emulator.assert_called_with("emulator/echo", {"value": mock.ANY})
    client.run("emulator/echo", {"value": {"a": 5, "b": 2}})
    client.run("emulator/echo", {"value": {"a": 1, "b": 3}})
    # Each matches one of the two.
    expected = {"a": pytest.approx(1), "b": 2}
    with pytest.raises(AssertionError, match=r"expected input\.value\.b = 2, got 3"):
        emulator.assert_called_with("emulator/echo", {"value": expected})
    with pytest.raises(AssertionError, match="the closest prediction"):
        emulator.assert_any_call("emulator/echo", {"value": expected})
    expected = {"a": pytest.approx(2), "b": 3}
    with pytest.raises(AssertionError, match=r"input\.value\.a = \"2 ± .*, got 1"):
        emulator.assert_called_with("emulator/echo", {"value": expected})
    with pytest.raises(AssertionError, match=r"expected input\.seed = \"<ANY>\", got nothing"):
        emulator.assert_called_with("emulator/echo", {"value": ANY, "seed": mock.ANY})
    with pytest.raises(AssertionError, match=r'value\.a = "a file of 2 bytes", got 1'):
        emulator.assert_called_with("emulator/echo", {"value": {"a": b"ab", "b": 3}})


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (object(), TypeError, r"`input\.value\[0\]`: object cannot be compared; .*testing\.ANY"),
        (Path("missing.png"), ValueError, r"`input\.value\[0\]`: .*missing\.png.*testing\.ANY"),
        (Closed(), ValueError, r"`input\.value\[0\]`: .*closed.*testing\.ANY"),
        (float("nan"), ValueError, r"`input\.value\[0\]`: nan"),
    ],
)
def test_an_expected_value_that_cannot_be_compared_is_named(
    emulator: Emulator, value: Any, error: Any, message: str
) -> None:
    for check in (emulator.assert_called_with, emulator.assert_any_call):
        with pytest.raises(error, match=message):
            check("emulator/echo", {"value": [value]})
