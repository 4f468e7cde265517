"""Checks an installed package against its own emulator.

It is run by the interpreter of the environment that has the package, and imports no other package.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import hashlib
import hmac
import json
import pickle
import platform
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from unittest.mock import patch

import replicant
from replicant.testing import Emulator

TEXT = "meta/meta-llama-3-8b-instruct"
PROMPT = {"prompt": "Describe a harbor.", "max_tokens": 8, "seed": 1}
UPSCALE = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"


def blocking(emulator: Emulator, folder: Path) -> str:
    client = emulator.client()
    value = {"text": "a", "large": 2**70, "list": [1, 2.5, None]}
    assert client.run("emulator/echo", {"value": value}) == value

    text = "".join(client.run(TEXT, PROMPT))
    assert text and "".join(map(str, client.stream(TEXT, PROMPT))).strip() == text.strip()

    [image] = client.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})
    saved = Path(image.save(folder / "heron.webp"))
    assert saved.read_bytes() == image.read() and saved.read_bytes()[8:12] == b"WEBP"

    # Too large to be sent inline.
    photo = folder / "photo.bin"
    photo.write_bytes(bytes(range(256)) * 1024)
    uploaded = client.files.create(photo)
    assert uploaded.size == 256 * 1024
    larger = client.run(UPSCALE, {"image": saved, "scale": 2})
    assert larger.read()[:4] == b"\x89PNG"

    try:
        client.predictions.get("nothing-there")
    except replicant.NotFoundError as error:
        assert error.status == 404 and error.code == "not_found"
    else:
        raise AssertionError("no error for a prediction that does not exist")
    return text


async def asynchronous(emulator: Emulator, text: str) -> None:
    client = emulator.async_client()
    texts = await asyncio.gather(*(client.run(TEXT, PROMPT) for _ in range(4)))
    assert ["".join(pieces) for pieces in texts] == [text] * 4
    streamed = [str(event) async for event in client.stream(TEXT, PROMPT)]
    assert "".join(streamed).strip() == text.strip()


def official_api(emulator: Emulator) -> None:
    """Uses the API of replicate 1.x where Python versions have differed."""
    client = copy.deepcopy(emulator.client())
    names = [f"{event.event}" for event in client.stream("emulator/stream", {"chunks": ["a", "b"]})]
    assert names[:2] == ["output", "output"] and names[-1] == "done", names
    page = asyncio.run(client.predictions.async_list())
    assert len(page) == len(list(page)) > 0
    prediction = page[0]
    assert vars(prediction) == dict(prediction) == prediction.dict()
    assert type(prediction).parse_obj(json.loads(prediction.json())) == prediction
    assert "status" in type(prediction).__fields__
    with patch("replicant.predictions.create", return_value="double"):
        assert replicant.predictions.create(model="a/b") == "double"
    try:
        client.run("emulator/fails", {"message": "out of luck"})
    except replicant.ReplicateError as error:
        raise AssertionError("a failed prediction raised an API error") from error
    except replicant.ModelError as error:
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error) == error.prediction.error


def webhook(emulator: Emulator) -> None:
    body = json.dumps({"id": "p", "status": "succeeded"}).encode()
    now = str(int(time.time()))
    key = base64.b64decode(emulator.webhook_secret[len("whsec_") :])
    mac = hmac.new(key, b"msg." + now.encode() + b"." + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg",
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
    client = emulator.client()
    secret = client.webhooks.default.secret()
    assert client.webhooks.validate(headers=headers, body=body, secret=secret)["id"] == "p"
    try:
        client.webhooks.validate(headers=headers, body=body + b" ", secret=secret)
    except replicant.InvalidSignatureError:
        return
    raise AssertionError("a forged webhook passed verification")


def installed() -> None:
    """Checks that the installed package is imported and that it has no dependencies."""
    assert "site-packages" in replicant.__file__, replicant.__file__
    needed = metadata.requires("replicant") or []
    assert all("extra ==" in requirement for requirement in needed), needed
    assert metadata.version("replicant") == replicant.__version__
    # Python enables the GIL when it loads a module that does not support running without it.
    enabled = getattr(sys, "_is_gil_enabled", lambda: None)()
    assert enabled is not True or "t" not in getattr(sys, "abiflags", ""), (
        "the module enabled the GIL"
    )


installed()
with tempfile.TemporaryDirectory() as temporary, Emulator() as emulator:
    text = blocking(emulator, Path(temporary))
    for _ in range(2):
        asyncio.run(asynchronous(emulator, text))
    official_api(emulator)
    webhook(emulator)
print(f"smoke ok: replicant {replicant.__version__}, Python {platform.python_version()}")
