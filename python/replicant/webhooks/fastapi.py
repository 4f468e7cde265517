"""Webhooks in FastAPI.

@app.post("/webhook")
async def on_webhook(event: Annotated[Event, Depends(webhook())]) -> None:
    print(event.id, event.status)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, AsyncIterator, Callable, Optional, Union, overload

from fastapi import HTTPException, Request, Response

from replicant._async.client import AsyncClient
from replicant._async.prediction import AsyncPrediction
from replicant._async.training import AsyncTraining
from replicant._default import default_async_client
from replicant._errors import WebhookValidationError
from replicant._sync.client import Client
from replicant._sync.prediction import Prediction
from replicant._sync.training import Training
from replicant._webhook_once import Once
from replicant._webhook_reply import Unprocessed, processed, refused, repeated
from replicant._webhook_view import unwrapper

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

Event: TypeAlias = Union[AsyncPrediction, AsyncTraining]
"""The prediction or training that a webhook is about."""


class _NotADependency:
    """Makes `Depends(webhook)` an error with the remedy: FastAPI asks for the schemas of the arguments."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        raise TypeError(
            "`webhook` must be called: pass `Depends(webhook())`, not `Depends(webhook)`"
        )


@overload
def webhook(
    client: Optional[AsyncClient] = None,
    *,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Callable[[Request, Response], AsyncIterator[Event]]: ...
@overload
def webhook(
    client: Client,
    *,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Callable[[Request, Response], AsyncIterator[Union[Prediction, Training]]]: ...
def webhook(
    client: Annotated[Union[Client, AsyncClient, None], _NotADependency] = None,
    *,
    secret: Any = None,
    tolerance: Optional[float] = 300,
    once: Optional[Once] = None,
) -> Callable[[Request, Response], AsyncIterator[Any]]:
    """Returns a dependency that verifies the request as a webhook, and whose value is its event.

    Invalid webhooks get the status 400, 401 or 413 and the reason as `detail`.

    Args:
        client: The client of the event, and of the request for the secret: an `AsyncClient`, or a `Client`, whose events
            are a `Prediction` or a `Training`. Defaults to the default client for awaited methods.
        secret: The signing secret. Defaults to the secret of the account, which is fetched once.
        tolerance: Seconds by which the timestamp may differ from the clock; None accepts any timestamp.
        once: Processes each webhook once: repeated deliveries get the status 204 without a call of the function,
            or 409 while the function runs. If the function raises, or sets a `status_code` outside 2xx in its parameter
            `response: Response`, the next delivery is processed. A dependency does not see a `Response` that the
            function returns. From FastAPI 0.118, a webhook is done when the background tasks of the function have
            ended, too.

    Raises:
        TypeError: `client` or `once` has another type.
    """
    given = default_async_client if client is None else client
    unwrap = unwrapper(given, once, awaited=True)

    async def receive(request: Request, response: Response) -> AsyncIterator[Any]:
        try:
            event = await unwrap(request, secret=secret, tolerance=tolerance)
        except WebhookValidationError as error:
            status, detail = refused(error)
            raise HTTPException(status, detail) from error
        if once is None:
            yield event
            return
        try:
            async with once.async_claim(event.webhook_id) as state:
                reply = repeated(state)
                if reply is None:
                    yield event
                    processed(response)
                    return
        except Unprocessed:
            return
        raise HTTPException(*reply)

    return receive
