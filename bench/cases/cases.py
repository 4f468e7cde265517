"""Runs one workload with one Python client: `cases.py CLIENT WORKLOAD ORIGIN SECONDS`.

CLIENT is `replicant`, `replicate1` (PyPI replicate 1) or `replicate2` (its version 2). Each does the same through the
calls that its documentation shows. If a client does not support a workload, the program prints why and exits with
status 3.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Awaitable, Callable
from urllib.request import urlopen

from measure import Clock, once, report, report_async

CLIENT, WORKLOAD, ORIGIN, SECONDS = *sys.argv[1:4], float(sys.argv[4])
OURS, SECOND = CLIENT == "replicant", CLIENT == "replicate2"
INPUT = {"prompt": "a heron at dawn, oil on canvas"}
VERSION = "0" * 64
CONCURRENT = 64
WAITED = 1000


def cannot(why: str) -> Any:
    print(why, file=sys.stderr)
    sys.exit(3)


def import_() -> None:
    began, cpu = time.perf_counter(), time.process_time()
    if OURS:
        import replicant as sdk
    else:
        import replicate as sdk
    if WORKLOAD == "import_client":
        sdk.Replicate(bearer_token="r8_bench") if SECOND else sdk.Client(api_token="r8_bench")
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    clock = Clock()
    clock.wall, clock.cpu = clock.wall - wall, clock.cpu - cpu
    clock.stop(1)


def clients() -> Any:
    """Returns a client for blocking calls and one for asyncio."""
    if OURS:
        import replicant

        client = replicant.Client(api_token="r8_bench", base_url=ORIGIN)
        return client, replicant.AsyncClient(api_token="r8_bench", base_url=ORIGIN)
    import replicate

    if SECOND:
        options = {"bearer_token": "r8_bench", "base_url": f"{ORIGIN}/v1"}
        return replicate.Replicate(**options), replicate.AsyncReplicate(**options)
    client = replicate.Client(api_token="r8_bench", base_url=ORIGIN)
    return client, client


def create(client: Any) -> None:
    assert client.predictions.create(version=VERSION, input=INPUT).id == "p1"


def run(client: Any) -> None:
    assert client.run("bench/run", input=INPUT) == "a heron at dawn"


async def async_create(client: Any) -> None:
    predictions = client.predictions
    method = predictions.async_create if CLIENT == "replicate1" else predictions.create
    assert (await method(version=VERSION, input=INPUT)).id == "p1"


async def async_run(client: Any) -> None:
    method = client.async_run if CLIENT == "replicate1" else client.run
    assert await method("bench/run", input=INPUT) == "a heron at dawn"


def sequential(call: Callable[[Any], None]) -> None:
    client, _ = clients()

    def work() -> int:
        for _ in range(64):
            call(client)
        return 64

    report(SECONDS, work)


async def concurrent(call: Callable[[Any], Awaitable[None]]) -> None:
    _, client = clients()

    async def caller() -> None:
        for _ in range(4):
            await call(client)

    async def work() -> int:
        await asyncio.gather(*(caller() for _ in range(CONCURRENT)))
        return CONCURRENT * 4

    await report_async(SECONDS, work)


def no_events() -> None:
    if SECOND:
        cannot("has no event streams")


def stream_sync() -> None:
    no_events()
    client, _ = clients()

    def work() -> int:
        events = 0
        for event in client.stream("bench/stream", input=INPUT):
            events += bool(event.data)
        return events

    report(SECONDS, work)


async def stream_async() -> None:
    no_events()
    _, client = clients()
    start = client.async_stream if CLIENT == "replicate1" else client.stream

    async def work() -> int:
        events = 0
        async for event in await start("bench/stream", input=INPUT):
            events += bool(event.data)
        return events

    await report_async(SECONDS, work)


def file_output() -> Any:
    client, _ = clients()
    if OURS:
        from replicant import FileOutput
    elif SECOND:
        from replicate.lib._files import FileOutput
    else:
        from replicate.helpers import FileOutput
    return FileOutput(f"{ORIGIN}/file", client)


def download() -> None:
    output = file_output()
    once(lambda: sum(len(chunk) for chunk in output))


def download_saved() -> None:
    output = file_output()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"

        def work() -> int:
            if OURS:
                output.save(path)
            else:
                with path.open("wb") as file:
                    for chunk in output:
                        file.write(chunk)
            return path.stat().st_size

        once(work)


def upload() -> None:
    client, _ = clients()
    path = Path(os.environ["BENCH_FILE"])
    content = path.read_bytes() if WORKLOAD == "upload_memory" else None
    if content is not None and CLIENT == "replicate1":
        cannot("does not take bytes")

    def work() -> int:
        if SECOND:
            client.files.create(content=path if content is None else content, filename="upload.bin")
        else:
            client.files.create(path if content is None else content)
        return path.stat().st_size

    report(SECONDS, work)


def requests_so_far() -> int:
    """Returns the number of requests since the previous call of this function."""
    with urlopen(f"{ORIGIN}/requests") as response:
        return int(response.read())


async def wait() -> None:
    _, client = clients()

    async def one() -> None:
        if SECOND:
            created = await client.models.predictions.create(
                model_owner="bench", model_name="slow", input=INPUT
            )
            created = await client.predictions.wait(created.id)
        else:
            predictions = client.models.predictions
            method = predictions.async_create if CLIENT == "replicate1" else predictions.create
            created = await method(("bench", "slow"), input=INPUT)
            await (created.async_wait if CLIENT == "replicate1" else created.wait)()
        assert created.status == "succeeded", created

    requests_so_far()
    clock = Clock()
    outcomes = await asyncio.gather(*(one() for _ in range(WAITED)), return_exceptions=True)
    failed = [outcome for outcome in outcomes if outcome is not None]
    wall = clock.passed()
    requests = requests_so_far()
    clock.wall += clock.passed() - wall
    if failed:
        cannot(f"{len(failed)} of {WAITED} failed with {type(failed[0]).__name__}")
    clock.stop(WAITED, requests=requests)


def webhook(size: int) -> None:
    if SECOND:
        cannot("does not verify webhooks")
    key = b"0123456789abcdef01234567"
    secret = "whsec_" + base64.b64encode(key).decode()
    begin, end = '{"id":"p1","status":"succeeded","output":"', '"}'
    body = begin + "x" * (size - len(begin) - len(end)) + end
    stamp = str(int(time.time()))
    digest = hmac.new(key, f"msg_1.{stamp}.{body}".encode(), hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}
    repeats = max(1, 64 * 1024 // size)
    if OURS:
        from replicant import Client

        validate: Any = Client(api_token="r8_bench").webhooks.validate
        shared = secret
    else:
        from replicate.webhook import Webhooks, WebhookSigningSecret

        validate, shared = Webhooks.validate, WebhookSigningSecret(key=secret)

    def work() -> int:
        for _ in range(repeats):
            validate(headers=headers, body=body, secret=shared, tolerance=300)
        return repeats

    report(SECONDS, work)


def large() -> None:
    client, _ = clients()

    def work() -> int:
        prediction = client.predictions.get(
            **({"prediction_id": "big"} if SECOND else {"id": "big"})
        )
        assert len(prediction.output) == 54_000
        return 1

    report(SECONDS, work)


WORKLOADS: dict[str, Callable[[], Any]] = {
    "import": import_,
    "import_client": import_,
    "create_1": lambda: sequential(create),
    "create_64": lambda: asyncio.run(concurrent(async_create)),
    "run_1": lambda: sequential(run),
    "run_64": lambda: asyncio.run(concurrent(async_run)),
    "stream_sync": stream_sync,
    "stream_async": lambda: asyncio.run(stream_async()),
    "download": download,
    "download_saved": download_saved,
    "upload": upload,
    "upload_memory": upload,
    "wait": lambda: asyncio.run(wait()),
    "webhook_1k": lambda: webhook(1 << 10),
    "webhook_1m": lambda: webhook(1 << 20),
    "large": large,
}

WORKLOADS[WORKLOAD]()
