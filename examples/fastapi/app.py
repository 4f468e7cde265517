"""Pictures on request: a FastAPI application that starts predictions and receives their webhooks.

README.md says how to start it.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import Any, AsyncGenerator, Dict

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from typing_extensions import Annotated

import replicant
from replicant.webhooks import Once
from replicant.webhooks.fastapi import Event, webhook

MODEL = "black-forest-labs/flux-schnell"


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
    if not os.environ.get("PUBLIC_URL"):
        raise RuntimeError("`PUBLIC_URL` must be the URL at which the API reaches this application")
    yield


app = FastAPI(lifespan=lifespan)
#: Pictures by the id of their prediction. In production this is a database.
pictures: Dict[str, Dict[str, Any]] = {}
#: In production, with several processes: `Once(store)` with a store that they share.
once = Once()


class Wish(BaseModel):
    prompt: str


@app.post("/pictures", status_code=202)
async def create(wish: Wish) -> Dict[str, str]:
    try:
        prediction = await replicant.predictions.async_create(
            model=MODEL,
            input={"prompt": wish.prompt},
            webhook=os.environ["PUBLIC_URL"].rstrip("/") + "/webhook",
            webhook_events_filter=["completed"],
        )
    except replicant.ReplicateException as error:
        raise HTTPException(502, str(error)) from error
    pictures.setdefault(prediction.id, {"status": "starting", "files": []})
    return {"id": prediction.id}


@app.post("/webhook", status_code=204)
async def receive(event: Annotated[Event, Depends(webhook(once=once))]) -> None:
    # The API deletes output files after an hour. If they cannot be saved, it delivers the webhook again.
    files = await replicant.async_save_all(event.output or [], "pictures")
    pictures[event.id] = {"status": event.status, "files": files, "error": event.error}


@app.get("/pictures/{id}")
async def show(id: str) -> Dict[str, Any]:
    if id not in pictures:
        raise HTTPException(404)
    return pictures[id]
