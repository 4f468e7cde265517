"""Timeouts and deadlines."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from conftest import ENDLESS, Emulator, eventually

import replicant


def test_a_passed_timeout_is_an_error_with_the_prediction(
    client: replicant.Client, emulator: Emulator
) -> None:
    with pytest.raises(replicant.PredictionTimeoutError) as caught:
        client.run(ENDLESS, {}, timeout=3.0, wait=False)
    assert isinstance(caught.value, TimeoutError)
    prediction = caught.value.prediction
    assert prediction is not None
    assert prediction._bound is client
    eventually(lambda: client.predictions.get(prediction.id).status == "canceled")


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (httpx.Timeout(None), None),
        (httpx.Timeout(10, read=None), None),
        (httpx.Timeout(10), 10),
        ((5, 10), 10),
        ((None, 10, 5, 5), 10),
        (httpx.Timeout(None, read=20), 20),
        (7, 7),
        (None, 60),
    ],
)
def test_a_timeout_of_httpx_sets_both_limits(
    emulator: Emulator, timeout: Any, expected: Any
) -> None:
    client = replicant.Client("r8_x", base_url=emulator.base_url, timeout=timeout)
    assert client.timeout == expected
    assert client.models.get("emulator/echo").name == "echo"
    client.timeout = httpx.Timeout(None)
    assert client.timeout is None
    unlimited = client.with_options(timeout=httpx.Timeout(None))
    assert unlimited.timeout is None
    assert unlimited.models.get("emulator/echo")
    with pytest.raises(replicant.InvalidArgumentError, match="timeout"):
        client.timeout = -1
