"""The token appears in requests only."""

from __future__ import annotations

import pickle
import traceback
import warnings
from typing import Any, Callable

import pytest
from conftest import TOKEN

import replicant


def test_the_token_is_in_no_repr_and_no_pickle(client: replicant.Client) -> None:
    prediction = client.predictions.create(model="emulator/echo", input={"value": 1})
    with pytest.raises(replicant.NotFoundError) as caught:
        client.predictions.get("nope")
    error = caught.value
    page = client.predictions.list()
    shown = [client, client._native, prediction, error, error.headers, page, vars(error)]
    for thing in shown:
        assert TOKEN not in repr(thing) + str(thing), thing
    for thing in (prediction, error, replicant.FileOutput("https://x/y", client)):
        assert TOKEN.encode() not in pickle.dumps(thing)
    assert TOKEN.encode() not in pickle.dumps(client)


def deep(value: Any, depth: int = 6) -> str:
    """Returns what a program that walks containers and attributes sees."""
    if depth == 0 or isinstance(value, (str, bytes, int, type(None))):
        return repr(value)
    parts = [repr(value)]
    if isinstance(value, dict):
        parts += [deep(part, depth - 1) for pair in value.items() for part in pair]
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts += [deep(part, depth - 1) for part in value]
    elif type(value).__module__.startswith("replicant"):
        parts.append(deep(getattr(value, "__dict__", None), depth - 1))
    return " ".join(parts)


def test_the_token_is_in_no_attribute_of_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "headers": {"Authorization": f"Bearer {TOKEN}", "x-api-key": TOKEN, "x-trace": "shown"}
    }
    clients: list[Any] = [
        replicant.Client(TOKEN, base_url="http://localhost"),
        replicant.AsyncClient(bearer_token=TOKEN, default_headers=secrets["headers"]),
        replicant.Client(**secrets, proxy=f"http://user:{TOKEN}@proxy"),
        replicant.Client().with_options(api_token=TOKEN).with_options(timeout=3, **secrets),
    ]
    clients[0].api_token = TOKEN
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    clients.append(replicant.Client())
    assert [client.api_token for client in clients] == [TOKEN] * 5
    for client in clients:
        client._native.describe()
        assert TOKEN not in deep(vars(client)), vars(client)
    assert "shown" in deep(vars(clients[1]))


FAILING: list[Callable[[], Any]] = [
    lambda: replicant.Client(TOKEN, base_url="nowhere"),
    lambda: replicant.Client(api_token=TOKEN, timeout="soon"),  # type: ignore[arg-type]
    lambda: replicant.AsyncClient(bearer_token=TOKEN, timeuot=3),  # type: ignore[call-arg]
    lambda: replicant.Client(TOKEN + "\n broken"),
    lambda: replicant.Client(headers={"authorization": f"Bearer {TOKEN}"}, ca_bundle="missing.pem"),
    lambda: replicant.Client(TOKEN, base_url="http://api.internal", require_https=True),
    lambda: replicant.Client().with_options(api_token=TOKEN, base_url="nowhere"),
    lambda: replicant.predictions.list(),
]


@pytest.mark.parametrize("make", FAILING)
def test_the_token_is_in_no_frame_of_a_failed_constructor(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicant, "bearer_token", TOKEN, raising=False)
    monkeypatch.setattr(replicant, "base_url", "nowhere", raising=False)
    with pytest.raises((replicant.InvalidArgumentError, TypeError)) as caught:
        make()
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb)]
    ours = [frame for frame in frames if frame.f_code.co_filename != __file__]
    assert ours
    for frame in ours:
        assert TOKEN not in deep(frame.f_locals), frame.f_code.co_name
    assert TOKEN not in str(caught.value)


def test_a_token_over_plain_http_causes_one_warning_per_client() -> None:
    with pytest.warns(replicant.InsecureConnectionWarning) as caught:
        client = replicant.Client(TOKEN, base_url="http://api.internal:8080")
        client.user_agent = "mine"
        client.with_options(timeout=3, user_agent="other")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "sent unencrypted to api.internal: " in str(caught[0].message)
    assert TOKEN not in str(caught[0].message)
    with pytest.warns(replicant.InsecureConnectionWarning, match=r"to the proxy proxy\.example: "):
        replicant.Client(TOKEN, base_url="http://127.0.0.1:1", proxy="http://proxy.example:3128")
    with pytest.raises(
        replicant.InvalidArgumentError, match=r"^`base_url` must begin with https://"
    ):
        replicant.Client(TOKEN, base_url="http://api.internal:8080", require_https=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        replicant.Client(TOKEN, base_url="http://localhost:8080", require_https=True)
        replicant.AsyncClient(TOKEN, base_url="https://api.internal")
        replicant.Client("", base_url="http://api.internal:8080")


def test_a_token_sent_unencrypted_is_logged_once_per_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for host in ("api.internal", "other.internal"):
        caplog.clear()
        with pytest.warns(replicant.InsecureConnectionWarning):
            client = replicant.Client(TOKEN, base_url=f"http://{host}:8080")
            client.user_agent = "mine"
            client.with_options(timeout=3)
        [record] = caplog.records
        assert (record.name, record.levelname) == ("replicant", "WARNING")
        assert f"sent unencrypted to {host}: " in record.getMessage()
        assert TOKEN not in record.getMessage()
