"""Webhooks in Flask.

@app.post("/webhook")
@webhook
def on_webhook(event):
    print(event.id, event.status)
"""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Optional, Union, overload

from flask import current_app, request
from flask.typing import ResponseReturnValue

from replicant._default import default_client
from replicant._errors import WebhookValidationError
from replicant._sync.client import Client
from replicant._webhook_once import Once
from replicant._webhook_reply import refused, repeated

View = Callable[..., Any]


@overload
def webhook(view: View) -> View: ...
@overload
def webhook(
    view: None = None,
    *,
    client: Optional[Client] = None,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Callable[[View], View]: ...
def webhook(
    view: Optional[View] = None,
    *,
    client: Optional[Client] = None,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Union[View, Callable[[View], View]]:
    """Decorates a view that receives webhooks: its first argument is the event, a `Prediction` or a `Training`.

    Invalid webhooks get the status 400 or 401 and the reason. A view that returns None responds with 204.

    Args:
        view: The view, if the decorator is used without parentheses.
        client: The client of the event, and of the request for the secret. Defaults to the default client.
        secret: The signing secret. Defaults to the secret of the account, which is fetched once.
        tolerance: Seconds by which the timestamp may differ from the clock; None accepts any timestamp.
        once: Processes each webhook once: repeated deliveries get the status 204 without a call of the view, or 409
            while the view runs.
    """
    webhooks = (default_client if client is None else client).webhooks

    def decorate(view: View) -> View:
        def call(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            response = current_app.ensure_sync(view)(*args, **kwargs)
            return ("", 204) if response is None else response

        @wraps(view)
        def receive(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            try:
                event = webhooks.unwrap(
                    headers=request.headers,
                    body=request.get_data(),
                    secret=secret,
                    tolerance=tolerance,
                )
            except WebhookValidationError as error:
                status, text = refused(error)
                return text, status
            if once is None:
                return call(event, *args, **kwargs)
            with once.claim(event.webhook_id or "") as state:
                reply = repeated(state)
                return call(event, *args, **kwargs) if reply is None else (reply[1], reply[0])

        return receive

    return decorate if view is None else decorate(view)
