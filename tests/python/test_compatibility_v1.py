"""Programs written for `replicate` 1.0.7 work with another import line."""

from __future__ import annotations

import asyncio
import base64
import copy
import gc
import hmac
import io
import pathlib
import random
import re
import types
import weakref
import zipfile
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
from conftest import Emulator, canceled, eventually

import replicant as replicate
import replicant.testing

pytestmark = pytest.mark.alone

ECHO = "0ec4000000000000000000000000000000000000000000000000000000000001"
SDXL = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
LLAMA = "meta/meta-llama-3-8b-instruct"


def test_arguments_are_accepted_in_every_form(client: replicate.Client) -> None:
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
    with pytest.raises(ValueError, match="owner/name"):
        client.run(3, {})


def test_deployments_work_as_in_1x(client: replicate.Client) -> None:
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


def test_exceptions_are_caught_as_in_1x(client: replicate.Client, emulator: Emulator) -> None:
    with pytest.raises(replicate.exceptions.ModelError) as failed:
        client.run("emulator/fails", {})
    prediction = failed.value.prediction
    assert prediction.status == "failed"
    assert "RuntimeError" in prediction.logs
    with pytest.raises(replicate.exceptions.ReplicateException) as missing:
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
    assert str(error) == prediction.error == failed.value.args[0]
    assert replicate.ReplicateError("about:blank").args == ("about:blank",)


# Each call of 1.0.7; the name of its awaited form begins with `async_`.
CALLS = {
    "accounts.current()": "Account",
    "collections.list()": "Page",
    "collections.get('text-to-image')": "Collection",
    "deployments.list()": "Page",
    "deployments.get('acme/text')": "Deployment",
    "deployments.predictions.create('acme/text', {'prompt': 'x'}, stream=True)": "Prediction",
    "deployments.create(name='acme/NEW', model='emulator/echo', version=ECHO, hardware='cpu', "
    "min_instances=0, max_instances=1)": "Deployment",
    "deployments.update('acme', 'text', min_instances=0, max_instances=2)": "Deployment",
    "deployments.update(deployment_owner='acme', deployment_name='text', hardware='cpu')": "Deployment",
    "deployments.delete(deployment_owner='acme', deployment_name='NEW')": "bool",
    "files.create(io.BytesIO(b'x'), filename='x.txt', content_type='text/plain', metadata={'a': 1})": "File",
    "files.create(pathlib.Path(__file__))": "File",
    "files.create(__file__)": "File",
    "files.get(FILE)": "File",
    "files.get(file_id=FILE)": "File",
    "files.list()": "Page",
    "files.delete(FILE)": "bool",
    "hardware.list()": "list",
    "models.list()": "Page",
    "models.get('emulator/echo')": "Model",
    "models.get('emulator', 'echo')": "Model",
    "models.get(owner='emulator', name='echo')": "Model",
    "models.get(key='emulator/echo')": "Model",
    "models.create('acme', 'NEW', visibility='private', hardware='cpu', description='d', "
    "github_url='https://github.com/a/b', paper_url='https://a.b/c', license_url='https://a.b/d', "
    "cover_image_url='https://a.b/e.png')": "Model",
    "models.delete('acme/NEW')": "bool",
    "models.delete(key='acme/NEW')": "bool",
    "models.search('llama')": "Page",
    "models.predictions.create('emulator/echo', {'value': 1}, wait=True)": "Prediction",
    "models.predictions.create(model=('emulator', 'echo'), input={'value': 1})": "Prediction",
    "predictions.list()": "Page",
    "predictions.get(PREDICTION)": "Prediction",
    "predictions.cancel(PREDICTION)": "Prediction",
    "predictions.create(ECHO, {'value': 1})": "Prediction",
    "predictions.create(version=ECHO, input={'value': 1}, webhook='https://a.b/c', "
    "webhook_events_filter=['start'], stream=False, wait=5, "
    "file_encoding_strategy='base64')": "Prediction",
    "predictions.create(model='emulator/echo', input={'value': 1}, wait=True)": "Prediction",
    "predictions.create(deployment='acme/text', input={'prompt': 'x'})": "Prediction",
    "trainings.create(model='stability-ai/sdxl', version=SDXL, input={'input_images': ZIP}, "
    "destination='acme/hotdog', webhook='https://a.b/c', "
    "webhook_events_filter=['completed'], file_encoding_strategy='url')": "Training",
    "trainings.create(version='stability-ai/sdxl:' + SDXL, input={'input_images': ZIP}, "
    "destination='acme/hotdog')": "Training",
    "trainings.create('stability-ai/sdxl:' + SDXL, {'input_images': ZIP}, 'acme/hotdog', "
    "'https://a.b/c', None, ['completed'])": "Training",
    "trainings.list()": "Page",
    "trainings.get(TRAINING)": "Training",
    "trainings.cancel(TRAINING)": "Training",
    "webhooks.default.secret()": "WebhookSigningSecret",
    "run('emulator/echo', input={'value': 1}, use_file_output=False)": "int",
    "run('emulator/echo:' + ECHO, {'value': 1}, wait=False, webhook='https://a.b/c')": "int",
}
FIRST = re.compile(r"(\w+)\(")


@pytest.fixture
def names(client: replicate.Client) -> dict[str, Any]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        picture = io.BytesIO()
        pytest.importorskip("PIL.Image").new("RGB", (8, 8), "red").save(picture, "PNG")
        written.writestr("a.png", picture.getvalue())
    name = f"new-{random.randrange(10**9)}"
    client.deployments.create(f"acme/{name}", "emulator/echo", ECHO, "cpu", 0, 1)
    client.models.create("acme", name, visibility="private", hardware="cpu")
    training = client.trainings.create(
        f"stability-ai/sdxl:{SDXL}", {"input_images": archive.getvalue()}, "acme/hotdog"
    )
    return {
        "ECHO": ECHO,
        "SDXL": SDXL,
        "ZIP": archive.getvalue(),
        "NEW": name,
        "FILE": client.files.create(b"hi", "hi.txt").id,
        "PREDICTION": client.predictions.create(model="emulator/echo", input={}).id,
        "TRAINING": training.id,
        "io": io,
        "pathlib": pathlib,
        "__file__": __file__,
    }


@pytest.mark.parametrize("awaited", [False, True], ids=["blocking", "awaited"])
@pytest.mark.parametrize("call", CALLS)
async def test_every_call_of_1x_works(
    client: replicate.Client, names: dict[str, Any], call: str, awaited: bool
) -> None:
    text = call.replace("/NEW'", f"/{names['NEW']}'").replace("'NEW'", f"'{names['NEW']}'")
    if ".create('acme'" in text or "create(name=" in text:
        text = text.replace(names["NEW"], names["NEW"] + "-more")
    if awaited:
        text = FIRST.sub(r"async_\1(", text, count=1)
    run = lambda: eval(f"client.{text}", {**names, "client": client})  # noqa: E731
    result = await run() if awaited else run()
    expected = CALLS[call]
    assert type(result).__name__ in (expected, f"Async{expected}")


async def test_objects_have_every_member_of_1x(
    client: replicate.Client, names: dict[str, Any]
) -> None:
    members = [
        (client.predictions.get(names["PREDICTION"]), "id model version status input output logs error "
        "metrics created_at started_at completed_at urls progress"),
        (client.trainings.get(names["TRAINING"]), "id model version destination status input output "
        "logs error created_at started_at completed_at urls"),
        (client.models.get("emulator/echo"), "url owner name description visibility github_url paper_url "
        "license_url run_count cover_image_url default_example latest_version id versions username"),
        (client.models.get("emulator/echo").versions.get(ECHO), "id created_at cog_version openapi_schema"),
        (client.accounts.current(), "type username name github_url"),
        (client.hardware.list()[0], "sku name id"),
        (client.files.get(names["FILE"]), "id name content_type size etag checksums metadata created_at "
        "expires_at urls"),
        (client.collections.get("text-to-image"), "slug name description models id"),
        (client.deployments.get("acme/text"), "owner name current_release id username predictions"),
        (client.deployments.get("acme/text").current_release, "number model version created_at created_by "
        "configuration"),
        (client.predictions.list(), "previous next results"),
    ]  # fmt: skip
    deprecated = {"Hardware.id", "Collection.id", "Model.username", "Deployment.username"}
    for found, expected in members:
        for name in expected.split():
            if f"{type(found).__name__}.{name}" in deprecated:
                with pytest.warns(DeprecationWarning, match=f"instead of `{name}`") as warned:
                    getattr(found, name)
                assert warned[0].filename == __file__
            else:
                getattr(found, name)


async def test_objects_have_the_methods_of_1x(
    client: replicate.Client, names: dict[str, Any]
) -> None:
    prediction = client.predictions.create(model="emulator/echo", input={"value": "x"})
    prediction.wait()
    prediction.reload()
    prediction.cancel()
    await prediction.async_wait()
    await prediction.async_reload()
    await prediction.async_cancel()
    assert [str(event) for event in prediction.stream(True)][-1] == ""
    assert [event.event async for event in prediction.async_stream()][-1] == "done"
    assert list(prediction.output_iterator()) == ["x"]
    assert [item async for item in prediction.async_output_iterator()] == ["x"]
    training = client.trainings.get(names["TRAINING"])
    training.reload()
    training.cancel()
    await training.async_reload()
    await training.async_cancel()
    model = client.models.get("emulator/echo")
    model.reload()
    assert (await model.versions.async_get(ECHO)).id == ECHO
    assert [version.id for version in await model.versions.async_list()] == [ECHO]
    deployment = client.deployments.get("acme/text")
    assert (await deployment.predictions.async_create({"prompt": "x"})).id
    assert replicate.deployment.Deployment.Release


def test_numpy_values_and_iterables_can_be_inputs(client: replicate.Client) -> None:
    numpy = pytest.importorskip("numpy")
    given = {
        "a": numpy.int32(1),
        "b": numpy.arange(3),
        "c": (1,),
        "d": {"x"},
        "e": (n for n in [1]),
    }
    back = {"a": 1, "b": [0, 1, 2], "c": [1], "d": ["x"], "e": [1]}
    assert client.run("emulator/echo", {"value": given}) == back


async def test_outputs_are_files_as_in_1x(client: replicate.Client) -> None:
    output = client.run("black-forest-labs/flux-schnell", {"prompt": "a", "megapixels": "0.25"})[0]
    assert isinstance(output, replicate.helpers.FileOutput)
    content = output.read()
    assert b"".join(output) == await output.aread() == content
    assert b"".join([piece async for piece in output]) == content
    transformed = replicate.helpers.transform_output({"a": [output.url]}, client)
    assert transformed == {"a": [output]}


def test_streams_work_as_in_1x(client: replicate.Client) -> None:
    # Without this import, the name `replicate.stream` is the function, as in 1.x.
    from replicant.stream import ServerSentEvent

    events = list(client.stream(LLAMA, input={"prompt": "x", "max_tokens": 3}))
    outputs = [event for event in events if event.event is replicate.EventType.OUTPUT]
    assert "".join(map(str, events)) == "".join(str(event.data) for event in outputs)
    assert events[-1].event == ServerSentEvent.EventType.DONE
    assert (type(events[0].data), type(events[0].id), events[0].retry) == (str, str, None)
    with pytest.raises(replicate.ReplicateError):
        list(client.stream("fofr/audio-to-waveform", input={"audio": "https://a.b/c.wav"}))


WEBHOOK = {
    "id": "msg_1",
    "timestamp": "1700000000",
    "body": '{"id": "p"}',
    "secret": "whsec_" + base64.b64encode(b"0123456789abcdef").decode(),
}


def signed() -> dict[str, str]:
    text = f"{WEBHOOK['id']}.{WEBHOOK['timestamp']}.{WEBHOOK['body']}".encode()
    signature = base64.b64encode(hmac.new(b"0123456789abcdef", text, "sha256").digest()).decode()
    return {
        "Webhook-ID": WEBHOOK["id"],
        "webhook-timestamp": WEBHOOK["timestamp"],
        "WEBHOOK-SIGNATURE": f"v1,{signature}",
    }


def test_webhooks_are_validated_as_in_1x(client: replicate.Client) -> None:
    good: dict[str, Any] = {
        "headers": signed(),
        "body": WEBHOOK["body"],
        "secret": replicate.WebhookSigningSecret(key=WEBHOOK["secret"]),
        "tolerance": None,
    }
    assert replicate.webhooks.validate(**good) == {"id": "p"}
    request = types.SimpleNamespace(headers=signed(), body=WEBHOOK["body"].encode())
    assert client.webhooks.validate(request, secret=WEBHOOK["secret"], tolerance=None)["id"] == "p"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"headers": {}}, "MissingWebhookHeaderError"),
        ({"headers": {**signed(), "webhook-timestamp": ""}}, "MissingWebhookHeaderError"),
        ({"body": None}, "MissingWebhookBodyError"),
        ({"tolerance": 10}, "InvalidTimestampError"),
        ({"secret": "whsec_!"}, "InvalidSecretKeyError"),
        ({"body": "{}"}, "InvalidSignatureError"),
    ]
    for change, name in wrong:
        error = getattr(replicate.webhook, name)  # type: ignore[attr-defined]
        assert issubclass(error, replicate.webhook.WebhookValidationError)
        assert issubclass(error, ValueError)
        with pytest.raises(error):
            replicate.webhooks.validate(**{**good, **change})
    with pytest.raises(ValueError, match="secret"):
        replicate.webhooks.validate(headers=signed(), body="{}")
    with pytest.raises(replicate.MissingWebhookHeaderError):
        replicate.webhooks.validate(body="{}", secret="whsec_x")
    with pytest.raises(TypeError, match=r"`request\.body` is a method: pass"):
        awaited = types.SimpleNamespace(headers={}, body=lambda: b"")
        replicate.webhooks.validate(awaited, secret="whsec_x")
    with pytest.raises(ValueError, match="request"):
        replicate.webhooks.validate(request, headers={}, body="", secret="whsec_x")


def creates(emulator: Emulator) -> list[dict[str, Any]]:
    """Returns the creates. A stream of an earlier test may be canceled when it is collected."""
    posts = [each for each in emulator.requests() if each["method"] == "POST"]
    return [each for each in posts if each["path"].endswith("/predictions")]


async def test_a_deployment_object_is_run_as_a_deployment(
    client: replicate.Client, emulator: Emulator
) -> None:
    deployment = client.deployments.get("acme/text")
    input = {"prompt": "x", "max_tokens": 3}
    emulator.forget()
    client.run(deployment, input)
    list(client.stream(deployment, input))
    client.submit(deployment, input).result()
    list(client.map(deployment, [input]))
    client.use(deployment)(**input)
    client.use(deployment).create(**input)
    client.predictions.create(deployment=deployment, input=input)
    paths = [each["path"] for each in creates(emulator)]
    assert paths == ["/v1/deployments/acme/text/predictions"] * 7


def test_a_deployment_object_is_not_taken_for_the_model_of_its_name(
    client: Any, emulator: Emulator
) -> None:
    deployment = client.deployments.get("acme/text")
    emulator.forget()
    for create, argument in (
        (lambda: client.predictions.create(deployment, {}), "version"),
        (lambda: client.predictions.create(version=deployment), "version"),
        (lambda: client.predictions.create(model=deployment), "model"),
        (lambda: client.models.predictions.create(deployment, {}), "model"),
    ):
        with pytest.raises(
            replicate.exceptions.InvalidArgumentError, match="as `deployment=`"
        ) as caught:
            create()
        assert caught.value.argument == argument
    assert emulator.requests() == []


class Tenant(replicate.Client):
    """A client that adds a header to each request."""

    def _request(self, method: str, path: str, **options: Any) -> Any:
        options["headers"] = {**options.get("headers", {}), "x-tenant": "t1"}
        return super()._request(method, path, **options)

    async def _async_request(self, method: str, path: str, **options: Any) -> Any:
        options["headers"] = {**options.get("headers", {}), "x-tenant": "t1"}
        return await super()._async_request(method, path, **options)


async def test_an_overridden_request_sends_every_request(
    emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    seen: list[str] = []
    client = Tenant(
        "r8_t", base_url=emulator.base_url, on_request=lambda event: seen.append(event.url)
    )
    emulator.forget()
    (image,) = client.run("black-forest-labs/flux-schnell", {"prompt": "x"})
    assert len(image.read()) > 1000
    uploaded = client.files.create(b"0123456789" * 300_000)
    assert uploaded.size == 3_000_000
    assert len(client.save_all([uploaded.urls["get"]], tmp_path)) == 1
    inputs = {"chunks": ["a", "b"]}
    assert "".join(map(str, client.stream("emulator/stream", inputs))) == "ab"
    events = await client.async_stream("emulator/stream", inputs)
    assert "".join([str(event) async for event in events]) == "ab"
    assert (await client.predictions.async_list()).results
    with pytest.raises(replicate.NotFoundError):
        client.predictions.get("nothing-there")
    requests = emulator.requests()
    for each in requests:
        # Files outside the files endpoint are read without the token.
        token = None if each["path"].startswith("/files/") else "Bearer r8_t"
        assert each["headers"].get("authorization") == token
    others = [each for each in requests if each["headers"].get("x-tenant") != "t1"]
    # As in 1.x, files and events are read without it.
    assert {each["method"] for each in others} == {"GET"}
    assert [each for each in others if each["path"] == f"/v1/files/{uploaded.id}"]
    assert not [each for each in others if each["path"].endswith("/predictions")]
    assert len(seen) == len(requests), "hooks see each request once"
    creates = [each["path"] for each in requests if each["method"] == "POST"]
    assert len([path for path in creates if "predictions" in path]) == 3


def test_a_file_of_an_overridden_request_is_resumed_if_it_has_not_changed(
    local: replicate.testing.Emulator, tmp_path: pathlib.Path
) -> None:
    content = random.Random(1).randbytes(400_000)
    local.model("acme/painter")(lambda: io.BytesIO(content))
    cut = {"match": {"path": "/files/*"}, "times": 1, "action": {"cut_body_at": 200_000}}
    local.misbehave(cut)
    client = Tenant("r8_t", base_url=local.base_url)
    (item,) = client.map("acme/painter", [{}], save_to=tmp_path)
    assert item.error is None
    assert pathlib.Path(item.output).read_bytes() == content
    first, second = (each["headers"] for each in local.requests() if "/files/" in each["path"])
    assert "range" not in first
    # Without a condition, a file that changed meanwhile would be saved as a mix of both.
    assert second["range"].startswith("bytes=")
    assert second["if-range"]


def test_a_prediction_is_canceled_after_its_client_was_freed(emulator: Emulator) -> None:
    before = canceled(emulator)
    client = Tenant("r8_t", base_url=emulator.base_url)
    freed = weakref.ref(client)
    stream = client.stream("emulator/endless", {}).start()
    del client
    stream.close()
    del stream

    def is_freed() -> bool:
        # Each time, because a request that is sent at this moment keeps the client, which is a part of cycles.
        gc.collect()
        return freed() is None

    eventually(is_freed)
    eventually(lambda: canceled(emulator) > before)


@pytest.mark.parametrize("awaited", [False, True])
async def test_events_of_an_overridden_request_are_no_file(
    local: replicate.testing.Emulator, awaited: bool
) -> None:
    client = Tenant("r8_t", base_url=local.base_url, on_abandon="leave")
    inputs = {"chunks": list("abcdefghij")}

    async def read() -> str:
        if awaited:
            return "".join(
                [str(event) async for event in client.async_stream("emulator/stream", inputs)]
            )
        return await asyncio.to_thread(
            lambda: "".join(map(str, client.stream("emulator/stream", inputs)))
        )

    def opened() -> list[Any]:
        return [each["headers"] for each in local.requests() if "/streams/" in each["path"]]

    events = {"path": "/v1/streams/*"}
    local.misbehave({"match": events, "times": 1, "action": {"cut_body_at": 60}})
    assert await read() == "abcdefghij"
    first, second = opened()
    assert "range" not in second and second["last-event-id"] and "last-event-id" not in first
    local.misbehave({"match": events, "times": 0, "action": {"status": 404}})
    with pytest.raises(replicate.NotFoundError):
        await read()
    assert len(opened()) == 3, "it was not retried"


async def test_a_patched_request_sends_nothing(
    client: replicate.Client, emulator: Emulator
) -> None:
    emulator.forget()
    done = {"id": "p", "status": "succeeded", "output": "done"}
    with patch.object(replicate.Client, "_request") as request:
        request.return_value.json.return_value = done
        assert client.predictions.create(version="v", input={"a": 1}).output == "done"
        request.assert_called_once_with(
            "POST", "/v1/predictions", json={"version": "v", "input": {"a": 1}}
        )
        assert client.run("a/b", {}) == "done"
        request.side_effect = error = ConnectionError("no")
        for call in (lambda: client.run("a/b", {}), client.predictions.list):
            with pytest.raises(ConnectionError) as raised:
                call()
            assert raised.value is error
        assert request.call_count == 4, "nothing was retried"
    with patch.object(client, "_async_request") as request:
        request.return_value = MagicMock()
        request.return_value.json.return_value = done
        assert await client.async_run("a/b", {}) == "done"
        assert (await client.predictions.async_get("p")).output == "done"
    assert emulator.requests() == []
    with pytest.raises(replicate.NotFoundError):
        client.predictions.get("nothing-there")


async def test_copies_of_a_client_keep_its_replaced_methods(emulator: Emulator) -> None:
    client: Any = replicate.Client("r8_t", base_url=emulator.base_url)
    emulator.forget()
    done = {"id": "p", "status": "succeeded", "output": "done"}
    made = replicate.prediction.Prediction(**done, urls={})

    def copies() -> list[Any]:
        return [
            client.with_options(timeout=9),
            client.copy(),
            copy.copy(client),
            copy.deepcopy(client),
        ]

    with patch.object(client, "_request") as request:
        request.return_value.json.return_value = done
        for each in copies():
            assert each.run("a/b", {}) == "done"
        assert client.with_raw_response.predictions.get("p").parse().output == "done"
    with patch.object(client, "_async_request") as request:
        request.return_value = MagicMock()
        request.return_value.json.return_value = done
        for each in copies():
            assert await each.async_run("a/b", {}) == "done"
    with patch.object(client.models.predictions, "create", return_value=made):
        for each in copies():
            assert each.run("a/b", {}) == "done"
            assert each.models.predictions.create() is made
    with patch.object(client.predictions, "get", lambda _: made):
        assert all(each.predictions.get("p") is made for each in copies())
        with pytest.raises(TypeError, match="no request was sent"):
            client.predictions.with_raw_response.get("p")
        with pytest.raises(TypeError, match="no request was sent"):
            client.with_raw_response.predictions.get("p")
    with patch.object(client, "run", return_value="stub"):
        assert all(each.run("a/b", {}) == "stub" for each in copies())
    client.predictions = MagicMock()
    assert all(each.predictions is client.predictions for each in copies())
    assert emulator.requests() == []


async def test_run_and_stream_call_patched_creates(
    client: replicate.Client, emulator: Emulator
) -> None:
    emulator.forget()
    made = replicate.prediction.Prediction(id="p", status="succeeded", output=["stub"], urls={})
    with patch("replicant.prediction.Predictions.create", return_value=made) as create:
        assert client.run(f"a/b:{ECHO}", {"a": 1}, wait=False) == ["stub"]
        create.assert_called_once_with(
            version=ECHO, input={"a": 1}, wait=False, cancel_after="86400s"
        )
    with patch("replicant.model.ModelsPredictions.create", return_value=made) as create:
        assert client.run("a/b", {}) == ["stub"]
        assert create.call_args.kwargs["model"] == ("a", "b")
        with pytest.raises(replicate.StreamUnsupportedError):
            next(client.stream("a/b", {}))
    with patch("replicant.model.ModelsPredictions.async_create", return_value=made) as create:
        assert await client.async_run("a/b", {}) == ["stub"]
    assert creates(emulator) == []
    # One that is only watched sends the request, with what `run` adds.
    create = client.models.predictions.create
    with patch.object(client.models.predictions, "create", wraps=create) as watched:
        client.run("black-forest-labs/flux-schnell", {"prompt": "x"})
        assert watched.call_count == 1
    (post,) = creates(emulator)
    assert post["headers"]["cancel-after"] == "86400s"


def test_a_client_with_an_overridden_request_is_freed(emulator: Emulator) -> None:
    client = Tenant("r8_t", base_url=emulator.base_url)
    client.account.get()
    found = weakref.ref(client)
    del client
    gc.collect()
    assert found() is None
