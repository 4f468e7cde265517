"""Checks the bounds of the emulator in a release build: `make bench-emulator`.

A list of 30,000 predictions, the models of the demo, and the memory that a slow webhook receiver costs.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

PROGRAM = os.environ.get("REPLICANT_EMULATOR") or str(
    Path(__file__).parent.parent / "target/release/replicant-emulator"
)
PREDICTIONS = 30_000
LIST_LIMIT = 10  # milliseconds
MODEL_LIMIT = 300  # milliseconds
CHUNKS = 10_000
MEMORY_LIMIT = 60  # MB

SDXL = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
MODELS: dict[str, dict[str, Any]] = {
    # It emits a token every 6 ms, as fast as one can read.
    "meta/meta-llama-3-8b-instruct": {"prompt": "a heron", "max_tokens": 20},
    "black-forest-labs/flux-schnell": {"prompt": "a heron"},
    "black-forest-labs/flux-1.1-pro": {"prompt": "a heron"},
    "stability-ai/sdxl": {"prompt": "a heron"},
}


class Emulator:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "--until-stdin-closes", "--keep", "100000"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        address = urlsplit(json.loads(self.process.stdout.readline())["base_url"])
        self.connection = http.client.HTTPConnection(address.netloc, timeout=60)

    def request(self, method: str, path: str, body: Any = None, wait: bool = False) -> Any:
        headers = {"content-type": "application/json", **({"prefer": "wait"} if wait else {})}
        self.connection.request(
            method, f"/v1{path}", None if body is None else json.dumps(body), headers
        )
        response = self.connection.getresponse()
        text = response.read()
        assert response.status < 300, text
        return json.loads(text)

    def cpu(self) -> float:
        """Returns the processor time of the process so far in milliseconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> float:
        """Returns the largest resident memory of the process in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1000

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def emulator() -> Iterator[Emulator]:
    started = Emulator()
    try:
        yield started
    finally:
        started.close()


def check(what: str, value: float, limit: float, unit: str) -> bool:
    held = value < limit
    print(f"{'ok  ' if held else 'FAIL'} {what}: {value:.1f} {unit} (limit {limit} {unit})")
    return held


def elapsed(server: Emulator, method: str, path: str, body: Any = None) -> float:
    """Returns the milliseconds that a request takes, and prints the processor time in them if that is much less."""
    began, before = time.perf_counter(), server.cpu()
    server.request(method, path, body, wait=True)
    took, used = 1000 * (time.perf_counter() - began), server.cpu() - before
    if took > 50 and used < took / 2:
        print(f"     {method} {path}: {used:.0f} ms of processor time in {took:.0f} ms")
    return took


def lists() -> bool:
    with emulator() as server:
        for number in range(PREDICTIONS):
            server.request(
                "POST", "/models/emulator/echo/predictions", {"input": {"value": number}}
            )
        times = [elapsed(server, "GET", "/predictions") for _ in range(20)]
    return check(
        f"GET /predictions with {PREDICTIONS:,}, median", statistics.median(times), LIST_LIMIT, "ms"
    )


def models() -> bool:
    held = []
    for name, model_input in MODELS.items():
        # The model comes into being with its example, which must not cost the first reader.
        with emulator() as server:
            read = elapsed(server, "GET", f"/models/{name}")
            held.append(check(f"GET /models/{name}, first", read, MODEL_LIMIT, "ms"))
            body: dict[str, Any] = {"input": model_input}
            path = f"/models/{name}/predictions"
            if name == "stability-ai/sdxl":
                path, body["version"] = "/predictions", SDXL
            held.append(
                check(f"run {name}, first", elapsed(server, "POST", path, body), MODEL_LIMIT, "ms")
            )
    return all(held)


class SlowReceiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.2)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def webhooks() -> bool:
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowReceiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with emulator() as server:
        body = {
            "input": {"chunks": ["token "], "pause": 0, "repeat": CHUNKS},
            "webhook": f"http://127.0.0.1:{receiver.server_port}/",
            "webhook_events_filter": ["start", "output", "logs", "completed"],
        }
        created = server.request("POST", "/models/emulator/stream/predictions", body)
        while server.request("GET", f"/predictions/{created['id']}")["status"] != "succeeded":
            time.sleep(0.1)
        time.sleep(2)
        peak = server.peak()
    receiver.shutdown()
    return check(f"{CHUNKS:,} chunks and a slow webhook receiver", peak, MEMORY_LIMIT, "MB")


if __name__ == "__main__":
    results = [lists(), models(), webhooks()]
    sys.exit(0 if all(results) else 1)
