"""The decorators of webhooks: which views, clients and stores they take, and what they refuse at once."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import queue
import socket
import struct
import sys
from typing import Annotated, Any, Callable, Iterator

import pytest

import replicant
from replicant.testing import Emulator
from replicant.webhooks import MemoryStore, Once

fastapi = pytest.importorskip("fastapi")
flask = pytest.importorskip("flask")
pytest.importorskip("django")
pytest.importorskip("uvicorn")
pytest.importorskip("httpx")

from django.urls import path  # noqa: E402
from webhook_application import (  # noqa: E402
    BODY,
    AsyncStore,
    post,
    post_in_chunks,
    serve_django,
    serving,
)

from replicant.webhooks import django as on_django  # noqa: E402
from replicant.webhooks import fastapi as on_fastapi  # noqa: E402
from replicant.webhooks import flask as on_flask  # noqa: E402


class WrappedStore(AsyncStore):
    """The same store, whose methods only return awaitable objects."""

    def begin(self, id: str) -> Any:
        return super().begin(id)

    def finish(self, id: str) -> Any:
        return super().finish(id)

    def forget(self, id: str) -> Any:
        return super().forget(id)


class OddStore(MemoryStore):
    """A store with other states."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        super().__init__()
        self.convert = convert

    def begin(self, id: str) -> Any:
        return self.convert(super().begin(id))


@pytest.fixture(scope="module")
def kit() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def blocking() -> None: ...


class View:
    def post(self, request: Any, event: Any) -> None: ...


@pytest.mark.parametrize("module", [on_flask, on_django], ids=["flask", "django"])
def test_what_a_blocking_view_cannot_use_is_refused_when_it_is_decorated(
    module: Any, kit: Emulator
) -> None:
    webhook = module.webhook
    refused: list[tuple[Callable[[], Any], str]] = [
        (
            lambda: webhook(client=kit.async_client())(blocking),
            r"`client` must be a `Client`, not an `AsyncClient`, .*make the view `async`",
        ),
        (
            lambda: webhook(client="whsec_x")(blocking),
            r"`client` must be a `Client` or an `AsyncClient`, not str; pass a signing secret as `secret`",
        ),
        (lambda: webhook(client=replicant.Client)(blocking), "not the class Client"),
        (lambda: webhook("whsec_x"), r"`view` must be a function, not str; .*`webhook\(secret="),
        (lambda: webhook(kit.client()), "`view` must be a function, not Client; "),
        (lambda: webhook(View), "`view` must be a function, not a class; "),
        (lambda: webhook(View.post), "`view` must be a function, not a method; "),
        (
            lambda: webhook(once=MemoryStore())(blocking),
            r"`once` must be a `Once`, not MemoryStore; pass a store as `Once\(store\)`",
        ),
        (
            lambda: webhook(once=Once(AsyncStore()))(blocking),
            "`store`: `begin` must not be async in a blocking view",
        ),
        (
            lambda: Once(MemoryStore),  # type: ignore[arg-type]
            "`store` must be an object with the methods `begin`, `finish` and `forget`, not <class",
        ),
    ]
    for decorate, message in refused:
        with pytest.raises(TypeError, match=message):
            decorate()


def test_what_fastapi_cannot_use_is_refused_when_the_dependency_is_made() -> None:
    for arguments, message in (
        ({"client": "whsec_x"}, r"`client` must be .*, not str; pass a signing secret as `secret`"),
        ({"once": MemoryStore()}, r"pass a store as `Once\(store\)`"),
    ):
        with pytest.raises(TypeError, match=message):
            on_fastapi.webhook(**arguments)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"pass `Depends\(webhook\(\)\)`, not `Depends\(webhook\)`"):
        fastapi.FastAPI(dependencies=[fastapi.Depends(on_fastapi.webhook)]).post("/")(blocking)


@contextlib.contextmanager
def serving_flask(view: Any, **options: Any) -> Iterator[str]:
    app = flask.Flask(__name__)
    app.post("/webhook")(on_flask.webhook(**options)(view))
    with serving(app) as url:
        yield f"{url}/webhook"


@contextlib.contextmanager
def serving_django(view: Any, *, awaited: bool = False, **options: Any) -> Iterator[str]:
    from django.urls import path

    app = serve_django(path("webhook", on_django.webhook(**options)(view)), awaited=awaited)
    with serving(*((None, app) if awaited else (app,))) as url:
        yield f"{url}/webhook"


@contextlib.contextmanager
def serving_fastapi(view: Any, **options: Any) -> Iterator[str]:
    app = fastapi.FastAPI()
    view.__annotations__["event"] = Annotated[Any, fastapi.Depends(on_fastapi.webhook(**options))]
    app.post("/webhook", status_code=204)(view)
    with serving(asgi=app) as url:
        yield f"{url}/webhook"


def check(kit: Emulator, url: str, events: list[Any], kind: Any) -> None:
    """Checks that valid webhooks become one event, and forged ones none."""
    assert post(kit, url, BODY, **{"webhook-signature": "v1,bGllcw=="}).status_code == 401
    assert events == []
    assert [post(kit, url, BODY).status_code for _ in range(2)] == [204, 204]
    assert [type(event) for event in events] == [kind]


@pytest.mark.parametrize("kind", [replicant.Prediction, replicant.AsyncPrediction])
def test_awaited_views_take_both_clients_and_asynchronous_stores(kit: Emulator, kind: Any) -> None:
    def client() -> Any:
        return kit.client() if kind is replicant.Prediction else kit.async_client()

    def once() -> Once:
        return Once(AsyncStore())

    events: list[Any] = []

    async def of_flask(event: Any) -> None:
        events.append(event)

    with serving_flask(of_flask, client=client(), once=once()) as url:
        check(kit, url, events, kind)
    events = []

    async def of_django(request: Any, event: Any) -> None:
        events.append(event)

    with serving_django(of_django, awaited=True, client=client(), once=once()) as url:
        check(kit, url, events, kind)
    events = []

    def of_fastapi(event: Any) -> None:
        events.append(event)

    with serving_fastapi(of_fastapi, client=client(), once=once()) as url:
        check(kit, url, events, kind)


@pytest.mark.parametrize("awaited", [False, True])
def test_views_of_classes_in_django_are_decorated_as_functions(
    kit: Emulator, awaited: bool
) -> None:
    from django.http import HttpResponse
    from django.views import View

    events: list[Any] = []

    class Blocking(View):
        def post(self, request: Any, event: Any) -> Any:
            events.append(event)
            return HttpResponse(status=204)

    class Awaited(View):
        async def post(self, request: Any, event: Any) -> Any:
            events.append(event)
            return HttpResponse(status=204)

    view: Any = Awaited if awaited else Blocking
    client: Any = kit.async_client() if awaited else kit.client()
    with serving_django(view.as_view(), awaited=awaited, client=client, once=Once()) as url:
        check(kit, url, events, replicant.AsyncPrediction if awaited else replicant.Prediction)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_view_of_django_takes_posts_without_a_token_and_can_read_the_body(
    kit: Emulator, awaited: bool
) -> None:
    import httpx
    from asgiref.sync import iscoroutinefunction
    from django.http import HttpResponse

    def view(request: Any, event: Any) -> Any:
        return HttpResponse(str(len(request.body)))

    async def awaited_view(request: Any, event: Any) -> Any:
        return view(request, event)

    function: Any = awaited_view if awaited else view
    decorated = on_django.webhook(function)
    # Decorators of Django 4.2, such as `require_POST`, make it a blocking function.
    assert iscoroutinefunction(decorated) is awaited
    assert decorated.__wrapped__ is function  # type: ignore[attr-defined]
    client: Any = kit.async_client() if awaited else kit.client()
    with serving_django(function, awaited=awaited, client=client) as url:
        for size in (1_000, 5_000_000):
            body = json.dumps({"id": "p1", "output": "x" * size}).encode()
            for send in (post, post_in_chunks) if awaited else (post,):
                assert send(kit, url, body).text == str(len(body))
        refused = httpx.get(url)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_the_limit_of_forms_in_flask_does_not_apply(kit: Emulator) -> None:
    from importlib.metadata import version

    if tuple(map(int, version("flask").split(".")[:2])) < (3, 1):
        pytest.skip("requests of this Flask have the limit of the application")
    app = flask.Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    hook = on_flask.webhook(client=kit.client())(lambda event: None)
    app.post("/webhook", endpoint="webhook")(hook)
    app.post("/form", endpoint="form")(lambda: flask.request.get_data())
    body = json.dumps({"id": "p1", "output": "x" * 5_000_000}).encode()
    with serving(app) as url:
        assert post(kit, f"{url}/webhook", body).status_code == 204
    assert app.test_client().post("/form", data=body).status_code == 413


def test_flask_before_3_1_has_the_limit_of_webhooks(kit: Emulator) -> None:
    class OldRequest(flask.Request):  # type: ignore[name-defined, misc]
        max_content_length = property(lambda _: None)

    app = flask.Flask(__name__)
    app.request_class = OldRequest
    app.post("/")(on_flask.webhook(client=kit.client())(lambda event: None))
    body = bytes(65 << 20)
    with serving(app) as url:
        # The body is never sent, so a server that reads it would not respond.
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/", headers={"content-length": str(len(body))})
            response = connection.getresponse()
            assert response.status == 413
            assert b"larger than 67108864 bytes" in response.read()
    undeclared = {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
    response = app.test_client().post("/", environ_overrides=undeclared)
    assert response.status_code == 413


def test_a_body_that_breaks_off_gets_400_in_django(kit: Emulator) -> None:
    statuses: queue.Queue[str] = queue.Queue()

    def application(environ: Any, start_response: Any) -> Any:
        def start(status: str, *rest: Any) -> Any:
            statuses.put(status)
            return start_response(status, *rest)

        return served(environ, start)

    view = on_django.webhook(client=kit.client())(lambda request, event: None)
    served = serve_django(path("", view))
    with serving(application) as url:
        port = int(url.rpartition(":")[2])
        for length in (1_000, 5_000_000):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                head = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\nhalf"
                # Closing resets the connection, so that reading the body fails.
                reset = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                connection.sendall(head.encode())
            assert statuses.get(timeout=30).startswith("400")


def test_a_function_of_fastapi_can_read_the_body(kit: Emulator) -> None:
    read: list[bytes] = []

    async def view(event: Any, request: Any) -> None:
        read.append(await request.body())

    view.__annotations__["request"] = fastapi.Request
    with serving_fastapi(view, client=kit.async_client()) as url:
        assert post_in_chunks(kit, url, BODY).status_code == 204
    assert read == [BODY]


@pytest.mark.parametrize("serve", [serving_flask, serving_django], ids=["flask", "django"])
def test_an_event_that_is_not_verified_never_reaches_a_view(kit: Emulator, serve: Any) -> None:
    inner = kit.async_client()

    class Wrapper:
        """A client that is not recognized as asynchronous."""

        class webhooks:
            @staticmethod
            def unwrap(**arguments: Any) -> Any:
                return inner.webhooks.unwrap(**arguments)

    events: list[Any] = []
    with serve(lambda *given: events.append(given), client=Wrapper) as url:
        assert post(kit, url, BODY, **{"webhook-signature": ""}).status_code == 500
        assert post(kit, url, BODY).status_code == 500
    assert events == []


@pytest.mark.parametrize("serve", [serving_flask, serving_django], ids=["flask", "django"])
def test_a_store_that_cannot_be_used_gets_500_and_bytes_are_states(
    kit: Emulator, serve: Any
) -> None:
    events: list[Any] = []

    def view(*given: Any) -> None:
        events.append(given)

    stores: list[Any] = [WrappedStore(), OddStore(lambda state: None), OddStore(lambda state: True)]
    for store in stores:
        with serve(view, client=kit.client(), once=Once(store)) as url:
            assert [post(kit, url, BODY).status_code for _ in range(2)] == [500, 500]
    assert events == []
    with serve(view, client=kit.client(), once=Once(OddStore(str.encode))) as url:
        assert [post(kit, url, BODY).status_code for _ in range(2)] == [204, 204]
    assert len(events) == 1


async def test_the_errors_of_stores_say_what_to_do() -> None:
    message = r"`begin` must not be async .*use `async_claim`"
    with pytest.raises(TypeError, match=message), Once(WrappedStore()).claim("a"):
        raise AssertionError("claimed")
    odd = Once(OddStore(lambda state: {"new": "NEW"}[state]))
    message = "`store`: `begin` must return 'new', 'running' or 'done', not 'NEW'"
    with pytest.raises(replicant.InvalidArgumentError, match=message):
        async with odd.async_claim("a"):
            raise AssertionError("claimed")


def test_an_exception_of_http_in_fastapi_makes_a_webhook_new_again(kit: Emulator) -> None:
    statuses = [503, 204]

    def view(event: Any) -> None:
        status = statuses.pop(0)
        if status != 204:
            raise fastapi.HTTPException(status)

    with serving_fastapi(view, client=kit.async_client(), once=Once()) as url:
        assert [post(kit, url, BODY).status_code for _ in range(3)] == [503, 204, 204]
    assert statuses == []
