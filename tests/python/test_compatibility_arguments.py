"""Arguments in the forms that replicate 1.x accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Emulator

import replicant
from replicant.deployment import DeploymentPredictions
from replicant.version import Version, Versions

CREATED = {"id": "p1", "status": "succeeded", "output": "done", "urls": {}}


@pytest.mark.parametrize("id", ["v1", "acme/up:5c7d", "a:b", "5c7d" * 16])
@pytest.mark.parametrize("way", ["run", "create", "use"])
def test_a_version_object_is_sent_as_its_id(emulator: Emulator, way: str, id: str) -> None:
    replay = emulator.replay(
        {
            "expect": {
                "method": "POST",
                "path": "/v1/predictions",
                "json": {"version": id, "input": {}},
            },
            "reply": {"status": 201, "json": CREATED},
        }
    )
    client = replicant.Client("r8_x", base_url=replay.base_url)
    version = Version(
        id=id, created_at="2024-01-01T00:00:00Z", cog_version="0.9", openapi_schema={}
    )
    if way == "run":
        assert client.run(version, {}) == "done"
    elif way == "create":
        assert client.predictions.create(version, {}).output == "done"
    else:
        assert client.use(version)() == "done"
    replay.check()


def test_a_reference_as_text_is_parsed(client: Any) -> None:
    with pytest.raises(ValueError, match="Invalid reference to model version: v1"):
        client.run("v1", {})


@pytest.mark.alone
def test_the_version_of_a_deployment_is_sent_as_its_id(client: Any, emulator: Emulator) -> None:
    version = Version(id="a:b", created_at="2024-01-01T00:00:00Z")
    emulator.forget()
    with pytest.raises(replicant.ReplicateException):
        client.deployments.update("acme/none", version=version)
    assert emulator.requests()[-1]["json"] == {"version": "a:b"}


async def test_the_versions_of_a_model_can_be_built_from_its_name(client: Any) -> None:
    for model in (("emulator", "echo"), "emulator/echo", client.models.get("emulator/echo")):
        versions = Versions(client, model=model)
        found = versions.list()[0]
        assert versions.get(found.id) == await versions.async_get(found.id) == found
    assert isinstance(client.models.get("emulator/echo").versions, Versions)


async def test_the_predictions_of_a_deployment_can_be_built_from_it(emulator: Emulator) -> None:
    path = "/v1/deployments/acme/fast"
    found = {"expect": {"path": path}, "reply": {"json": {"owner": "acme", "name": "fast"}}}
    created = {
        "expect": {
            "method": "POST",
            "path": f"{path}/predictions",
            "json": {"input": {"value": 1}},
        },
        "reply": {"status": 201, "json": CREATED},
    }
    replay = emulator.replay(found, *[created] * 4)
    client = replicant.Client("r8_x", base_url=replay.base_url)
    deployment = client.deployments.get("acme/fast")
    predictions = DeploymentPredictions(client=client, deployment=deployment)
    assert predictions.create(input={"value": 1}).id == "p1"
    assert (await predictions.async_create({"value": 1})).id == "p1"
    assert DeploymentPredictions(client, "acme/fast").create({"value": 1}).id == "p1"
    assert isinstance(deployment.predictions, DeploymentPredictions)
    assert deployment.predictions.create({"value": 1}).id == "p1"
    replay.check()


@pytest.mark.parametrize("operation", ["get", "delete"])
async def test_the_id_of_a_version_can_follow_the_model(emulator: Emulator, operation: str) -> None:
    forms: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("acme/up", "v1"), {}),
        ((("acme", "up"), "v1"), {}),
        ((replicant.Model(owner="acme", name="up"), "v1"), {}),
        (("acme/up",), {"id": "v1"}),
        (("acme", "up", "v1"), {}),
        ((), {"owner": "acme", "name": "up", "id": "v1"}),
    ]
    method = {"get": "GET", "delete": "DELETE"}[operation]
    reply: Any = {"json": {"id": "v1"}} if operation == "get" else {"status": 202}
    expected = {"method": method, "path": "/v1/models/acme/up/versions/v1"}
    replay = emulator.replay(*[{"expect": expected, "reply": reply}] * 3 * len(forms))
    versions = replicant.Client("r8_x", base_url=replay.base_url).models.versions
    awaited = replicant.AsyncClient("r8_x", base_url=replay.base_url).models.versions
    for args, options in forms:
        getattr(versions, operation)(*args, **options)
        await getattr(versions, f"async_{operation}")(*args, **options)
        await getattr(awaited, operation)(*args, **options)
    replay.check()
    incomplete: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("acme/up",), {}),
        (("acme", "up"), {}),
        ((), {"owner": "acme", "name": "up"}),
    ]
    for args, options in incomplete:
        with pytest.raises(TypeError, match="`id` is missing; pass the id of the version"):
            getattr(versions, operation)(*args, **options)


def test_keys_of_basic_types_become_text(client: Any) -> None:
    value = {1: "a", 2.5: {2**70: "b"}, None: ["c"], "é": {False: 0, True: 1}, -0.0: 1}
    assert client.run("emulator/echo", {"value": value}) == json.loads(json.dumps(value))
