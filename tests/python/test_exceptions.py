"""Exceptions as in replicate 1.x: what is caught by which class, and what test code does with them."""

from __future__ import annotations

import pickle
import types
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from conftest import Emulator

import replicant
from replicant.exceptions import ModelError, ReplicateError, ReplicateException

SIBLINGS = [
    replicant.ModelError,
    replicant.PredictionCanceledError,
    replicant.PredictionTimeoutError,
    replicant.APIConnectionError,
    replicant.APITimeoutError,
    replicant.OutcomeUnknownError,
    replicant.InvalidArgumentError,
    replicant.StreamInterruptedError,
    replicant.DownloadError,
    replicant.WebhookValidationError,
]


@pytest.mark.parametrize("cls", SIBLINGS)
def test_a_replicate_error_is_an_error_status(cls: type[ReplicateException]) -> None:
    assert issubclass(cls, ReplicateException)
    assert not issubclass(cls, ReplicateError)
    assert issubclass(replicant.UnprocessableEntityError, ReplicateError)
    assert issubclass(replicant.APIStatusError, (ReplicateError, replicant.APIError))


def test_retrying_on_replicate_error_runs_a_failed_model_once(
    client: Any, emulator: Emulator
) -> None:
    emulator.forget()
    for _ in range(5):
        try:
            client.run("emulator/fails", {"message": "x"})
        except ReplicateError:
            continue
        except ModelError as error:
            assert str(error) == error.prediction.error
            assert error.logs == error.prediction.logs
            break
    creates = [r for r in emulator.requests() if r["method"] == "POST"]
    assert len(creates) == 1


@pytest.mark.parametrize("retried", [ReplicateError, ConnectionError])
def test_retrying_does_not_repeat_a_lost_create(
    client: Any, emulator: Emulator, retried: type[Exception]
) -> None:
    emulator.forget()
    emulator.fault(
        match={"method": "POST", "path": "/v1/models/*/predictions"},
        times=1,
        action={"close_before_reply": True},
    )
    with pytest.raises(replicant.OutcomeUnknownError):
        for _ in range(3):
            try:
                client.run("emulator/echo", {"value": 1})
            except retried:
                continue
    assert len([r for r in emulator.requests() if r["method"] == "POST"]) == 1


@pytest.mark.parametrize("make", [Mock, types.SimpleNamespace])
def test_a_model_error_is_made_of_anything_with_an_error(make: Any) -> None:
    double = make(id="p1", error="boom", logs="line")
    error = ModelError(double)
    assert error.prediction is double
    assert (str(error), error.prediction.id, error.logs) == ("boom", "p1", "line")
    assert isinstance(error, RuntimeError)


def test_attributes_can_be_set() -> None:
    error = ReplicateError(title="t", status=500)
    error.status, error.detail = 429, "slow down"
    error.prediction = "p"
    assert (error.status, error.status_code, error.prediction) == (429, 429, "p")
    assert error.to_dict() == {"title": "t", "status": 429, "detail": "slow down"}
    assert repr(error) == "ReplicateError(status=429, title='t', detail='slow down')"


def test_doubles_of_errors_are_built_as_in_either_version() -> None:
    assert ReplicateException("a", 2).args == ("a", 2)
    response = httpx.Response(429, headers={"Retry-After": "3"})
    error = replicant.RateLimitError("slow down", response=response, body=None)
    assert (error.status_code, error.headers["retry-after"]) == (429, "3")
    assert str(error).startswith("slow down")
    assert replicant.NotFoundError(status=404, detail="gone").detail == "gone"
    request = httpx.Request("GET", "https://example.com")
    assert str(replicant.APIConnectionError(message="reset", request=request)) == "reset"
    for made in (error, ModelError("boom"), ReplicateError(status=500, title="t")):
        again = pickle.loads(pickle.dumps(made))
        assert (type(again), str(again), repr(again)) == (type(made), str(made), repr(made))


def test_the_lines_of_1x_are_in_the_text(client: Any) -> None:
    with pytest.raises(replicant.UnprocessableEntityError) as caught:
        client.run("black-forest-labs/flux-schnell", {"prompt": 3})
    text = str(caught.value)
    for line in ("ReplicateError Details:", f"title: {caught.value.title}", "status: 422"):
        assert line in text.splitlines()
    assert f"detail: {caught.value.detail}" in text
    plain = ReplicateError("about:blank", "Bad", 400, "no", "/1")
    assert str(plain).splitlines() == [
        "ReplicateError Details:",
        "type: about:blank",
        "title: Bad",
        "status: 400",
        "detail: no",
        "instance: /1",
    ]


def test_file_outputs_can_be_doubled() -> None:
    output: Any = replicant.FileOutput("https://example.com/a.png")
    output.read = lambda: b"bytes"
    assert output.read() == b"bytes"
    bare: Any = replicant.FileOutput.__new__(replicant.FileOutput)
    bare.url = "https://example.com/b.png"
    assert repr(bare) == "FileOutput('https://example.com/b.png')"
