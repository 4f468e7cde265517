"""A web application that receives webhooks of predictions.

    python examples/webhook_server.py

It starts a prediction in the emulator, then receives and verifies its webhook. In production the application
runs where the API can reach it, and `REPLICATE_API_TOKEN` is set.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Dict

import uvicorn
from fastapi import FastAPI, HTTPException, Request

import replicant
from replicant.testing import Emulator


def application(secret: str, done: Callable[[Dict[str, Any]], None]) -> FastAPI:
    app = FastAPI()

    @app.post("/webhook")
    async def webhook(request: Request) -> Dict[str, bool]:  # pyright: ignore[reportUnusedFunction]
        # The raw body: a body that was parsed and serialized again is not what was signed.
        body = await request.body()
        try:
            event = replicant.webhooks.validate(headers=request.headers, body=body, secret=secret)
        except replicant.WebhookValidationError as error:
            raise HTTPException(400, str(error)) from error
        # Deliveries of a webhook share the header `webhook-id`; use it to process each once.
        done(event)
        return {"ok": True}

    return app


def main(emulator: Emulator) -> None:
    client = emulator.client()
    received: Dict[str, Dict[str, Any]] = {}
    ended = threading.Event()

    def done(event: Dict[str, Any]) -> None:
        received[event["id"]] = event
        ended.set()

    # Fetch the secret once. It is the same for all webhooks.
    secret = client.webhooks.default.secret().key
    config = uvicorn.Config(application(secret, done), port=0, log_level="error")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    prediction = client.predictions.create(
        model="emulator/echo",
        input={"value": "hello"},
        webhook=f"http://127.0.0.1:{port}/webhook",
        webhook_events_filter=["completed"],
    )
    ended.wait(timeout=30)
    event = received[prediction.id]
    print(f"received a webhook: {event['status']}, {event['output']}")
    server.should_exit = True


if __name__ == "__main__":
    with Emulator() as emulator:
        main(emulator)
