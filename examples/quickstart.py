"""Six examples. `make quickstart` runs them, and the same in Rust and Node.

Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import replicant
from replicant.testing import Emulator

TEXT = "meta/meta-llama-3-8b-instruct"
IMAGE = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
UPSCALE = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa"

REAL = bool(os.environ.get("REPLICATE_API_TOKEN"))


def main(client: replicant.Client) -> None:
    folder = Path("quickstart-output/python")
    folder.mkdir(parents=True, exist_ok=True)

    # 1. Run a text model.
    prompt = {"prompt": "Describe a harbor at dawn.", "max_tokens": 30, "seed": 7}
    output = client.run(TEXT, input=prompt)
    print("1. run:    ", "".join(output).strip())

    # 2. Stream its output.
    print("2. stream:  ", end="")
    for event in client.stream(
        TEXT, input={"prompt": "Sing of the sea.", "max_tokens": 30, "seed": 8}
    ):
        print(event, end="", flush=True)
    print()

    # 3. Generate an image and save it.
    prompt = {"prompt": "a harbor at dawn", "width": 512, "height": 512, "seed": 7}
    output = client.run(IMAGE, input=prompt)
    image = folder / "harbor.png"
    output[0].save(image)
    print(f"3. image:   harbor.png, {image.stat().st_size} bytes")

    # 4. Send a file, which is uploaded automatically, and save the output.
    output = client.run(UPSCALE, input={"scale": 2, "image": image})
    larger = folder / "harbor-x2.png"
    output.save(larger)
    print(f"4. upscale: harbor-x2.png, {larger.stat().st_size} bytes")

    # 5. Start a prediction in the background and receive a webhook when it has ended.
    if REAL:
        print("5. webhook: skipped, as the real API cannot reach a local port")
    else:
        with WebhookReceiver() as receiver:
            created = client.predictions.create(
                model=TEXT,
                input={"prompt": "Name a bird.", "max_tokens": 5, "seed": 9},
                webhook=receiver.url,
                webhook_events_filter=["completed"],
            )
            headers, body = receiver.received.get(timeout=30)
        done = client.webhooks.unwrap(body, headers)
        assert done.id == created.id
        print(f"5. webhook: verified, {done.status}: {''.join(done.output).strip()}")

    # 6. Handle an invalid input.
    try:
        client.run(IMAGE, input={"prompt": "x", "width": "wide"})
    except replicant.ReplicateError as error:
        print(f"6. error:   {error.code} ({error.status})")
        print(f"            {(error.detail or '').strip()}")

    print(f"The pictures are in {folder}")


class WebhookReceiver:
    """A web server on a free local port that keeps the requests it receives."""

    def __enter__(self) -> WebhookReceiver:
        received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.put((dict(self.headers), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.received = received
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()


if REAL:
    main(replicant.Client())
else:
    with Emulator() as emulator:
        main(emulator.client())
