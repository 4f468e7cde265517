"""Pictures on request: a FastAPI application that starts predictions and receives their webhooks.

    pip install replicant fastapi uvicorn
    PUBLIC_URL=https://pictures.example.com REPLICATE_API_TOKEN=r8_... uvicorn app:app

`PUBLIC_URL` is where the API reaches this application.
"""

from __future__ import annotations

import os
from typing import Any, Dict

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from typing_extensions import Annotated

import replicant
from replicant.webhooks import Once
from replicant.webhooks.fastapi import Event, webhook

MODEL = "black-forest-labs/flux-schnell"

app = FastAPI()
#: Pictures by the id of their prediction. In production this is a database.
pictures: Dict[str, Dict[str, Any]] = {}
#: In production, with several processes: `Once(store)` with a store that they share.
once = Once()


class Wish(BaseModel):
    prompt: str


@app.post("/pictures", status_code=202)
async def create(wish: Wish) -> Dict[str, str]:
    prediction = await replicant.predictions.async_create(
        model=MODEL,
        input={"prompt": wish.prompt},
        webhook=os.environ["PUBLIC_URL"] + "/webhook",
        webhook_events_filter=["completed"],
    )
    pictures.setdefault(prediction.id, {"status": "starting", "urls": []})
    return {"id": prediction.id}


@app.post("/webhook", status_code=204)
async def receive(event: Annotated[Event, Depends(webhook(once=once))]) -> None:
    pictures[event.id] = {
        "status": event.status,
        "urls": event.output or [],
        "error": event.error,
    }


@app.get("/pictures/{id}")
async def show(id: str) -> Dict[str, Any]:
    if id not in pictures:
        raise HTTPException(404)
    return pictures[id]
