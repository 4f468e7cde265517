"""Objects of the API: attributes, copies, and inside models of pydantic."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import replicant as replicate

ECHO = "0ec4000000000000000000000000000000000000000000000000000000000001"
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


def test_files_in_pydantic_models() -> None:
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


async def test_routes_of_fastapi_give_objects_and_document_them() -> None:
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
        assert (await http.get("/prediction")).json() == {"id": "p1", "status": "succeeded"}
        assert (await http.get("/file")).json() == url
        paths = (await http.get("/openapi.json")).json()["paths"].values()
    answers = [path["get"]["responses"]["200"]["content"]["application/json"] for path in paths]
    assert [answer["schema"]["type"] for answer in answers] == ["object", "string"]


def test_what_a_notebook_prints_is_short_and_tells_what_it_is(client: replicate.Client) -> None:
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


def test_looking_at_the_default_client_settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = type(replicate.default_client)()
    assert repr(fresh.predictions) == "<Predictions of <replicant.DefaultClient>>"
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://later.example/v1")
    assert fresh.base_url == "https://later.example/v1"
    assert "later.example" in repr(fresh)
    assert "annotations" not in dir(replicate)
