"""Code written for either official package, after its import line."""

from __future__ import annotations

import asyncio
import importlib
import json
import pathlib
import sys
import types
from typing import Any

import pytest
from conftest import TOKEN, Emulator, python

import replicant as replicate

ECHO = "0ec4000000000000000000000000000000000000000000000000000000000001"
LLAMA = "meta/meta-llama-3-8b-instruct"

# Names of `replicate` 1.0.7 by the modules they are imported from.
NAMES = {
    "account": "Account Accounts",
    "client": "Client",
    "collection": "Collection Collections",
    "deployment": "Deployment Deployments",
    "exceptions": "ReplicateException ModelError ReplicateError",
    "file": "File Files",
    "hardware": "Hardware",
    "helpers": "FileOutput transform_output",
    "identifier": "ModelVersionIdentifier",
    "model": "Model Models",
    "pagination": "Page",
    "prediction": "Prediction Predictions",
    "run": "run async_run",
    "stream": "ServerSentEvent stream async_stream",
    "training": "Training Trainings",
    "version": "Version Versions",
    "webhook": "Webhooks WebhookSigningSecret InvalidSecretKeyError InvalidSignatureError "
    "InvalidTimestampError MissingWebhookBodyError MissingWebhookHeaderError WebhookValidationError",
}
TWO = """Replicate AsyncReplicate Client AsyncClient ReplicateError APIError APIStatusError APITimeoutError
APIConnectionError APIResponseValidationError BadRequestError AuthenticationError PermissionDeniedError
NotFoundError ConflictError UnprocessableEntityError RateLimitError InternalServerError FileOutput
AsyncFileOutput Model Version ModelVersionIdentifier get_path_url run use stream files models account
hardware webhooks trainings collections deployments predictions"""


@pytest.mark.parametrize("module", NAMES)
def test_module_paths(module: str) -> None:
    found = importlib.import_module(f"replicant.{module}")
    for name in NAMES[module].split():
        assert hasattr(found, name), name


def test_names_of_2() -> None:
    for name in TWO.split():
        assert hasattr(replicate, name), name


def test_functions_stay_functions_after_their_modules_are_imported(emulator: Emulator) -> None:
    script = """
from replicant.stream import ServerSentEvent
from replicant.run import run
from replicant.hardware import Hardware
from replicant.account import Account
import replicant
assert replicant.run("emulator/echo", {"value": 1}) == run("emulator/echo", {"value": 1}) == 1
events = list(replicant.stream("emulator/echo", {"value": "x"}))
assert isinstance(events[0], ServerSentEvent)
assert isinstance(replicant.hardware.list()[0], Hardware)
assert isinstance(replicant.account.get(), Account)
print("good")
"""
    done = python(script, REPLICATE_BASE_URL=emulator.base_url)
    assert done.stdout == "good\n", done.stderr


def test_the_module_is_a_client_of_the_environment(emulator: Emulator) -> None:
    script = """
import os, sys, replicant, asyncio
os.environ["REPLICATE_API_TOKEN"] = "late"
os.environ["REPLICATE_BASE_URL"] = sys.argv[1]
os.environ["REPLICATE_POLL_INTERVAL"] = "0.01"
prediction = replicant.predictions.create(model="emulator/echo", input={"value": 1})
prediction.wait()
assert prediction.output == 1
assert asyncio.run(replicant.async_run("emulator/echo", {"value": 2})) == 2
assert replicant.default_client.poll_interval == 0.01
pages = list(replicant.paginate(replicant.predictions.list))
assert prediction.id in [p.id for page in pages for p in page]
print("good")
"""
    for url in (emulator.base_url, emulator.origin):
        done = python(script, url)
        assert done.stdout == "good\n", done.stderr


def test_options_set_on_the_module(emulator: Emulator) -> None:
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


def test_the_token_of_a_cog_run_comes_first(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    from replicant._default import _DefaultClient

    scope = types.SimpleNamespace(context={"replicate_api_token": "of-the-run"})
    cog = types.SimpleNamespace(current_scope=lambda: scope)
    monkeypatch.setitem(sys.modules, "cog", cog)  # type: ignore[arg-type]
    monkeypatch.setenv("REPLICATE_API_TOKEN", "of-the-machine")
    monkeypatch.setenv("REPLICATE_BASE_URL", emulator.base_url)
    for token, sent in (("of-the-run", "Bearer of-the-run"), ("", None), (None, None)):
        scope.context["replicate_api_token"] = token
        emulator.forget()
        _DefaultClient().predictions.list()
        assert emulator.requests()[-1]["headers"].get("authorization") == sent


def test_shapes_of_arguments(client: replicate.Client) -> None:
    model = client.models.get("emulator/echo")
    assert model == client.models.get("emulator", "echo") == client.models.get(("emulator", "echo"))
    assert model == client.models.get(owner="emulator", name="echo")
    assert model.id == "emulator/echo"
    version = model.versions.get(ECHO)
    assert [v.id for v in model.versions.list()] == [ECHO]
    assert version.created_at.tzinfo is not None
    assert model.latest_version == version
    ref = replicate.ModelVersionIdentifier.parse(f"emulator/echo:{ECHO}")
    for target in (
        f"emulator/echo:{ECHO}",
        ("emulator", "echo"),
        ("emulator", "echo", ECHO),
        model,
        version,
        ref,
        ECHO,
    ):
        assert client.run(target, {"value": 7}) == 7
    for kwargs in (
        {"version": version},
        {"version": ECHO},
        {"model": model},
        {"model": ("emulator", "echo")},
        {"model": "emulator/echo"},
    ):
        prediction = client.predictions.create(input={"value": 1}, **kwargs)  # type: ignore[arg-type]
        assert prediction.status in ("starting", "processing", "succeeded")
    assert client.predictions.create(ECHO, {"value": 1}, wait=True).output == 1
    with pytest.raises(ValueError, match="Exactly one of"):
        client.predictions.create(input={})
    with pytest.raises(TypeError, match="owner/name"):
        client.run(3, {})


def test_deployments(client: replicate.Client) -> None:
    deployment = client.deployments.get("acme/text")
    prediction = deployment.predictions.create({"prompt": "x", "max_tokens": 3})
    prediction.wait()
    assert prediction.status == "succeeded"
    other = client.deployments.predictions.create("acme/text", {"prompt": "x", "max_tokens": 3})
    other.cancel()
    assert client.predictions.create(deployment=deployment, input={"prompt": "x"}).id
    release = deployment.current_release
    assert release is not None
    assert release.configuration.hardware
    assert release.created_by is None or release.created_by.username
    made = client.deployments.create(
        "acme/mine", "emulator/echo", ECHO, client.hardware.list()[0], 0, 1
    )
    assert made.name == "mine"
    changed = client.deployments.update("acme", "mine", max_instances=2)
    assert changed.current_release.configuration.max_instances == 2  # type: ignore[union-attr]
    assert [d.id for d in client.deployments.list()]


def test_lists(client: replicate.Client, emulator: Emulator) -> None:
    for _ in range(3):
        client.predictions.create(model="emulator/echo", input={})
    page = client.predictions.list()
    assert len(page) >= 3
    assert page[0] == page.results[0]
    assert page[:2] == page.results[:2]
    assert page.previous is None
    with pytest.raises(ValueError, match="cursor cannot be None"):
        list(replicate.paginate(client.predictions.list, None))


PAGES = (
    {
        "expect": {"path": "/v1/models"},
        "reply": {
            "json": {
                "next": "{{base}}/models?cursor=2",
                "previous": None,
                "results": [{"owner": "a", "name": "1"}, {"owner": "a", "name": "2"}],
            }
        },
    },
    {
        "expect": {"path": "/v1/models", "query": {"cursor": "2"}},
        "reply": {
            "json": {"next": None, "previous": None, "results": [{"owner": "a", "name": "3"}]}
        },
    },
)


def test_lists_iterate_over_items_of_all_pages(emulator: Emulator) -> None:
    replay = emulator.replay(*PAGES)
    client = replicate.Client(base_url=replay.base_url)
    page = client.models.list()
    assert len(page) == 2
    assert len(replay.report()["requests"]) == 1, "the next page is fetched when it is needed"
    assert [model.name for model in page] == ["1", "2", "3"]
    replay.check()
    replay = emulator.replay(*PAGES)
    client = replicate.Client(base_url=replay.base_url)
    pages = [[model.name for model in page] for page in replicate.paginate(client.models.list)]
    assert pages == [["1", "2"], ["3"]]
    replay.check()


async def test_lists_awaited(emulator: Emulator) -> None:
    replay = emulator.replay(*PAGES)
    client = replicate.AsyncClient(base_url=replay.base_url)
    assert [model.name async for model in client.models.list()] == ["1", "2", "3"]
    replay = emulator.replay(*PAGES)
    blocking = replicate.Client(base_url=replay.base_url)
    page = await blocking.models.async_list()
    assert [model.name for model in page] == ["1", "2"]
    following = await page.get_next_page()
    assert following is not None
    assert [model.name for model in following] == ["3"]
    assert await following.get_next_page() is None
    replay = emulator.replay(*PAGES)
    blocking = replicate.Client(base_url=replay.base_url)
    pages = [page async for page in replicate.async_paginate(blocking.models.async_list)]
    assert [len(page) for page in pages] == [2, 1]


def test_predictions_are_objects(client: replicate.Client) -> None:
    prediction = client.predictions.create(model="emulator/progress", input={})
    seen: list[Any] = []
    prediction.wait(on_update=lambda p: seen.append(p.progress))
    assert prediction.status == "succeeded"
    assert prediction.progress == (1.0, 10, 10)
    assert isinstance(prediction.progress, replicate.Prediction.Progress)
    assert prediction.metrics is not None
    assert prediction.metrics["predict_time"] > 0
    assert prediction.error is None
    assert prediction.webhook is None
    assert set(prediction.urls) >= {"get", "cancel"}
    with pytest.raises(AttributeError, match="no member 'nonsense'"):
        prediction.nonsense  # noqa: B018
    prediction.reload()
    assert f"id={prediction.id!r}" in repr(prediction)
    assert prediction == client.predictions.get(prediction.id)
    assert prediction != replicate.Prediction(id="other")
    data = prediction.dict()
    assert data == prediction.model_dump() == prediction.to_dict() == json.loads(prediction.json())
    assert json.loads(prediction.model_dump_json()) == data
    assert replicate.Prediction(**data) == prediction
    assert "id" in prediction.model_dump(include={"id"})
    new = replicate.Prediction({"id": "x", "brand_new": {"a": 1}})
    assert new.brand_new == {"a": 1}
    assert "brand_new" in dir(new)


async def test_predictions_are_awaited(
    client: replicate.Client, async_client: replicate.AsyncClient
) -> None:
    prediction = await async_client.predictions.create(
        model=LLAMA, input={"prompt": "x", "max_tokens": 9}
    )
    text = "".join([str(event) async for event in prediction.stream()])
    await prediction.wait()
    assert "".join(prediction.output) == text
    assert [item async for item in prediction.output_iterator()] == prediction.output
    other = await client.predictions.async_get(prediction.id)
    assert isinstance(other, replicate.Prediction)
    await other.async_reload()
    assert list(other.output_iterator()) == prediction.output
    assert "".join([item async for item in other.async_output_iterator()]) == text
    async for event in await client.async_stream(LLAMA, {"prompt": "x", "max_tokens": 3}):
        assert event.event in ("output", "logs", "done")
    await other.async_cancel()


def test_objects_in_pydantic_models(client: replicate.Client) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Job(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        prediction: replicate.Prediction

    prediction = client.predictions.create(model="emulator/echo", input={})
    job = Job(prediction=prediction)
    assert job.prediction is prediction
    assert Job(prediction=prediction.dict()).prediction == prediction
    assert job.model_dump()["prediction"] == prediction.dict()
    assert json.loads(job.model_dump_json())["prediction"]["id"] == prediction.id
    with pytest.raises(pydantic.ValidationError):
        Job(prediction=3)


def test_exceptions_are_caught_as_before(client: replicate.Client, emulator: Emulator) -> None:
    with pytest.raises(replicate.exceptions.ModelError) as failed:  # type: ignore[attr-defined]
        client.run("emulator/fails", {})
    prediction = failed.value.prediction
    assert prediction.status == "failed"
    assert "RuntimeError" in prediction.logs
    with pytest.raises(replicate.exceptions.ReplicateException) as missing:  # type: ignore[attr-defined]
        client.predictions.get("nope")
    assert isinstance(missing.value, replicate.ReplicateError)
    assert isinstance(missing.value, replicate.APIStatusError)
    assert (missing.value.status, missing.value.status_code) == (404, 404)
    assert missing.value.to_dict()["detail"]
    with pytest.raises(replicate.APIConnectionError):
        replicate.Client(base_url="http://127.0.0.1:9", max_retries=0).predictions.list()
    emulator.fault(match={"path": "/v1/predictions"}, action={"delay_ms": 1000})
    with pytest.raises(replicate.APITimeoutError) as late:
        client.with_options(timeout=0.1, max_retries=0).predictions.list()
    assert isinstance(late.value, TimeoutError)
    made = replicate.ReplicateError(type="t", title="x", status=500, detail="d", instance="i")
    assert str(made).startswith("ReplicateError Details:")
    assert made.to_dict() == {
        "type": "t",
        "title": "x",
        "status": 500,
        "detail": "d",
        "instance": "i",
    }
    error = replicate.ModelError(prediction)
    assert error.prediction == prediction
    assert str(error) == prediction.error


def test_status_and_headers(client: replicate.Client) -> None:
    answer = client.predictions.with_raw_response.create(model="emulator/echo", input={}, wait=True)
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait"
    assert answer.parse().id
    assert client.models.with_raw_response.get("emulator/echo").parse().name == "echo"
    assert client.with_raw_response.run("emulator/echo", {"value": 1}).parse() == 1
    nested = client.with_raw_response.models.versions.get("emulator/echo", id=ECHO)
    assert nested.parse().id == ECHO
    assert nested.headers["Content-Type"] == nested.headers["content-type"]
    assert "CONTENT-TYPE" in nested.headers
    assert nested.headers.get("X-None", "none") == "none"
    with pytest.raises(AttributeError, match="nonsense"):
        client.predictions.with_raw_response.nonsense  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError, match="iterated"):
        client.with_raw_response.stream(LLAMA, {})  # type: ignore[attr-defined]


async def test_status_and_headers_awaited(
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
        assert answer.headers["location"].endswith(answer.parse().id), "each has its own headers"


def test_options_of_one_call(client: replicate.Client, emulator: Emulator) -> None:
    client.predictions.list()
    emulator.forget()
    connections = emulator.state()["connections_ever"]
    other = client.with_options(headers={"x-mine": "1"}, default_query={"q": "2"}, max_retries=1)
    other.with_options(timeout=7, default_headers={"x-more": "3"}).predictions.list()
    assert emulator.state()["connections_ever"] == connections + 1, "one, which asks for the state"
    request = emulator.requests()[-1]
    assert (request["headers"]["x-mine"], request["headers"]["x-more"]) == ("1", "3")
    assert request["query"] in ({"q": "2"}, "q=2")
    assert (other.max_retries, client.max_retries, other.timeout) == (1, 5, 60)
    client.predictions.list()
    assert "x-mine" not in emulator.requests()[-1]["headers"]
    assert client.with_options(use_file_output=False).base_url == client.base_url
    assert client.copy(base_url="http://127.0.0.1:1/v1").base_url == "http://127.0.0.1:1/v1"


async def test_context_managers(emulator: Emulator) -> None:
    with replicate.Replicate(bearer_token=TOKEN, base_url=emulator.base_url) as client:
        assert client.run("emulator/echo", {"value": 1}) == 1
    client.close()
    async with replicate.AsyncReplicate(base_url=emulator.base_url) as awaited:
        assert await awaited.run("emulator/echo", {"value": 1}) == 1
    await awaited.close()


def test_requests_of_ones_own(client: replicate.Client) -> None:
    answer = client.request("GET", "/account")
    assert answer.status_code == 200
    assert answer.json()["username"] == client.accounts.current().username
    assert answer.headers["content-type"].startswith("application/json")
    with pytest.raises(replicate.NotFoundError):
        client.request("GET", "/nope")


def test_models_as_functions(client: replicate.Client) -> None:
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
    assert client.use("emulator/echo")(value=image) == image
    with pytest.raises(replicate.ModelError):
        client.use("emulator/fails").create().output()

    class Named:
        name = "emulator/echo"

    assert client.use(Named)(value=["a", "b"]) == ["a", "b"]


async def test_models_as_awaited_functions(async_client: replicate.AsyncClient) -> None:
    inputs = {"prompt": "x", "max_tokens": 9, "seed": 1}
    whole = await async_client.use(LLAMA)(**inputs)
    pieces = await async_client.use(LLAMA, streaming=True)(**inputs)
    assert await pieces == "".join([piece async for piece in pieces]) == whole
    run = await async_client.use(LLAMA).create(**inputs)
    assert await run.output() == whole
    assert await async_client.use("emulator/echo")(value=pieces) == whole


def test_every_other_endpoint(client: replicate.Client) -> None:
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
