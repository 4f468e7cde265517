"""Webhooks in Flask.

@app.post("/webhook")
@webhook
def on_webhook(event):
    print(event.id, event.status)
"""

from __future__ import annotations

import contextlib
import inspect
from functools import wraps
from typing import Any, Callable, Optional, Union, overload

from flask import Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from replicant._async.client import AsyncClient
from replicant._default import default_client
from replicant._sync.client import Client
from replicant._webhook import LARGEST, check_length, too_large
from replicant._webhook_once import Once
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
    """Decorates a view that receives webhooks: its first argument is the event, a `Prediction` or a `Training`.

    Invalid webhooks get the status 400, 401 or 413 and the reason. A view that returns None responds with 204.

    Args:
        view: The view, blocking or `async`, if the decorator is used without parentheses.
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
        check_view(view, "decorate a function that calls it")
        awaited = inspect.iscoroutinefunction(view)
        given = default_client if client is None else client
        receiver = Receiver(given, secret, tolerance, once, _response, awaited=awaited)

        @wraps(view)
        def receive(*args: Any, **kwargs: Any) -> Response:
            def call(event: Any) -> Response:
                return _result(view(event, *args, **kwargs))

            return receiver.receive(request.headers, _body, call)

        @wraps(view)
        async def receive_async(*args: Any, **kwargs: Any) -> Response:
            async def call(event: Any) -> Response:
                return _result(await view(event, *args, **kwargs))

            return await receiver.async_receive(request.headers, _body, call)

        return receive_async if awaited else receive

    return decorate if view is None else decorate(view)


def _body() -> bytes:
    check_length(request.headers.get("content-length"))
    # `MAX_CONTENT_LENGTH` is for forms. Before Flask 3.1, a request cannot have another limit.
    with contextlib.suppress(AttributeError):
        request.max_content_length = LARGEST
    try:
        body = request.get_data()
    except RequestEntityTooLarge as error:
        raise too_large() from error
    if len(body) > LARGEST:
        raise too_large()
    return body


def _response(status: int, text: str) -> Response:
    return current_app.make_response((text, status))


def _result(response: Any) -> Response:
    return current_app.make_response(("", 204) if response is None else response)
