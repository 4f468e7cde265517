"""Clients to one's liking: retries, headers, other HTTP, the raw answer, and what errors tell.

    python examples/custom_client.py

Without `REPLICATE_API_TOKEN` it talks to the emulator, which needs no token, no network and no money.
"""

from __future__ import annotations

import os

import httpx

import replicant
from replicant.testing import Emulator


def main(client: replicant.Client) -> None:
    # Options of some calls: another client that shares the connections of the first.
    patient = client.with_options(
        timeout=120, max_retries=8, headers={"x-request-source": "nightly"}
    )
    print("signed in as", patient.accounts.current().username)

    # The answer behind a result: its status and its headers.
    answer = client.models.with_raw_response.get("meta/meta-llama-3-8b-instruct")
    print(answer.status_code, answer.headers["Content-Type"], answer.parse().id)

    # A request that has no method here.
    print(client.request("GET", "/hardware").json()[0])

    # An error tells what to do, and carries what is known: the status, the fields, the prediction.
    try:
        client.run("black-forest-labs/flux-schnell", {"prompt": "a heron", "num_outputs": "many"})
    except replicant.UnprocessableEntityError as error:
        print(f"{error.code} ({error.status}): {(error.detail or '').strip()}")
    try:
        client.models.get("nobody/nothing")
    except replicant.NotFoundError as error:
        print(f"{error.code} ({error.status}): {error.detail}")


def with_other_http() -> None:
    # A transport of httpx carries all HTTP, here one that answers by itself, as a test would want.
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer test-token"
        return httpx.Response(200, json={"type": "user", "username": "nobody"})

    client = replicant.Client("test-token", transport=httpx.MockTransport(respond))
    print("answered by a function:", client.accounts.current().username)


if __name__ == "__main__":
    with_other_http()
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client())
    else:
        with Emulator() as emulator:
            main(emulator.client())
