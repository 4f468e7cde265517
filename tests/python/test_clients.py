"""Clients: changed options, patches, copies, pickles, and the token of a Cog scope."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import dataclasses
import gc
import pickle
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Iterator
from typing import Any, Callable
from unittest.mock import patch

import httpx
import pytest
from conftest import TOKEN, Emulator, python

import replicant
from replicant import _native

wrapt = pytest.importorskip("wrapt")
cloudpickle = pytest.importorskip("cloudpickle")


@pytest.fixture
def default(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    monkeypatch.setattr(replicant, "base_url", emulator.base_url, raising=False)
    client: Any = replicant.default_client
    yield client
    client.api_token = None
    client.poll_interval = None


def seen() -> tuple[list[str], httpx.MockTransport]:
    """Returns a list of the tokens of all requests, and the transport that fills it."""
    tokens: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        tokens.append(request.headers.get("authorization", "").partition(" ")[2])
        return httpx.Response(200, json={"id": "p", "status": "succeeded", "output": None})

    return tokens, httpx.MockTransport(handle)


@pytest.mark.parametrize("option", ["transport", "on_request"])
def test_a_client_with_a_method_of_its_owner_is_collected(option: str) -> None:
    class Owner:
        def __init__(self) -> None:
            options: dict[str, Any] = {option: self.called}
            self.client = replicant.Client("r8_first", **options)
            self.stream = self.client.stream("owner/name", {})

        def called(self, request: Any) -> None:
            raise AssertionError

    owner = weakref.ref(Owner())
    gc.collect()
    assert owner() is None


def test_options_can_be_changed(emulator: Emulator) -> None:
    tokens, transport = seen()
    client = replicant.Client("r8_first", transport=transport)
    client.predictions.get("p")
    client.api_token = "r8_second"
    client.poll_interval = 0.5
    client.max_retries = 1
    client.timeout = 7
    client.predictions.get("p")
    client._api_token = "r8_third"
    assert client.bearer_token == "r8_third"
    client.predictions.get("p")
    assert tokens == ["r8_first", "r8_second", "r8_third"]
    assert (client.poll_interval, client.max_retries, client.timeout) == (0.5, 1, 7)
    with pytest.raises(replicant.InvalidArgumentError, match="max_retries"):
        client.max_retries = -1
    assert client.max_retries == 1
    assert "r8_" not in repr(client)


def test_the_default_client_takes_options_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, transport = seen()
    client: Any = replicant.default_client
    monkeypatch.setattr(replicant, "http_client", transport, raising=False)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_env")
    replicant.predictions.get("p")
    monkeypatch.setattr(replicant, "bearer_token", "r8_module", raising=False)
    replicant.predictions.get("p")
    try:
        client.api_token = "r8_set"
        replicant.predictions.get("p")
        client._api_token = "r8_underscore"
        replicant.predictions.get("p")
        client.poll_interval = 1
        assert client.poll_interval == 1
    finally:
        client.api_token = None
        client.poll_interval = None
    assert tokens == ["r8_env", "r8_module", "r8_set", "r8_underscore"]


def test_the_awaited_default_client_follows_the_blocking_one() -> None:
    from replicant._default import default_async_client

    client: Any = replicant.default_client
    assert default_async_client.max_retries == 5
    try:
        client.max_retries = 1
        assert default_async_client.max_retries == 1
    finally:
        client.max_retries = None
    assert default_async_client.max_retries == 5


async def test_the_poll_interval_is_a_number_and_polling_adaptive(
    emulator: Emulator, default: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPLICATE_POLL_INTERVAL", raising=False)
    from replicant._default import default_async_client

    client, awaited = replicant.Client("t"), replicant.AsyncClient("t")
    for each in (client, awaited, default, default_async_client, client.with_options(timeout=3)):
        assert each.poll_interval == 0.5
        assert each._native.describe()["poll_interval"] is None
    client.poll_interval = 2
    assert (client.poll_interval, client._native.describe()["poll_interval"]) == (2, 2)
    assert client.with_options(timeout=3).poll_interval == 2
    client.poll_interval = None  # type: ignore[assignment]
    assert (client.poll_interval, client._native.describe()["poll_interval"]) == (0.5, None)
    assert replicant.Client("t", poll_interval=0.5)._native.describe()["poll_interval"] == 0.5
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "7")
    assert replicant.Client("t").poll_interval == 7


# Attributes that tracing libraries set.
@pytest.mark.parametrize("name", ["_llmobserve_instrumented", "_datadog_pin", "__wrapped__"])
def test_private_attributes_can_be_added(client: Any, name: str) -> None:
    from replicant._default import default_async_client

    awaited: Any = replicant.AsyncClient("t")
    for each in (
        client,
        awaited,
        replicant.default_client,
        default_async_client,
        client.predictions,
        awaited.models,
        replicant.models,
        client.models.get("emulator/echo").versions,
    ):
        setattr(each, name, True)
        assert getattr(each, name) is True
        delattr(each, name)
        assert not hasattr(each, name)
    setattr(client, name, [1])
    for other in (client.with_options(timeout=3), copy.copy(client), copy.deepcopy(client)):
        assert getattr(other, name) == [1]
    assert getattr(cloudpickle.loads(cloudpickle.dumps(client)), name) == [1]


def test_an_unknown_attribute_cannot_be_set(client: Any) -> None:
    with pytest.raises(AttributeError, match="did you mean `poll_interval`"):
        client.pol_interval = 1
    with pytest.raises(
        AttributeError, match="no attribute 'pedictions'; did you mean `predictions`"
    ):
        client.pedictions = 1
    with pytest.raises(AttributeError, match="did you mean `create`"):
        client.predictions.crate = 1
    # In 1.x it applied until the first request.
    for name in ("base_url", "timeout"):
        with pytest.raises(AttributeError, match=f"did you mean `{name}`"):
            setattr(client, f"_{name}", 1)


def test_a_subclass_can_have_other_attributes() -> None:
    class Recording(replicant.Client):
        def __init__(self, *args: Any, **options: Any) -> None:
            self.label = "x"
            super().__init__(*args, **options)
            self.history: list[str] = []

    client = Recording("r8_x")
    client.history.append("run")
    for other in (copy.deepcopy(client), cloudpickle.loads(cloudpickle.dumps(client))):
        assert (other.label, other.history) == ("x", ["run"])
        other.history.append("more")
    assert client.history == ["run"]
    assert copy.copy(client).history is client.history
    assert client.with_options(timeout=3).label == "x"


def test_a_token_set_on_the_module_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, transport = seen()
    monkeypatch.setattr(replicant, "http_client", transport, raising=False)
    monkeypatch.setattr(replicant, "api_token", "r8_module", raising=False)
    replicant.predictions.get("p")
    assert tokens == ["r8_module"]


# The namespaces whose methods can be patched.
NAMESPACES = "accounts collections deployments files hardware models predictions trainings webhooks"


@pytest.mark.parametrize("name", NAMESPACES.split())
def test_every_method_of_a_namespace_can_be_patched(name: str) -> None:
    namespace = getattr(replicant, name)
    assert namespace is getattr(replicant, name)
    methods = [m for m in dir(type(namespace)) if m[0] != "_" and m != "with_raw_response"]
    for method in methods:
        before = getattr(namespace, method)
        with patch(f"replicant.{name}.{method}") as double:
            assert getattr(getattr(replicant, name), method) is double
        assert getattr(namespace, method) == before


@pytest.mark.parametrize(
    "name", ["run", "stream", "search", "save_all", "async_run", "async_stream", "default_client"]
)
def test_functions_of_the_module_can_be_patched(name: str) -> None:
    before = getattr(replicant, name)
    with patch(f"replicant.{name}") as double:
        assert getattr(replicant, name) is double
    assert getattr(replicant, name) is before


def test_methods_can_be_patched_by_monkeypatch_and_wrapt(
    monkeypatch: pytest.MonkeyPatch, default: Any
) -> None:
    calls: list[str] = []

    def around(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
        # After an import of `replicant.run`, the module replaces the function.
        calls.append(wrapped.__name__.rpartition(".")[2])
        return wrapped(*args, **kwargs)

    with monkeypatch.context() as patched:
        # As instrumentation does it, which restores the function by assignment.
        wrapt.wrap_function_wrapper("replicant", "run", around)
        wrapt.wrap_function_wrapper("replicant", "predictions.create", around)
        assert replicant.run("emulator/echo", {"value": 3}) == 3
        replicant.predictions.create(model="emulator/echo", input={})
        assert calls == ["run", "create"]
        patched.setattr(replicant, "run", lambda *_, **__: "double")
        assert replicant.run("x") == "double"
    replicant.run = replicant.run.__wrapped__  # type: ignore[attr-defined]
    del replicant.predictions.create
    assert replicant.run("emulator/echo", {"value": 4}) == 4
    assert calls[2:] == []
    client = replicant.Client("x")
    with patch.object(client.predictions, "get", return_value="double"):
        assert client.predictions.get("p") == "double"
    with patch.object(replicant.Client, "run", return_value="of the class"):
        assert client.run("a/b") == "of the class"


@pytest.mark.parametrize("cls", [replicant.Client, replicant.AsyncClient])
def test_clients_can_be_autospecced(cls: Any) -> None:
    with patch(f"replicant.{cls.__name__}", autospec=True) as double:
        client = getattr(replicant, cls.__name__)("r8_x")
        client.predictions.create.return_value = "p"
        assert client.predictions.create(version="v", input={}) == "p"
        client.models.versions.get("a/b", "v")
        with pytest.raises(TypeError):
            client.run()
    assert double.called


def test_methods_of_a_model_and_of_a_deployment_can_be_patched(client: replicant.Client) -> None:
    versions: Any = client.models.get("emulator/echo").versions
    with patch.object(versions, "get", return_value="double"):
        assert versions.get("v") == "double"
    assert versions.list().results
    predictions: Any = replicant.Deployment({"owner": "a", "name": "b"}, client).predictions
    with patch.object(predictions, "create", return_value="double"):
        assert predictions.create({}) == "double"
    with pytest.raises(AttributeError, match="did you mean `create`"):
        predictions.creat = 1


@dataclasses.dataclass
class Settings:
    client: Any
    name: str


def test_copies_share_the_client(client: replicant.Client) -> None:
    for other in (
        copy.copy(client),
        copy.deepcopy(client),
        dataclasses.asdict(Settings(client, "x"))["client"],
        copy.deepcopy(Settings(client, "x")).client,
    ):
        assert type(other) is replicant.Client
        assert other._native is client._native
        assert other.run("emulator/echo", {"value": 2}) == 2
    other.poll_interval = 9
    assert client.poll_interval == 0.5
    assert isinstance(copy.copy(replicant.AsyncClient("x")), replicant.AsyncClient)
    assert copy.deepcopy(replicant.default_client).run is not None


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_a_pickle_holds_options_and_no_secret(
    dumps: Callable[[Any], bytes], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = replicant.Client(
        TOKEN,
        base_url=emulator.base_url,
        max_retries=7,
        headers={
            "Authorization": f"Bearer {TOKEN}",
            "x-team": "blue",
            "x-copy": TOKEN,
            "x-other": "Bearer hunter2",
            "x-passphrase": "hunter2",
            "x-amz-credential": "hunter2",
        },
        proxy="http://user:hunter2@127.0.0.1:1",
    )
    pickled = dumps(client.with_options(timeout=9, headers={"x-api-key": "hunter2"}))
    assert TOKEN.encode() not in pickled
    assert b"hunter2" not in pickled
    copied = pickle.loads(pickled)
    assert (type(copied), copied.__dict__["_options"]["max_retries"]) == (replicant.Client, 7)
    with pytest.raises(replicant.InvalidArgumentError, match="REPLICATE_API_TOKEN"):
        copied.run("emulator/echo", {"value": 1})
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)
    assert copied.timeout == 9
    assert copied.run("emulator/echo", {"value": 1}) == 1
    derived = copied.with_options(max_retries=2), copied.with_options(max_connections=2)
    monkeypatch.delenv("REPLICATE_API_TOKEN")
    for other in derived:
        with pytest.raises(replicant.InvalidArgumentError, match="REPLICATE_API_TOKEN"):
            other.run("emulator/echo", {"value": 1})
    copied.api_token = TOKEN
    assert copied.run("emulator/echo", {"value": 2}) == 2
    assert pickle.loads(dumps(replicant.default_client)) is replicant.default_client


def test_a_closure_runs_in_another_process(client: replicant.Client, emulator: Emulator) -> None:
    function = cloudpickle.dumps(lambda value: client.run("emulator/echo", {"value": value}))
    script = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1]))(5))"
    assert python(script, function.hex(), REPLICATE_API_TOKEN=TOKEN).stdout == "5\n"
    lost = python(script, function.hex())
    assert "set `client.api_token` there" in lost.stderr


# The scope of the prediction that a Cog server is processing.

Scope = contextvars.ContextVar("Scope", default=None)


@pytest.fixture
def cog(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("cog")
    module.current_scope = lambda: types.SimpleNamespace(context=Scope.get())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cog", module)


def test_each_request_uses_the_token_of_its_scope(
    cog: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, transport = seen()
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_env")
    client = replicant.Client(transport=transport)
    own = replicant.Client("r8_own", transport=transport)
    for context in (
        {"REPLICATE_API_TOKEN": "r8_one"},
        {"replicate_api_token": "r8_two"},
        {},
        None,
        {"Replicate_Api_Token": ""},
        {"REPLICATE_API_TOKEN": None},
        {"REPLICATE_API_TOKEN": "r8_one"},
    ):
        Scope.set(context)  # type: ignore[arg-type]
        client.predictions.get("p")
        own.predictions.get("p")
    assert tokens[1::2] == ["r8_own"] * 7
    assert tokens[::2] == ["r8_one", "r8_two", "r8_env", "r8_env", "", "", "r8_one"]
    Scope.set(None)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_later")
    client.predictions.get("p")
    assert tokens[-1] == "r8_later"


def test_changed_options_apply_in_a_scope(cog: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, transport = seen()
    hosts: list[str] = []
    client = replicant.Client(
        transport=transport, on_request=lambda event: hosts.append(event.url.split("/")[2])
    )
    Scope.set({"REPLICATE_API_TOKEN": "r8_one"})  # type: ignore[arg-type]
    for host in ("one.example", "two.example"):
        client.base_url = f"https://{host}/v1"
        client.predictions.get("p")
    assert (tokens, hosts) == (["r8_one"] * 2, ["one.example", "two.example"])
    other, transport = seen()
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_env")
    replicant.default_client.with_options(transport=transport).predictions.get("p")
    monkeypatch.setattr(replicant, "http_client", transport, raising=False)
    replicant.predictions.get("p")
    monkeypatch.setattr(replicant, "http_client", seen()[1])
    replicant.predictions.get("p")
    assert other == ["r8_one"] * 2, "the third request uses the other transport"
    monkeypatch.setattr(replicant, "http_client", transport)
    monkeypatch.setattr(replicant, "api_token", "r8_module", raising=False)
    replicant.predictions.get("p")
    assert other == ["r8_one", "r8_one", "r8_module"], "an explicit token is used in a scope, too"


def test_a_client_forgets_the_oldest_scopes(cog: None) -> None:
    class Overridden(replicant.Client):
        def _request(self, *arguments: Any, **options: Any) -> Any:
            return super()._request(*arguments, **options)

    for cls in (replicant.Client, Overridden):
        client: Any = cls(base_url="http://127.0.0.1:9/v1")
        kept = []
        for user in range(100):
            Scope.set({"REPLICATE_API_TOKEN": f"r8_{user}"})  # type: ignore[arg-type]
            client._native  # noqa: B018
            gc.collect()
            kept.append(sum(type(each) is _native.Client for each in gc.get_objects()))
        assert kept[-1] <= kept[50]


def test_a_derived_client_shares_the_connections_of_a_scope(cog: None) -> None:
    Scope.set({"REPLICATE_API_TOKEN": "r8_one"})  # type: ignore[arg-type]
    client: Any = replicant.Client(base_url="http://127.0.0.1:9/v1")
    assert client.with_options(timeout=5)._native is client._native


def test_a_cog_that_has_no_scope_is_no_error(
    cog: None, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    class ExperimentalFeatureWarning(FutureWarning):
        pass

    def current_scope() -> Any:
        warnings.warn("scopes are experimental", ExperimentalFeatureWarning, stacklevel=2)
        if Scope.get() is None:
            raise RuntimeError("No scope available")
        return types.SimpleNamespace(context=Scope.get())

    # As in Cog 0.14 to 0.16.
    monkeypatch.setattr(sys.modules["cog"], "current_scope", current_scope)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_env")
    tokens, transport = seen()
    client = replicant.Client(transport=transport)
    for action in ("default", "error"):
        warnings.simplefilter(action)  # type: ignore[arg-type]
        for context in (None, {"REPLICATE_API_TOKEN": "r8_one"}, "not a mapping"):
            Scope.set(context)  # type: ignore[arg-type]
            client.predictions.get("p")
    assert tokens == ["r8_env", "r8_one", "r8_env"] * 2
    assert replicant.client._get_api_token_from_environment() == "r8_env"


def test_concurrent_scopes_do_not_mix(cog: None) -> None:
    mixed: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"].partition(" ")[2]
        prediction = "p-" + request.url.path.rpartition("-")[2]
        if token != f"r8_{prediction[2:]}":
            mixed.append(f"{token} for {request.url}")
        return httpx.Response(200, json={"id": prediction, "status": "succeeded"})

    client = replicant.Client(transport=httpx.MockTransport(handle))

    def serve(user: int) -> None:
        Scope.set({"REPLICATE_API_TOKEN": f"r8_{user}"})  # type: ignore[arg-type]
        for _ in range(20):
            client.predictions.get(f"p-{user}")

    async def serve_awaited(user: int) -> None:
        Scope.set({"REPLICATE_API_TOKEN": f"r8_{user}"})  # type: ignore[arg-type]
        for _ in range(10):
            await client.predictions.async_get(f"p-{user}")

    async def everyone() -> None:
        await asyncio.gather(*(serve_awaited(user) for user in range(100, 130)))

    threads = [threading.Thread(target=serve, args=(user,)) for user in range(20)]
    for thread in threads:
        thread.start()
    asyncio.run(everyone())
    for thread in threads:
        thread.join()
    assert not mixed


def test_each_scope_keeps_its_client_of_an_overridden_request(cog: None) -> None:
    class Overridden(replicant.Client):
        def _request(self, *arguments: Any, **options: Any) -> Any:
            return super()._request(*arguments, **options)

    client: Any = Overridden(base_url="http://127.0.0.1:9/v1")

    def native(token: str) -> Any:
        Scope.set({"REPLICATE_API_TOKEN": token})  # type: ignore[arg-type]
        return client._native

    one, two = native("r8_one"), native("r8_two")
    assert one is native("r8_one") and two is native("r8_two") and one is not two
    client.timeout = 9
    assert native("r8_one") is not one


def test_derived_clients_and_pickles_hold_no_client_of_a_scope(
    cog: None, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scope.set({"REPLICATE_API_TOKEN": "r8_one"})  # type: ignore[arg-type]
    client = replicant.Client(base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(replicant.APIConnectionError):
        client.accounts.current()
    assert client.with_options(base_url=emulator.base_url).accounts.current()
    assert copy.deepcopy(client).base_url == client.base_url
    pickled = cloudpickle.dumps(client)
    assert b"r8_one" not in pickled
    assert pickle.loads(pickled).base_url == client.base_url


def test_a_run_keeps_the_token_it_began_with(cog: None, emulator: Emulator) -> None:
    replay = emulator.replay(
        {"expect": {"method": "POST", "headers": {"authorization": "Bearer r8_one"}},
         "reply": {"status": 201, "json": {"id": "p", "status": "starting"}}},
        {"expect": {"path": "/v1/predictions/p", "headers": {"authorization": "Bearer r8_one"}},
         "reply": {"json": {"id": "p", "status": "processing"}}},
        {"expect": {"path": "/v1/predictions/p", "headers": {"authorization": "Bearer r8_one"}},
         "reply": {"json": {"id": "p", "status": "succeeded", "output": "x"}}},
    )  # fmt: skip
    client = replicant.Client(base_url=replay.base_url, poll_interval=0.01)
    Scope.set({"REPLICATE_API_TOKEN": "r8_one"})  # type: ignore[arg-type]
    change = lambda _: Scope.set({"REPLICATE_API_TOKEN": "r8_two"})  # type: ignore[arg-type]  # noqa: E731
    assert client.run("a/b", {}, on_update=change) == "x"
    replay.check()


def test_of_two_names_of_the_token_api_token_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, transport = seen()
    replicant.Client("r8_api", bearer_token="r8_bearer", transport=transport).predictions.get("p")
    monkeypatch.setattr(replicant, "http_client", transport, raising=False)
    monkeypatch.setattr(replicant, "api_token", "r8_api", raising=False)
    monkeypatch.setattr(replicant, "bearer_token", "r8_bearer", raising=False)
    replicant.predictions.get("p")
    assert tokens == ["r8_api"] * 2


def test_tables_of_options_are_merged() -> None:
    sent: list[Any] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append((dict(request.headers), dict(request.url.params)))
        return httpx.Response(200, json={"id": "p"})

    client = replicant.Client(
        "r8_x",
        transport=httpx.MockTransport(handle),
        headers={"x-a": "1"},
        default_headers={"x-b": "2"},
        default_query={"a": "1"},
    )
    client = client.with_options(headers={"x-c": "3"}, default_query={"b": "2"})
    client.with_options(default_headers={"x-d": "4"}, timeout=9).predictions.get("p")
    ((headers, query),) = sent
    assert {name: headers.get(f"x-{name}") for name in "abcd"} == dict(zip("abcd", "1234"))
    assert query == {"a": "1", "b": "2"}


def test_an_empty_base_url_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://proxy.example/v1")
    assert replicant.Client("r8_x", base_url="").base_url == "https://proxy.example/v1"
    monkeypatch.setenv("REPLICATE_BASE_URL", "")
    assert replicant.Client("r8_x", base_url="").base_url == "https://api.replicate.com/v1"


def test_clients_of_the_default_client_have_its_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, transport = seen()
    monkeypatch.setattr(replicant, "http_client", transport, raising=False)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_env")
    client: Any = replicant.default_client
    client.with_options(poll_interval=1).predictions.get("p")
    later = client.with_options(timeout=5)
    client.with_options(on_request=lambda _: None).predictions.get("p")
    later.predictions.get("p")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_other")
    later.predictions.get("p")
    assert tokens == ["r8_env", "r8_env", "r8_env", "r8_other"]


@pytest.mark.parametrize("name", ["api_token", "bearer_token"])
def test_an_empty_token_of_the_module_counts_as_none(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, transport = seen()
    monkeypatch.setattr(replicant, "http_client", transport, raising=False)
    monkeypatch.setattr(replicant, name, "", raising=False)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_env")
    replicant.predictions.get("p")
    assert tokens == ["r8_env"]


def test_the_default_client_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://one.example/v1")
    assert replicant.default_client.base_url == "https://one.example/v1"
    monkeypatch.setenv("REPLICATE_BASE_URL", "https://two.example/v1")
    assert replicant.default_client.base_url == "https://two.example/v1"
    assert replicant.default_client.with_options(timeout=3).base_url == "https://two.example/v1"


def test_pickles_of_the_default_clients_are_themselves_and_copies_are_not() -> None:
    for client in (replicant.default_client, replicant._default.default_async_client):  # type: ignore[attr-defined]
        assert pickle.loads(pickle.dumps(client)) is client
        for copied in (copy.copy(client), copy.deepcopy(client)):
            copied.api_token = "r8_other"
            assert client.api_token != "r8_other"


def test_a_closed_client_has_no_client_of_a_scope(cog: None) -> None:
    tokens, transport = seen()
    client: Any = replicant.Client(transport=transport)
    Scope.set({"REPLICATE_API_TOKEN": "r8_one"})
    client.predictions.get("p")
    client.close()
    assert "_scopes" not in client.__dict__
    client.predictions.get("p")
    assert tokens == ["r8_one"] * 2


def test_a_request_has_the_options_of_1x(emulator: Emulator) -> None:
    def exchange(body: Any, kind: str) -> dict[str, Any]:
        return {
            "expect": {
                "method": "POST",
                "path": "/v1/notes",
                "headers": {"content-type": kind},
                "text": body,
            },
            "reply": {"json": {}},
        }

    replay = emulator.replay(exchange("hello", "text/plain"), exchange("hello", "text/plain"))
    client = replicant.Client("r8_x", base_url=replay.base_url)
    headers = {"content-type": "text/plain"}
    client._request("POST", "/v1/notes", content="hello", headers=headers)
    client._request("POST", "/v1/notes", content=b"hello", headers=headers)
    replay.check()
    with pytest.raises(TypeError, match="`files`, `timeout`"):
        client._request("POST", "/v1/notes", files={}, timeout=3)
