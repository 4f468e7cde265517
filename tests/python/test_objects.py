"""Objects of the API: attributes, copies, and fields of pydantic models."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, ClassVar, Optional
from unittest.mock import Mock

import httpx
import pytest
from conftest import Emulator, python

import replicant
import replicant as replicate
from replicant.resource import Resource


def test_objects_survive_pickling(client: replicant.Client) -> None:
    prediction = client.predictions.create(model="emulator/echo", input={"value": [1]})
    for other in (
        pickle.loads(pickle.dumps(prediction)),
        copy.deepcopy(prediction),
        copy.copy(prediction),
    ):
        assert other == prediction
        assert other is not prediction
    given = {"value": "data:text/plain,a"}
    for file in (
        replicant.FileOutput("https://example.com/a.png"),
        client.run("emulator/echo", given),
        client.predictions.output(given["value"]),
    ):
        assert pickle.loads(pickle.dumps(file)) == file


LLAMA = "meta/meta-llama-3-8b-instruct"


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
    assert data == prediction.model_dump() == json.loads(prediction.json())
    assert prediction.to_dict() == json.loads(prediction.to_json()) == prediction._data
    assert json.loads(prediction.model_dump_json()) == data
    assert replicate.Prediction(**data) == prediction
    assert "id" in prediction.model_dump(include={"id"})
    new = replicate.Prediction({"id": "x", "brand_new": {"a": 1}})
    assert new.brand_new == {"a": 1}
    assert "brand_new" in dir(new)


async def test_awaited_predictions_are_objects(
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


def test_objects_can_be_fields_of_pydantic_models(client: replicate.Client) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Job(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        prediction: replicate.Prediction

    prediction = client.predictions.create(model="emulator/echo", input={})
    job = Job(prediction=prediction)
    assert job.prediction is prediction
    assert Job(prediction=prediction.dict()).prediction == prediction
    assert job.model_dump()["prediction"] == prediction.dict()
    for option in ("exclude_none", "exclude_unset", "exclude_defaults"):
        dumped = job.model_dump(**{option: True})["prediction"]
        assert dumped == prediction.dict(**{option: True}) != prediction.dict()
    assert job.model_dump(include={"prediction": {"id"}}) == {"prediction": {"id": prediction.id}}
    assert "id" not in job.model_dump(exclude={"prediction": {"id"}})["prediction"]
    assert json.loads(job.model_dump_json())["prediction"]["id"] == prediction.id
    with pytest.raises(pydantic.ValidationError):
        Job(prediction=3)


def test_objects_can_be_fields_of_models_of_pydantic_1(client: replicate.Client) -> None:
    pydantic = pytest.importorskip("pydantic.v1")

    class Job(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        user: str
        predictions: list[replicate.Prediction]

    prediction = client.predictions.create(model="emulator/echo", input={"a": 1})
    job = Job(user="u", predictions=[prediction])
    assert json.loads(job.json())["predictions"] == [json.loads(prediction.json())]
    assert Job.parse_obj({"user": "u", "predictions": [prediction.dict()]}) == job
    items = Job.schema()["properties"]["predictions"]["items"]
    assert (items["type"], items["title"]) == ("object", "Prediction")
    with pytest.raises(pydantic.ValidationError):
        Job(user="u", predictions=[1])


def test_options_can_be_fields_of_pydantic_models() -> None:
    script = """
import pydantic, replicant
from replicant.deployment import Deployments
from replicant.model import Models
from replicant.prediction import Predictions
from replicant.training import Trainings
for kind in (
    replicant.RunOptions,
    Predictions.CreatePredictionParams,
    Trainings.CreateTrainingParams,
    Deployments.CreateDeploymentParams,
    Models.CreateModelParams,
):
    pydantic.TypeAdapter(kind)
options = pydantic.TypeAdapter(replicant.RunOptions).validate_python({"timeout": "3"})
print(options)
"""
    pytest.importorskip("pydantic")
    done = python(script)
    assert done.stdout == "{'timeout': 3.0}\n", done.stderr


def test_files_can_be_fields_of_pydantic_models() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Picture(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        file: replicate.FileOutput

    url = "https://replicate.delivery/x/out-0.webp"
    file = replicate.FileOutput(url)
    assert Picture(file=file).file is file
    assert Picture(file=url).file == file
    assert json.loads(Picture(file=file).model_dump_json()) == {"file": url}
    with pytest.raises(pydantic.ValidationError, match="expected a FileOutput or a URL, not int"):
        Picture(file=3)


async def test_fastapi_routes_return_and_document_objects() -> None:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()
    url = "https://replicate.delivery/x/out-0.webp"

    @app.get("/prediction")
    def _prediction() -> replicate.Prediction:
        return replicate.Prediction(id="p1", status="succeeded")

    @app.get("/file")
    def _file() -> replicate.FileOutput:
        return replicate.FileOutput(url)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        shown = (await http.get("/prediction")).json()
        assert shown == replicate.Prediction(id="p1", status="succeeded").dict()
        assert (await http.get("/file")).json() == url
        paths = (await http.get("/openapi.json")).json()["paths"].values()
    answers = [path["get"]["responses"]["200"]["content"]["application/json"] for path in paths]
    assert [answer["schema"]["type"] for answer in answers] == ["object", "string"]


def test_the_repr_is_short_and_names_the_object(client: replicate.Client) -> None:
    where = repr(client)
    assert where == f"<replicant.Client {client.base_url}>"
    assert repr(client.predictions) == f"<Predictions of {where}>"
    assert repr(client.models.versions) == f"<Versions of {where}>"
    assert len(repr(replicate.Prediction(id="p1", output="x" * 1_000_000))) < 1000
    events = client.stream(LLAMA, {"prompt": "x"})
    assert repr(events) == "<EventStream>"
    next(events)
    assert repr(events) == f"<EventStream of prediction {events.prediction.id}>"
    assert repr(events.text()) == f"<TextStream of {events!r}>"
    run = client.use("emulator/echo").create(value=1)
    assert repr(run) == f"Run({run.prediction!r})"


def test_the_repr_of_the_default_client_settles_no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = type(replicate.default_client)()
    assert repr(fresh.predictions) == "<Predictions of <replicant.DefaultClient>>"
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://later.example/v1")
    assert fresh.base_url == "https://later.example/v1"
    assert "later.example" in repr(fresh)
    assert "annotations" not in dir(replicate)


def test_objects_behave_like_models_of_pydantic(client: replicate.Client) -> None:
    prediction = client.predictions.create(model="emulator/echo", input={"value": 1})
    data = prediction.dict()
    assert dict(prediction) == vars(prediction) == data
    assert "logs" not in prediction.dict(exclude={"logs"})
    assert set(prediction.dict(include={"id", "status"})) == {"id", "status"}
    assert None not in prediction.dict(exclude_none=True).values()
    text = prediction.json(exclude_none=True, by_alias=True, indent=2)
    assert json.loads(text) == prediction.dict(exclude_none=True)
    changed = prediction.copy(update={"status": "failed"})
    assert (changed.status, prediction.status) == ("failed", data["status"])
    assert changed.id == prediction.model_copy(deep=True).id == prediction.id
    cls = type(prediction)
    for made in (
        cls.parse_obj(data),
        cls.parse_raw(json.dumps(data)),
        cls.model_validate(data),
        cls.model_validate_json(json.dumps(data)),
        cls.construct(**data),
    ):
        assert made == prediction
    assert prediction.model_fields_set == prediction.__fields_set__ == set(prediction._data)
    assert {"id", "status", "output"} <= set(cls.__fields__) == set(cls.model_fields)
    with pytest.raises(ValueError, match="Prediction or a dictionary"):
        cls.parse_obj(3)
    # As in 1.x, so that a webhook route can refuse another body than a prediction.
    with pytest.raises(ValueError, match="`id` is missing"):
        cls.parse_obj({})


# The members that replicate 1.0.7 declares, in its order, by class.
DECLARED = {
    "Prediction": "id model version status input output logs error metrics created_at started_at completed_at urls",
    "Training": "id model version destination status input output logs error created_at started_at completed_at urls",
    "Model": "url owner name description visibility github_url paper_url license_url run_count cover_image_url "
    "default_example latest_version",
    "Version": "id created_at cog_version openapi_schema",
    "Deployment": "owner name current_release",
    "Account": "type username name github_url",
    "Collection": "slug name description models",
    "Hardware": "sku name",
    "File": "id name content_type size etag checksums metadata created_at expires_at urls",
}


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("prefix", ["", "Async"])
def test_members_that_the_api_omitted_are_none_in_the_order_of_1x(name: str, prefix: str) -> None:
    cls: Any = getattr(replicate, f"{prefix}{name}", getattr(replicate, name))
    names = DECLARED[name].split()
    made = cls({"unknown": 1, names[-1]: None, names[0]: "x"})
    everything = made.dict()
    assert [each for each in everything if each in names] == names
    assert list(everything)[-1] == "unknown"
    assert made.model_dump() == vars(made) == everything
    assert list(json.loads(made.json())) == list(json.loads(made.model_dump_json()))
    assert json.loads(made.json()) == everything
    if name != "Collection":
        assert dict(made) == everything
    given = {names[0]: "x", "unknown": 1}
    assert made.dict(exclude_none=True) == made.dict(exclude_defaults=True) == given
    sent = {**given, names[-1]: None}
    assert made.dict(exclude_unset=True) == made.dict(skip_defaults=True) == sent
    assert json.loads(made.json(exclude_unset=True)) == sent == made.to_dict()
    assert made == cls(given) == pickle.loads(pickle.dumps(made)) == cls.parse_raw(made.json())
    assert made.copy().dict(exclude_unset=True) == sent
    assert repr(made) == repr(cls(made.to_dict()))


async def test_a_created_prediction_has_every_member(emulator: Emulator) -> None:
    created = {"id": "p", "status": "starting", "urls": {"get": "g"}}
    replay = emulator.replay(
        *[{"expect": {"method": "POST"}, "reply": {"status": 201, "json": created}}] * 2
    )
    client = replicate.Client("t", base_url=replay.base_url)
    for prediction in (
        client.predictions.create(version="v", input={}),
        await client.predictions.async_create(version="v", input={}),
    ):
        assert prediction.dict()["output"] is None
        assert json.loads(prediction.json(include={"logs"})) == {"logs": None}
        assert prediction.dict(exclude_unset=True) == created


def test_nested_objects_have_every_member() -> None:
    model = replicate.Model(
        owner="a", name="b", latest_version={"id": "v"}, default_example={"id": "p"}
    )
    assert model.dict()["latest_version"] == replicate.Version(id="v").dict()
    assert json.loads(model.json())["default_example"] == replicate.Prediction(id="p").dict()
    assert dict(model)["latest_version"] == vars(model)["latest_version"] == model.latest_version
    assert model.dict(exclude_none=True)["default_example"] == {"id": "p"}
    assert model.to_dict() == model._data
    assert model == replicate.Model.parse_raw(model.json())
    assert model.dict(include={"latest_version": {"id"}}) == {"latest_version": {"id": "v"}}
    collection = replicate.Collection(slug="s", models=[{"owner": "a", "name": "b"}])
    assert collection.dict()["models"] == [replicate.Model(owner="a", name="b").dict()]
    assert collection.to_dict() == collection._data
    release = replicate.Deployment.Release(number=1)
    assert release.configuration is None
    assert replicate.Deployment(current_release=release).dict()["current_release"] == release.dict()
    training = replicate.Training(id="t", output={"version": "a/b:c"})
    assert training.dict()["destination"] == training.destination == "a/b"
    assert "destination" not in training.to_dict()
    assert (
        json.loads(replicate.Version(id="v", created_at="2024-01-01T00:00:00Z").json())[
            "created_at"
        ]
        == "2024-01-01T00:00:00Z"
    )


def test_a_copy_of_some_members_has_no_others() -> None:
    prediction = replicate.Prediction(id="p", status="starting", output="x")
    for part in (prediction.copy(include={"id"}), prediction.copy(exclude={"status", "output"})):
        for same in (part, part.copy(), copy.copy(part), pickle.loads(pickle.dumps(part))):
            assert same.dict() == dict(same) == {"id": "p"}
        assert part.copy(update={"logs": "y"}).dict() == {"id": "p", "logs": "y"}
    assert prediction.copy(deep=True).dict() == prediction.dict()


class Tagged(Resource):
    id: str
    tag: Optional[str] = None
    count: int = 3
    names: list[str] = []
    kinds: ClassVar[int] = 7

    @property
    def label(self) -> str:
        return f"{self.id}:{self.tag}"


class Renamed(Tagged):
    tag = "none"
    more: Optional[int]


def test_a_subclass_declares_members_with_defaults() -> None:
    made = Tagged(id="1")
    assert made.dict() == {"id": "1", "tag": None, "count": 3, "names": []}
    assert json.loads(made.json()) == dict(made) == made.dict()
    assert (made.tag, made.count, made.kinds, made.label) == (None, 3, 7, "1:None")
    assert made.dict(exclude_unset=True) == made.dict(exclude_defaults=True) == {"id": "1"}
    assert Tagged(id="1", count=3) == made == pickle.loads(pickle.dumps(made)) == made.copy()
    assert Tagged(id="1", count=3).dict(exclude_unset=True) == {"id": "1", "count": 3}
    other = Tagged(id="1", tag="x")
    assert (other.tag, other.label, other.dict()["tag"]) == ("x", "1:x", "x")
    other.tag = "y"
    assert other.tag == other.dict(exclude_unset=True)["tag"] == "y"
    other.names.append("z")
    assert (other.names, made.names, Tagged(id="1").names) == (["z"], [], [])
    fresh = Tagged(id="3")
    dict(fresh)["names"].append("z")
    assert (fresh.names, Tagged(id="2").names) == ([], [])
    assert made.copy(include=set()).dict() == {}
    renamed = Renamed(id="1")
    assert renamed.dict() == {"id": "1", "tag": "none", "count": 3, "names": [], "more": None}
    assert (renamed.tag, Tagged(id="1").tag) == ("none", None)


def test_nested_members_can_be_selected() -> None:
    made = replicate.Prediction(
        id="p", urls={"get": "g", "cancel": "c"}, input={"images": [{"a": 1, "b": 2}, {"a": 3}]}
    )
    assert made.dict(include={"urls": {"get"}}) == {"urls": {"get": "g"}}
    assert made.dict(include={"id": ..., "urls": True}, exclude={"urls": {"get"}}) == {
        "id": "p",
        "urls": {"cancel": "c"},
    }
    picked = made.dict(include={"input": {"images": {"__all__": {"a"}}}})
    assert picked == {"input": {"images": [{"a": 1}, {"a": 3}]}}
    assert made.dict(include={"input": {"images": {0: {"b"}}}}) == {"input": {"images": [{"b": 2}]}}
    text = made.json(exclude={"input", "urls"}, exclude_unset=True)
    assert json.loads(text) == {"id": "p"}


def test_only_known_members_can_be_set() -> None:
    prediction: Any = replicate.Prediction(id="p", new_member=1)
    prediction.status, prediction.new_member = "failed", 2
    assert prediction.to_dict() == {"id": "p", "new_member": 2, "status": "failed"}
    with pytest.raises(AttributeError, match="did you mean `status`"):
        prediction.statuss = "failed"
    with pytest.raises(AttributeError, match="is a method; replace it on the class"):
        prediction.wait = lambda: None
    model = replicate.Model(owner="a", name="b", latest_version=replicate.Version(id="v"))
    assert model.latest_version == replicate.Version(id="v")
    model.username = "c"
    assert (model.owner, model.id) == ("c", "c/b")
    model.latest_version = replicate.Version(id="w")  # type: ignore[misc]
    assert model.to_dict()["latest_version"] == {"id": "w"}
    collection = replicate.Collection(slug="s", models=[model])
    assert vars(collection)["slug"] == "s"
    assert collection[0].owner == "c"


def test_the_schema_of_an_object_lists_its_members() -> None:
    for schema in (
        replicate.Prediction.schema(by_alias=True),
        replicate.Prediction.model_json_schema(),
    ):
        assert (schema["title"], schema["type"]) == ("Prediction", "object")
        assert {"id", "output", "urls"} <= schema["properties"].keys()
        assert "Progress" not in schema["properties"]
    assert "current_release" in replicate.Deployment.schema()["properties"]


def test_pages_can_be_test_doubles() -> None:
    from replicant.pagination import Page

    first, second = (replicate.Prediction(id=id) for id in ("p1", "p2"))
    page = Page[replicate.Prediction](results=[first], next="u", previous=None)
    assert (len(page), page[0], page.next, list(page)) == (1, first, "u", [first])
    assert page.dict() == {"previous": None, "next": "u", "results": [first.dict()]}
    assert page.to_dict() == {"previous": None, "next": "u", "results": [{"id": "p1"}]}
    assert json.loads(page.json(exclude_none=True)) == {"next": "u", "results": [{"id": "p1"}]}
    fetch = Mock(side_effect=[page, Page(results=[second])])
    assert [item.id for each in replicate.paginate(fetch) for item in each] == ["p1", "p2"]
    assert fetch.call_args.args == ("u",)
    page.next = None
    assert not page.has_next_page()


def test_events_can_be_dumped() -> None:
    from replicant.stream import ServerSentEvent

    event = ServerSentEvent(event=ServerSentEvent.EventType.OUTPUT, data="a", id="1")
    assert event.dict() == {"event": "output", "data": "a", "id": "1", "retry": None}
    assert json.loads(event.json(exclude_none=True)) == {"event": "output", "data": "a", "id": "1"}
    assert event.model_dump(include={"data"}) == {"data": "a"}
    assert (f"{event.event}", str(event.event), f"{event.event:>7}") == (
        "output",
        "output",
        " output",
    )


def test_the_type_of_an_event_is_an_event_type_also_if_it_is_unknown() -> None:
    from replicant.stream import EventType, ServerSentEvent

    assert ServerSentEvent("done").event is EventType.DONE
    event = ServerSentEvent("progress", "1")
    assert isinstance(event.event, EventType)
    assert (event.event, event.event.value, event.event.name) == ("progress",) * 3
    assert (str(event.event), f"{event.event}", {"progress": 1}[event.event]) == (
        "progress",
        "progress",
        1,
    )
    assert (repr(event), str(event)) == ("ServerSentEvent(event='progress', data='1', id='')", "")
    assert json.loads(event.json())["event"] == event.dict()["event"] == "progress"
    assert event == ServerSentEvent("progress", "1") != ServerSentEvent("output", "1")
    for copied in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert copied == event
        assert copied.event.value == "progress"
    assert [kind.value for kind in EventType] == ["output", "logs", "error", "done"]
    with pytest.raises(ValueError, match="3 is not a valid"):
        EventType(3)


# Names that programs written for 1.x import or patch.
NAMES = """__about__.__version__ account.Account account.Accounts client.Client client.Client._request
client.Client._async_request collection.Collection collection.Collections deployment.Deployment
deployment.Deployments.CreateDeploymentParams deployment.Deployments.UpdateDeploymentParams
exceptions.ModelError exceptions.ReplicateError exceptions.ReplicateException file.File
file.FileEncodingStrategy file.Files.CreateFileParams hardware.Hardware helpers.FileOutput
helpers.transform_output identifier.ModelVersionIdentifier identifier._resolve model.Model
model.Model.predict model.Models.CreateModelParams model.ModelsPredictions model.Page model.Version
pagination.Page pagination.paginate pagination.async_paginate prediction.Prediction
prediction.Prediction._client prediction.Predictions.CreatePredictionParams prediction.Page
resource.Namespace resource.Resource run.run run.async_run stream.ServerSentEvent stream.stream
training.Training training.Trainings.CreateTrainingParams version.Version version.Versions
webhook.Webhooks webhook.Webhooks.Default webhook.WebhookSigningSecret"""


@pytest.mark.parametrize("name", NAMES.split())
def test_the_names_of_1x_can_be_imported(name: str) -> None:
    import importlib

    module, *path = name.split(".")
    found = importlib.import_module(f"replicant.{module}")
    for part in path:
        found = getattr(found, part)


def test_the_private_request_method_of_1x_works(client: replicate.Client) -> None:
    answer = client._request("GET", "/v1/predictions", params={"x": "1"})
    assert answer.status_code == 200
    assert "results" in answer.json()
    # Its paths are relative to the origin.
    seen = []
    transport = httpx.MockTransport(
        lambda r: seen.append(str(r.url)) or httpx.Response(200, json={})
    )
    mocked = replicate.Client("r8_x", transport=transport)
    for path in ("/", "/v1/models", "v1/models"):
        mocked._request("GET", path)
    assert seen == [
        "https://api.replicate.com/",
        "https://api.replicate.com/v1/models",
        "https://api.replicate.com/v1/models",
    ]
    with pytest.raises(replicate.ReplicateException, match="removed"):
        client.models.get(LLAMA).predict(prompt="x")


def test_a_module_under_the_alias_has_the_same_classes() -> None:

    done = python(
        "import sys, replicant; sys.modules['replicate'] = replicant\n"
        "from replicate.exceptions import ModelError\n"
        "from replicate.prediction import Prediction\n"
        "assert ModelError is replicant.ModelError and Prediction is replicant.Prediction\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_collection_without_models_has_no_items_as_in_1x() -> None:
    assert replicate.collection.Collection({"slug": "x"})[0] is None


@pytest.mark.parametrize("fraction", ["", ".5", ".123456789"])
def test_a_time_without_a_zone_has_none_as_in_1x(fraction: str) -> None:
    time = f"2024-01-01T00:00:00{fraction}"
    assert replicate.Version(id="v", created_at=time).created_at.tzinfo is None
    zoned = replicate.Version(id="v", created_at=f"{time}Z").created_at
    assert zoned.tzinfo is not None
    assert zoned.microsecond == replicate.Version(id="v", created_at=time).created_at.microsecond


def test_an_object_is_printed_with_its_members(client: replicate.Client) -> None:
    """As in 1.x, where `print(prediction)` shows the logs."""
    members = {
        "id": "p",
        "status": "succeeded",
        "input": {"a": "x" * 2000},
        "logs": "l",
        "urls": {"get": "https://x"},
        "webhook": "https://example.com/?key=secret",
    }
    prediction = replicate.Prediction(members)
    text = str(prediction)
    assert text == f"{prediction}" and text.startswith("id='p' status='succeeded' input={")
    assert text.endswith(" logs='l' urls={'get': 'https://x'}") and len(text) < 1200
    assert repr(prediction) == "Prediction(id='p', status='succeeded')"
    secret = client.webhooks.default.secret()
    assert secret.key not in str(secret) + repr(secret)


def test_members_can_be_set_through_vars() -> None:
    prediction = replicate.Prediction({"id": "p", "status": "starting"})
    prediction.__dict__["status"] = "succeeded"
    vars(prediction).update({"output": 1}, logs="l")
    assert (prediction.status, prediction.output, prediction.logs) == ("succeeded", 1, "l")
    added: Any = prediction
    assert vars(prediction).setdefault("added", "a") == added.added == "a"
    assert vars(prediction).setdefault("added", "b") == added.added == "a"
    members: Any = vars(prediction)
    members |= {"output": 2}
    assert prediction.output == 2
    members = copy.deepcopy(pickle.loads(pickle.dumps(vars(prediction))))
    assert members == vars(prediction) and type(members) is dict


def test_dict_has_times_and_json_has_text() -> None:
    text = "2023-08-28T20:28:45.993975Z"
    version = replicate.Version({"id": "v", "created_at": text})
    model = replicate.Model({"owner": "a", "name": "b", "latest_version": version._data})
    for found in (version.dict(), model.dict()["latest_version"], version.model_dump()):
        assert found["created_at"] == version.created_at
    assert version.model_dump(mode="json")["created_at"] == text
    for kind in (version, model):
        assert text in kind.json() and text in kind.to_json()
    assert version.copy() == version and dict(version)["created_at"] == text
    assert replicate.Version({"id": "v"}).dict()["created_at"] is None
