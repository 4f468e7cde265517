"""Webhooks in FastAPI.

@app.post("/webhook")
async def on_webhook(event: Annotated[Event, Depends(webhook())]) -> None:
    print(event.id, event.status)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Optional, Union

from fastapi import HTTPException, Request

from replicant._async.client import AsyncClient
from replicant._async.prediction import AsyncPrediction
from replicant._async.training import AsyncTraining
from replicant._default import default_async_client
from replicant._errors import WebhookValidationError
from replicant._webhook_once import Once
from replicant._webhook_reply import refused, repeated

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

Event: TypeAlias = Union[AsyncPrediction, AsyncTraining]
"""The prediction or training that a webhook is about."""


def webhook(
    client: Optional[AsyncClient] = None,
    *,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Callable[[Request], AsyncIterator[Event]]:
    """Returns a dependency that verifies the request as a webhook, and whose value is its event.

    Invalid webhooks get the status 400 or 401 and the reason as `detail`.

    Args:
        client: The client of the event, and of the request for the secret. Defaults to the default client.
        secret: The signing secret. Defaults to the secret of the account, which is fetched once.
        tolerance: Seconds by which the timestamp may differ from the clock; None accepts any timestamp.
        once: Processes each webhook once: repeated deliveries get the status 204 without a call of the function,
            or 409 while the function runs.
    """
    webhooks = (default_async_client if client is None else client).webhooks

    async def receive(request: Request) -> AsyncIterator[Event]:
        try:
            event = await webhooks.unwrap(request, secret=secret, tolerance=tolerance)
        except WebhookValidationError as error:
            status, detail = refused(error)
            raise HTTPException(status, detail) from error
        if once is None:
            yield event
            return
        async with once.async_claim(event.webhook_id or "") as state:
            reply = repeated(state)
            if reply is None:
                yield event
        if reply is not None:
            raise HTTPException(*reply)

    return receive
