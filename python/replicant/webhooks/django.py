"""Webhooks in Django.

@webhook
def on_webhook(request, event):
    print(event.id, event.status)
"""

from __future__ import annotations

from functools import wraps
from io import BytesIO
from typing import Any, Callable, Optional, Union, cast, overload

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed

from replicant._async.client import AsyncClient
from replicant._default import default_async_client, default_client
from replicant._errors import MissingWebhookBodyError
from replicant._sync.client import Client
from replicant._webhook import LARGEST, check_length, too_large
from replicant._webhook_once import Once, blocking
from replicant._webhook_view import Receiver, check_view

View = Callable[..., Any]


@overload
def webhook(view: View) -> View: ...
@overload
def webhook(
    view: None = None,
    *,
    client: Optional[Union[Client, AsyncClient]] = None,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Callable[[View], View]: ...
def webhook(
    view: Optional[View] = None,
    *,
    client: Optional[Union[Client, AsyncClient]] = None,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Union[View, Callable[[View], View]]:
    """Decorates a view that receives webhooks: its second argument is the event, a `Prediction` or a `Training`.

    The view accepts POST only, without a CSRF token. Invalid webhooks get the status 400, 401 or 413 and the reason. A
    view that returns None responds with 204.

    Args:
        view: The view, blocking or `async`, if the decorator is used without parentheses. That of a class is what
            `as_view()` returns.
        client: The client of the event, and of the request for the secret: a `Client`, or an `AsyncClient` for `async`
            views. Defaults to the default client.
        secret: The signing secret. Defaults to the secret of the account, which is fetched once.
        tolerance: Seconds by which the timestamp may differ from the clock; None accepts any timestamp.
        once: Processes each webhook once: repeated deliveries get the status 204 without a call of the view, or 409
            while the view runs. After an exception or a response outside 2xx, the next delivery is processed.

    Raises:
        TypeError: The view is not a function, `client` or `once` has another type, or they are async and the view
            is not.
    """

    def decorate(view: View) -> View:
        check_view(view, "decorate the result of `as_view()`")
        awaited = iscoroutinefunction(view)
        default = default_async_client if awaited else default_client
        given = default if client is None else client
        receiver = Receiver(given, secret, tolerance, once, _response, awaited=awaited)

        @wraps(view)
        def receive(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])

            def call(event: Any) -> HttpResponseBase:
                return _result(view(request, event, *args, **kwargs))

            return receiver.receive(request.headers, lambda: _body(request), call)

        @wraps(view)
        async def receive_async(
            request: HttpRequest, *args: Any, **kwargs: Any
        ) -> HttpResponseBase:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])

            async def call(event: Any) -> HttpResponseBase:
                return _result(await view(request, event, *args, **kwargs))

            return await receiver.async_receive(request.headers, lambda: _body(request), call)

        decorated: Any = receive_async if awaited else receive
        # The decorators of Django 4.2 hide that a view is `async`.
        decorated.csrf_exempt = True
        return cast(View, decorated)

    return decorate if view is None else decorate(view)


def _body(request: HttpRequest) -> bytes:
    check_length(request.META.get("CONTENT_LENGTH"))
    try:
        if isinstance(request, ASGIRequest) and not _was_read(request):
            # The server has the whole body already. Before Python 3.11, `request.body` keeps the first bytes of a long one
            # and closes the file of the others.
            body = _beyond_forms(request)
        else:
            body = _of_any_length(request)
    except Exception as error:
        why = f"Error reading body: {error}. Read `request.body` before anything else reads the request."
        raise MissingWebhookBodyError(why, status=400) from error
    if len(body) > LARGEST:
        raise too_large()
    return body


def _of_any_length(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        # `DATA_UPLOAD_MAX_MEMORY_SIZE`, 2.5 MB by default, is for forms.
        return _beyond_forms(request)


def _was_read(request: Any) -> bool:
    return hasattr(request, "_body") or request._read_started


def _beyond_forms(request: Any) -> bytes:
    """Reads a body as `request.body` does, with the limit of webhooks, so that the view can read it, too."""
    body = cast(bytes, request.read(LARGEST + 1))
    request._body = body
    request._stream = BytesIO(body)
    return body


def _response(status: int, text: str) -> HttpResponseBase:
    return HttpResponse(text, status=status, content_type="text/plain")


def _result(response: Any) -> HttpResponseBase:
    error = TypeError("the view returned a coroutine; decorate the `async` function itself")
    return HttpResponse(status=204) if response is None else blocking(response, error)
