"""Errors: their classes, messages and attributes."""

from __future__ import annotations

import pickle
import socket
import types
from pathlib import Path
from typing import Any, Callable
from unittest.mock import Mock

import httpx
import pytest
from conftest import Emulator

import replicant
from replicant._errors import BY_CODE
from replicant.exceptions import ModelError, ReplicateError, ReplicateException


@pytest.mark.parametrize("error", list(BY_CODE.values()))
def test_errors_survive_pickling(error: type[replicant.ReplicateException]) -> None:
    made = error._from_fields(
        {
            "message": "m",
            "status": 418,
            "detail": "d",
            "prediction": {"id": "p", "status": "failed"},
        }
    )
    copy = pickle.loads(pickle.dumps(made))
    assert type(copy) is error
    assert (copy.message, copy.status, copy.detail) == ("m", 418, "d")
    assert str(copy) == str(made)
    assert copy.prediction is not None
    assert copy.prediction.id == "p"


def test_errors_have_the_module_that_users_import() -> None:
    for name in replicant.__all__:
        found = getattr(replicant, name)
        if isinstance(found, type) and issubclass(found, BaseException):
            assert f"{found.__module__}.{found.__qualname__}" == f"replicant.{name}"
            assert "x" in str(pickle.loads(pickle.dumps(found("x"))))


def test_an_emulator_refuses_options_out_of_range() -> None:
    from replicant.testing import Emulator

    for options in ({"time_scale": -1}, {"port": -1}):
        with pytest.raises(ValueError, match=str(-1)):
            Emulator(**options)  # type: ignore[arg-type]


def test_a_name_without_an_owner_is_refused_with_advice() -> None:
    with pytest.raises(
        ValueError, match='expected "owner/name", or owner and name as two arguments, not "sdxl"'
    ):
        replicant.models.get("sdxl")


def test_messages_name_the_argument_and_what_to_do(
    client: replicant.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing: Any = None
    prediction = "There is no prediction 'nope' that this token can see".replace("'", '"')
    for call, argument, words in [
        (lambda: client.models.get("abc"), "owner", 'not "abc"'),
        (lambda: client.run("flux"), "ref", "Expected format: owner/name"),
        (lambda: client.predictions.create("a/b", {}, deployment="c/d"), "version", "not several"),
        (lambda: replicant.Client("r8_a b"), "api_token", "contains invalid characters"),
        (lambda: replicant.Client(headers=["ab"]), "headers", "mapping of names to values"),
        (
            lambda: replicant.Client(headers=["a"]),
            "headers",
            "mapping of names to values, not list",
        ),  # type: ignore[arg-type]
        (lambda: client.map("a/b", missing), "rows", "must be an iterable of rows, not NoneType"),
        (lambda: client.predictions.get("nope"), None, prediction),
        (lambda: client.predictions.cancel("nope"), None, prediction),
        (lambda: client.predictions.wait("nope"), None, prediction),
        (
            lambda: client.run("a/b", {"image": tmp_path / "x"}),
            "input.image",
            "such file or directory",
        ),
    ]:
        with pytest.raises(replicant.exceptions.ReplicateException) as raised:
            call()
        assert words in str(raised.value)
        assert "os error" not in str(raised.value)
        assert raised.value.argument == argument, words
    monkeypatch.setenv("REPLICATE_BASE_URL", "foo")
    with pytest.raises(
        ValueError, match=r"^the environment variable REPLICATE_BASE_URL must begin"
    ) as of_variable:
        replicant.Client()
    assert isinstance(of_variable.value, replicant.InvalidArgumentError)
    assert of_variable.value.argument is None


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


@pytest.mark.alone
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


@pytest.mark.alone
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
def test_a_model_error_can_be_built_from_any_object_with_an_error(make: Any) -> None:
    double = make(id="p1", error="boom", logs="line")
    error = ModelError(double)
    assert error.prediction is double
    assert (str(error), error.prediction.id, error.logs) == ("boom", "p1", "line")
    assert isinstance(error, RuntimeError)


def test_attributes_of_an_error_can_be_set() -> None:
    error = ReplicateError(title="t", status=500)
    error.status, error.detail = 429, "slow down"
    error.prediction = "p"
    assert (error.status, error.status_code, error.prediction) == (429, 429, "p")
    assert error.to_dict() == {"title": "t", "status": 429, "detail": "slow down"}
    assert repr(error) == "ReplicateError(status=429, title='t', detail='slow down')"


def test_errors_can_be_built_as_in_both_versions() -> None:
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


def test_the_text_of_an_error_has_the_lines_of_1x(client: Any) -> None:
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


def said(error: type[Exception], call: Callable[..., Any], *args: Any, **options: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, **options)
    return str(caught.value)


def test_the_text_of_an_api_error_begins_with_the_cause(
    client: replicant.Client,
) -> None:
    with pytest.raises(replicant.UnprocessableEntityError) as caught:
        client.predictions.create("0" * 64, {})
    lines = str(caught.value).split("\n")
    assert lines[0].startswith(
        "Invalid version or not permitted: The specified version does not exist"
    )
    assert lines[0].endswith("/v1/predictions failed with status 422 Unprocessable Entity.")
    assert lines[1:5] == [
        "",
        "ReplicateError Details:",
        "title: Invalid version or not permitted",
        "status: 422",
    ]
    assert lines[5].startswith("detail: The specified version does not exist")
    with pytest.raises(replicant.NotFoundError) as missing:
        client.run("emulator/none", {})
    hint = missing.value.hint
    assert hint is not None and hint.startswith("Only official models run without a version")
    assert str(missing.value).split("\n")[0].endswith(hint)


def test_a_model_error_is_the_text_of_the_model(client: replicant.Client) -> None:
    with pytest.raises(replicant.ModelError) as caught:
        client.run("emulator/fails", {"message": "OOM"})
    error = caught.value
    assert (str(error), error.args) == ("OOM", ("OOM",))
    assert error.message == "Prediction failed: OOM"
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.args, again.message) == ("OOM", ("OOM",), error.message)
    error.message = "changed"
    assert (str(error), error.args) == ("changed", ("changed",))


def test_the_positional_arguments_of_an_error_status_are_its_args() -> None:
    error = ReplicateError("about:blank", "Bad")
    assert (error.args, error.type, error.message) == (("about:blank", "Bad"), "about:blank", "")
    assert pickle.loads(pickle.dumps(error)).args == error.args
    assert ReplicateError(message="m", status=400).message == "m"


def test_a_prediction_in_place_of_a_model_is_refused_with_advice(
    client: replicant.Client,
) -> None:
    made = client.predictions.create(model="emulator/echo", input={"value": 1})
    assert client.predictions.get(made).id == made.id
    assert client.predictions.wait(made).status == "succeeded"
    assert client.predictions.cancel(made).id == made.id
    message = said(ValueError, client.run, made)
    assert message.endswith("this is a prediction; did you mean `predictions.wait(prediction)`?")
    message = said(replicant.InvalidArgumentError, client.run, made.id)
    assert message.startswith(
        f"Invalid reference to model version: {made.id}. Expected format: owner/name"
    )
    assert "`predictions.wait`" in message
    with pytest.raises(
        replicant.InvalidArgumentError, match="`id` must be an id or an object with an `id`"
    ):
        client.predictions.get(5)  # type: ignore[arg-type]


def test_common_types_are_accepted(client: replicant.Client) -> None:
    assert client.run("https://replicate.com/emulator/echo?input=x", {"value": 2}) == 2
    version = client.models.get("emulator/echo").latest_version
    assert version is not None
    made = client.predictions.create(model=f"emulator/echo:{version.id}", input={"value": 3})
    assert made.version == version.id
    made = client.models.predictions.create(f"emulator/echo:{version.id}", {"value": 3})
    assert made.version == version.id
    made = client.predictions.create(
        model="emulator/echo",
        input={"value": 4},
        webhook="https://example.com/hook",
        webhook_events_filter="completed",  # type: ignore[arg-type]
    )
    assert made.webhook_events_filter == ["completed"]


def test_a_refused_client_option_names_the_accepted_values() -> None:
    def wrong(**options: Any) -> str:
        return said(replicant.InvalidArgumentError, replicant.Client, **options)

    assert wrong(timeout=-1).endswith("`timeout` must be a non-negative, finite number of seconds")
    assert wrong(base_url="localhost:3000").endswith('did you mean "http://localhost:3000"?')
    for token in ("r8_a b", "r8_a\nb", '"r8_a" b'):
        message = wrong(api_token=token)
        assert message.startswith("the API token contains invalid characters")
        assert "r8_a" not in message
    with pytest.raises(AttributeError, match="did you mean `api_token`"):
        replicant.Client("x").api_key = "x"  # type: ignore[attr-defined]


def test_an_unreachable_proxy_is_named_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    client = replicant.Client(
        "x", base_url="https://api.example/v1", proxy=f"http://me:secret@{address}", max_retries=0
    )
    message = said(replicant.APIConnectionError, client.accounts.current)
    assert message.startswith(f"cannot connect to the proxy http://{address}: ")
    assert "secret" not in message


def test_a_refused_file_is_named_by_its_place(client: replicant.Client, tmp_path: Any) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)
    message = said(replicant.FileTooLargeError, client.run, "a/b", {"image": huge})
    assert message.startswith("`input.image`: the file is 101 MiB; the limit is 100 MiB.")
    picture = tmp_path / "heron.png"
    picture.write_bytes(b"pixels")
    version = client.models.get("nightmareai/real-esrgan").latest_version
    assert version is not None
    message = said(replicant.UnprocessableEntityError, client.run, version, {"image": str(picture)})
    assert f'as `input.image`, pass `Path("{picture}")` in Python' in message


def test_a_proxy_of_the_environment_is_named(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    client = replicant.Client("x", base_url="https://api.example/v1", max_retries=0)
    message = said(replicant.APIConnectionError, client.accounts.current)
    assert message.startswith(f"cannot connect to the proxy http://{address}: ")
