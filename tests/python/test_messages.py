"""What errors say: the cause first, the argument by its name, and what to do."""

from __future__ import annotations

import socket
from typing import Any, Callable

import pytest
from conftest import Emulator

import replicant


def said(error: type[Exception], call: Callable[..., Any], *args: Any, **options: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, **options)
    return str(caught.value)


def test_an_api_error_begins_with_the_cause_and_has_the_lines_of_1x(
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
    assert said(replicant.ModelError, client.run, "emulator/fails", {"message": "OOM"}) == "OOM"


def test_a_prediction_is_taken_for_its_id_and_explained_as_a_model(
    client: replicant.Client,
) -> None:
    made = client.predictions.create(model="emulator/echo", input={"value": 1})
    assert client.predictions.get(made).id == made.id
    assert client.predictions.wait(made).status == "succeeded"
    assert client.predictions.cancel(made).id == made.id
    told = said(TypeError, client.run, made)
    assert told.endswith("this is a prediction; did you mean `predictions.wait(prediction)`?")
    told = said(replicant.InvalidArgumentError, client.run, made.id)
    assert told.startswith(
        f"Invalid reference to model version: {made.id}. Expected format: owner/name"
    )
    assert "`predictions.wait`" in told
    with pytest.raises(
        replicant.InvalidArgumentError, match="`id` must be an id or an object with an `id`"
    ):
        client.predictions.get(5)  # type: ignore[arg-type]


def test_what_is_common_is_taken(client: replicant.Client) -> None:
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


def test_options_of_a_client_say_what_they_must_be() -> None:
    def wrong(**options: Any) -> str:
        return said(replicant.InvalidArgumentError, replicant.Client, **options)

    assert wrong(timeout=-1).endswith("`timeout` must be a non-negative, finite number of seconds")
    assert wrong(base_url="localhost:3000").endswith('did you mean "http://localhost:3000"?')
    for token in ("r8_a b", "r8_a\nb", '"r8_a" b'):
        told = wrong(api_token=token)
        assert told.startswith("the API token contains invalid characters")
        assert "r8_a" not in told
    with pytest.raises(AttributeError, match="did you mean `api_token`"):
        replicant.Client("x").api_key = "x"  # type: ignore[attr-defined]


def test_a_proxy_that_cannot_be_reached_is_named_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    client = replicant.Client(
        "x", base_url="https://api.example/v1", proxy=f"http://me:secret@{address}", max_retries=0
    )
    told = said(replicant.APIConnectionError, client.accounts.current)
    assert told.startswith(f"Cannot connect to the proxy http://{address}: ")
    assert "secret" not in told


def test_files_are_named_by_their_place(client: replicant.Client, tmp_path: Any) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)
    told = said(replicant.FileTooLargeError, client.run, "a/b", {"image": huge})
    assert told.startswith("`input.image`: the file is 101 MiB; the limit is 100 MiB.")
    picture = tmp_path / "heron.png"
    picture.write_bytes(b"pixels")
    version = client.models.get("nightmareai/real-esrgan").latest_version
    assert version is not None
    told = said(replicant.UnprocessableEntityError, client.run, version, {"image": str(picture)})
    assert f'as `input.image`, pass `Path("{picture}")` in Python' in told


def test_proxies_of_the_environment_are_named(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    client = replicant.Client("x", base_url="https://api.example/v1", max_retries=0)
    told = said(replicant.APIConnectionError, client.accounts.current)
    assert told.startswith(f"Cannot connect to the proxy http://{address}: ")
