"""Programs written for the `replicate` 2.0.0 beta work with another import line."""

from __future__ import annotations

import asyncio
import inspect
import pathlib
from typing import Any
from unittest import mock

import pytest
from conftest import TOKEN, Emulator, python

import replicant as replicate

ECHO = "0ec4000000000000000000000000000000000000000000000000000000000001"
LLAMA = "meta/meta-llama-3-8b-instruct"

TWO = """Replicate AsyncReplicate Client AsyncClient ReplicateError APIError APIStatusError APITimeoutError
APIConnectionError APIResponseValidationError BadRequestError AuthenticationError PermissionDeniedError
NotFoundError ConflictError UnprocessableEntityError RateLimitError InternalServerError FileOutput
AsyncFileOutput Model Version ModelVersionIdentifier get_path_url run use stream files models account
hardware webhooks trainings collections deployments predictions"""


def test_the_names_of_2x_exist() -> None:
    for name in TWO.split():
        assert hasattr(replicate, name), name


@pytest.mark.alone
def test_options_can_be_set_on_the_module(emulator: Emulator) -> None:
    script = """
import sys, replicant
replicant.bearer_token = "mine"
replicant.base_url = sys.argv[1]
replicant.default_headers = {"x-mine": "1"}
replicant.predictions.list()
"""
    emulator.forget()
    assert python(script, emulator.base_url).stderr == ""
    headers = emulator.requests()[-1]["headers"]
    assert headers["authorization"] == "Bearer mine"
    assert headers["x-mine"] == "1"


def test_raw_responses_have_status_and_headers(
    client: replicate.Client, tmp_path: pathlib.Path
) -> None:
    answer = client.predictions.with_raw_response.create(model="emulator/echo", input={}, wait=True)
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait"
    assert answer.parse().id
    assert client.models.with_raw_response.get("emulator/echo").parse().name == "echo"
    assert client.with_raw_response.run("emulator/echo", {"value": 1}).parse() == 1
    slow = {"value": "data:text/plain,a", "delay": 0.1}
    running = client.predictions.create(model="emulator/echo", input=slow, wait=False)
    # Several requests: the wait for the prediction comes first.
    assert len(client.with_raw_response.save_all([running, running], tmp_path).parse()) == 2
    nested = client.with_raw_response.models.versions.get("emulator/echo", id=ECHO)
    assert nested.parse().id == ECHO
    assert nested.headers["Content-Type"] == nested.headers["content-type"]
    assert "CONTENT-TYPE" in nested.headers
    assert nested.headers.get("X-None", "none") == "none"
    raw = client.predictions.with_raw_response
    assert "create" in dir(raw)
    assert raw.create.__doc__ == client.predictions.create.__doc__
    with pytest.raises(AttributeError, match="nonsense"):
        client.predictions.with_raw_response.nonsense  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError, match="iterated"):
        client.with_raw_response.stream(LLAMA, {})  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_raw_views_can_be_inspected(kind: str) -> None:
    client = getattr(replicate, kind)(TOKEN, base_url="http://localhost:1/v1")
    for space in (client, client.models, client.models.versions):
        view = space.with_raw_response
        assert not hasattr(view, "with_raw_response")
        assert "with_raw_response" not in dir(view)
        members = dict(inspect.getmembers(view))
        shown = {name for name in dir(type(space)) if name[0] != "_"} - {"with_raw_response"}
        assert shown <= members.keys()
        mock.create_autospec(view)
    view = client.with_raw_response
    assert view.base_url == "http://localhost:1/v1"
    assert (view.timeout, view.poll_interval) == (client.timeout, client.poll_interval)


async def test_awaited_raw_responses_have_status_and_headers(
    client: replicate.Client, async_client: replicate.AsyncClient
) -> None:
    answer = await async_client.predictions.with_raw_response.list()
    assert answer.status_code == 200
    assert len(answer.parse()) > 0
    raw = client.predictions.with_raw_response
    answers = await asyncio.gather(
        *(raw.async_create(model="emulator/echo", input={"value": n}) for n in range(9))
    )
    assert {answer.status_code for answer in answers} == {201}
    for answer in answers:
        assert answer.headers["location"].endswith(answer.parse().id), (
            "each response has its own headers"
        )


@pytest.mark.alone
def test_with_options_applies_to_one_call(client: replicate.Client, emulator: Emulator) -> None:
    client.predictions.list()
    emulator.forget()
    connections = emulator.state()["connections_ever"]
    other = client.with_options(headers={"x-mine": "1"}, default_query={"q": "2"}, max_retries=1)
    other.with_options(timeout=7, default_headers={"x-more": "3"}).predictions.list()
    assert emulator.state()["connections_ever"] == connections + 1, (
        "only the connection that requests the state is new"
    )
    request = emulator.requests()[-1]
    assert (request["headers"]["x-mine"], request["headers"]["x-more"]) == ("1", "3")
    assert request["query"] in ({"q": "2"}, "q=2")
    assert (other.max_retries, client.max_retries, other.timeout) == (1, 5, 60)
    client.predictions.list()
    assert "x-mine" not in emulator.requests()[-1]["headers"]
    assert client.with_options(use_file_output=False).base_url == client.base_url
    assert client.copy(base_url="http://127.0.0.1:1/v1").base_url == "http://127.0.0.1:1/v1"


async def test_clients_are_context_managers(emulator: Emulator) -> None:
    with replicate.Replicate(bearer_token=TOKEN, base_url=emulator.base_url) as client:
        assert client.run("emulator/echo", {"value": 1}) == 1
    client.close()
    async with replicate.AsyncReplicate(base_url=emulator.base_url) as awaited:
        assert await awaited.run("emulator/echo", {"value": 1}) == 1
    await awaited.close()


def test_request_sends_any_request(client: replicate.Client) -> None:
    answer = client.request("GET", "/account")
    assert answer.status_code == 200
    assert answer.json()["username"] == client.accounts.current().username
    assert answer.headers["content-type"].startswith("application/json")
    with pytest.raises(replicate.NotFoundError):
        client.request("GET", "/nope")


def test_use_returns_a_function(client: replicate.Client) -> None:
    text = client.use(LLAMA)
    inputs = {"prompt": "x", "max_tokens": 9, "seed": 1}
    whole = text(**inputs)
    assert isinstance(whole, str)
    run = text.create(**inputs)
    assert run.output() == whole
    assert isinstance(run.logs(), str)
    assert "components" in text.openapi_schema()
    pieces = client.use(LLAMA, streaming=True)(**inputs)
    assert str(pieces) == "".join(pieces) == whole
    assert client.use("emulator/echo")(value=pieces) == whole
    image = client.use("black-forest-labs/flux-schnell")(prompt="a heron", megapixels="0.25")[0]
    assert isinstance(image, replicate.URLPath)
    assert str(image) == replicate.get_path_url(image) == image.url
    content = pathlib.Path(image).read_bytes()
    assert content == image.read()
    with open(image, "rb") as opened:
        assert opened.read() == content
    other = client.use("black-forest-labs/flux-schnell")(prompt="a crane", megapixels="0.25")[0]
    # Their files have the same name.
    assert pathlib.Path(other).name == pathlib.Path(image).name
    assert pathlib.Path(other).read_bytes() == other.read() != content
    assert pathlib.Path(image).read_bytes() == content
    assert client.use("emulator/echo")(value=image) == image
    with pytest.raises(replicate.ModelError):
        client.use("emulator/fails").create().output()

    class Named:
        name = "emulator/echo"

    assert client.use(Named)(value=["a", "b"]) == ["a", "b"]


async def test_a_function_fetches_the_schema_once_and_does_not_depend_on_it(
    emulator: Emulator,
) -> None:
    done = {"id": "p", "status": "succeeded", "output": ["a", "b"]}
    create = {"expect": {"method": "POST"}, "reply": {"status": 201, "json": done}}
    text = {"components": {"schemas": {"Output": {"x-cog-array-display": "concatenate"}}}}
    model = {"owner": "a", "name": "b", "latest_version": {"id": "v", "openapi_schema": text}}
    failed = {"expect": {"path": "/v1/models/a/b"}, "reply": {"status": 403, "json": {}}}
    found = {"expect": {"path": "/v1/models/a/b"}, "reply": {"json": model}}
    replay = emulator.replay(*[create, failed, create, found, create] * 2)
    # The output is billed, so it is returned in any case.
    expected = [["a", "b"], "ab", "ab"]
    call = replicate.Client(base_url=replay.base_url).use("a/b")
    assert [call() for _ in expected] == expected
    awaited = replicate.AsyncClient(base_url=replay.base_url).use("a/b")
    assert [await awaited() for _ in expected] == expected
    replay.check()


PAINTED = {"id": "p", "status": "succeeded", "output": ["https://a.b/1.png", "https://a.b/2.png"]}


async def test_a_model_without_events_can_be_streamed(emulator: Emulator) -> None:
    """The output is polled, and the prediction is created once."""
    schema = {"components": {"schemas": {"Output": {"type": "array"}}}}
    half = {**PAINTED, "status": "processing", "output": PAINTED["output"][:1]}
    exchanges: list[dict[str, Any]] = [
        {"expect": {"path": "/v1/models/a/b"}, "reply": {"json": {"owner": "a", "name": "b",
            "latest_version": {"id": "v", "openapi_schema": schema}}}},
        {"expect": {"method": "POST"}, "reply": {"status": 201, "json": {"id": "p", "status": "starting"}}},
        {"expect": {"path": "/v1/predictions/p"}, "reply": {"json": half}},
        {"expect": {"path": "/v1/predictions/p"}, "reply": {"json": PAINTED}},
    ]  # fmt: skip
    replay = emulator.replay(*exchanges)
    paint = replicate.Client(base_url=replay.base_url, poll_interval=0.01).use(
        "a/b", streaming=True
    )
    pieces = list(paint(prompt="x"))
    assert [str(piece) for piece in pieces] == PAINTED["output"]
    assert all(isinstance(piece, replicate.URLPath) for piece in pieces)
    replay.check()
    replay = emulator.replay(*exchanges)
    client = replicate.AsyncClient(base_url=replay.base_url, poll_interval=0.01)
    items = await client.use("a/b", streaming=True)(prompt="x")
    assert [str(piece) async for piece in items] == PAINTED["output"]
    replay.check()


async def test_a_function_has_the_example_of_its_model(emulator: Emulator) -> None:
    model = {"owner": "a", "name": "b", "default_example": {"id": "p", "output": "x"}}
    exchange = {"expect": {"path": "/v1/models/a/b"}, "reply": {"json": model}}
    replay = emulator.replay(exchange, exchange)
    example = replicate.Client(base_url=replay.base_url).use("a/b:c").default_example()
    assert isinstance(example, replicate.Prediction)
    assert example.output == "x"
    awaited = await replicate.AsyncClient(base_url=replay.base_url).use("a/b").default_example()
    assert isinstance(awaited, replicate.AsyncPrediction)
    replay.check()


async def test_use_returns_an_awaitable_function(async_client: replicate.AsyncClient) -> None:
    inputs = {"prompt": "x", "max_tokens": 9, "seed": 1}
    whole = await async_client.use(LLAMA)(**inputs)
    pieces = await async_client.use(LLAMA, streaming=True)(**inputs)
    assert await pieces == "".join([piece async for piece in pieces]) == whole
    run = await async_client.use(LLAMA).create(**inputs)
    assert await run.output() == whole
    assert await async_client.use("emulator/echo")(value=pieces) == whole


def test_every_other_endpoint_has_a_method(client: replicate.Client) -> None:
    assert client.accounts.current().type in ("user", "organization")
    collection = next(iter(client.collections.list()))
    whole = client.collections.get(collection.slug)
    assert len(whole) == len(list(whole)) > 0
    assert whole[0].id
    assert client.hardware.list()[0].sku
    assert client.search("image").query == "image"
    assert client.models.search("llama")
    model = client.models.create("acme", "new", visibility="private", hardware="cpu")
    assert client.models.update("acme/new", description="d").description == "d"
    assert client.models.delete(model)
    assert isinstance(client.models.readme.get(LLAMA), str)
    assert client.models.examples.list(LLAMA) is not None
    secret = client.webhooks.default.secret()
    assert secret == client.webhooks.default.secret.get()
    assert secret.key not in repr(secret)
    file = client.files.create(b"hi", filename="hi.txt")
    assert client.files.get(file.id) == file
    assert file.id in [f.id for f in client.files.list()]
    assert client.files.delete(file.id)
