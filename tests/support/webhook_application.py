"""Applications of FastAPI, Flask and Django that receive webhooks, and a client that signs them."""

from __future__ import annotations

import base64
import contextlib
import hmac
import sys
import threading
import time
import types
import wsgiref.simple_server
from typing import Any, Iterator

from replicant.testing import Emulator
from replicant.webhooks import MemoryStore, Once

FRAMEWORKS = ("fastapi", "flask", "django", "django-asgi")
BODY = b'{"id": "p1",  "status": "succeeded", "output": 1}'


class AsyncStore:
    """A store with asynchronous methods. The arguments are those of `MemoryStore`."""

    def __init__(self, **options: Any) -> None:
        self.memory = MemoryStore(**options)

    async def begin(self, id: str) -> Any:
        return self.memory.begin(id)

    async def finish(self, id: str) -> None:
        self.memory.finish(id)

    async def forget(self, id: str) -> None:
        self.memory.forget(id)


class Application:
    """An application of a framework with the routes `/webhook`, `/once` and `/parsed`.

    Attributes:
        events: The events that its handler received.
        fails: How many calls of the handler are still to raise.
        statuses: With which statuses the next calls of the handler of `/once` respond.
    """

    def __init__(self, framework: str, emulator: Emulator) -> None:
        self.events: list[Any] = []
        self.fails = 0
        self.statuses: list[int] = []
        self.asgi: Any = None
        self.wsgi: Any = None
        build = getattr(self, framework.replace("-", "_"))
        build(emulator)

    def handle(self, event: Any) -> None:
        self.events.append(event)
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the handler fails")

    def handle_once(self, event: Any) -> int:
        """Handles an event, and returns the status of the response."""
        self.handle(event)
        return self.statuses.pop(0) if self.statuses else 204

    def fastapi(self, emulator: Emulator) -> None:
        from fastapi import Depends, FastAPI, Request, Response

        from replicant.webhooks.fastapi import webhook

        app = self.asgi = FastAPI()
        client = emulator.async_client()
        verified = Depends(webhook(client))
        claimed = Depends(webhook(client, once=Once(MemoryStore())))

        @app.post("/webhook", status_code=204)
        async def plain(event: Any = verified) -> None:
            self.handle(event)

        async def once(response: Any, event: Any = claimed) -> None:
            response.status_code = self.handle_once(event)

        once.__annotations__["response"] = Response
        app.post("/once", status_code=204)(once)

        async def parse(request: Any) -> None:
            async for _ in request.stream():
                pass

        parse.__annotations__["request"] = Request

        @app.post("/parsed", dependencies=[Depends(parse)])
        async def parsed(event: Any = verified) -> None:
            self.handle(event)

    def flask(self, emulator: Emulator) -> None:
        import flask

        from replicant.webhooks.flask import webhook

        app = self.wsgi = flask.Flask(__name__)
        client = emulator.client()

        @app.post("/webhook")
        @webhook(client=client)
        def plain(event: Any) -> None:
            self.handle(event)

        @app.post("/once")
        @webhook(client=client, once=Once())
        def once(event: Any) -> Any:
            return "later", self.handle_once(event)

        @webhook(client=client)
        def parsed(event: Any) -> None:
            self.handle(event)

        @app.post("/parsed")
        def parse() -> Any:
            flask.request.stream.read()
            return parsed()

    def django(self, emulator: Emulator, awaited: bool = False) -> None:
        from django.http import HttpResponse
        from django.urls import path
        from django.views.decorators.csrf import csrf_exempt

        from replicant.webhooks.django import webhook

        client: Any = emulator.async_client() if awaited else emulator.client()

        def view(request: Any, event: Any) -> None:
            self.handle(event)

        async def awaited_view(request: Any, event: Any) -> None:
            self.handle(event)

        def once(request: Any, event: Any) -> Any:
            return HttpResponse(status=self.handle_once(event))

        async def awaited_once(request: Any, event: Any) -> Any:
            return once(request, event)

        function: Any = awaited_view if awaited else view
        claimed: Any = awaited_once if awaited else once
        parsed = webhook(client=client)(function)

        @csrf_exempt
        def parse(request: Any) -> Any:
            request.read(3)
            return parsed(request)

        served = serve_django(
            path("webhook", webhook(client=client)(function)),
            path("once", webhook(client=client, once=Once())(claimed)),
            path("parsed", parse if not awaited else parsed),
            awaited=awaited,
        )
        self.asgi, self.wsgi = (served, None) if awaited else (None, served)

    def django_asgi(self, emulator: Emulator) -> None:
        self.django(emulator, awaited=True)

    def running(self) -> contextlib.AbstractContextManager[str]:
        """Serves the application on a port of its own and yields its address."""
        return serving(self.wsgi, self.asgi)


def serve_django(*paths: Any, awaited: bool = False) -> Any:
    """Returns the application of Django with these paths, for ASGI or WSGI."""
    from django.conf import settings

    if not settings.configured:
        settings.configure()
    import django

    module: Any = types.ModuleType("urls_of_this_test")
    module.urlpatterns = paths
    sys.modules[module.__name__] = module
    settings.ROOT_URLCONF = module.__name__
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECRET_KEY = "x"
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    django.setup()
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application
    from django.urls import clear_url_caches

    clear_url_caches()
    return get_asgi_application() if awaited else get_wsgi_application()


@contextlib.contextmanager
def serving(wsgi: Any = None, asgi: Any = None) -> Iterator[str]:
    """Serves an application on a port of its own and yields its address."""
    if asgi is not None:
        import uvicorn

        config = uvicorn.Config(asgi, port=0, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
    else:
        quiet = type(
            "Quiet",
            (wsgiref.simple_server.WSGIRequestHandler,),
            {"log_message": lambda *_: None},
        )
        plain = wsgiref.simple_server.make_server("127.0.0.1", 0, wsgi, handler_class=quiet)
        thread = threading.Thread(target=plain.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{plain.server_port}"
        plain.shutdown()
        plain.server_close()
    thread.join()


def signed(kit: Emulator, body: bytes, age: int = 0, **changed: str) -> dict[str, str]:
    """Returns the headers of a webhook that is signed like those of the emulator."""
    timestamp = str(int(time.time()) - age)
    key = base64.b64decode(kit.webhook_secret.replace("whsec_", ""))
    digest = hmac.new(key, b"msg_1." + timestamp.encode() + b"." + body, "sha256").digest()
    return {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        **changed,
    }


def post(kit: Emulator, url: str, body: bytes, age: int = 0, **changed: str) -> Any:
    """Posts a signed webhook."""
    import httpx

    headers = signed(kit, body, age, **changed)
    return httpx.post(url, content=body, headers=headers, timeout=30)


def post_in_chunks(kit: Emulator, url: str, body: bytes) -> Any:
    """Posts a signed webhook without a `content-length`."""
    import httpx

    chunks = (body[at : at + 65536] for at in range(0, len(body), 65536))
    return httpx.post(url, content=chunks, headers=signed(kit, body), timeout=60)
