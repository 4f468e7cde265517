"""Custom clients: retries, headers, raw responses, errors, other HTTP clients.

    python examples/custom_client.py

Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.
"""

from __future__ import annotations

import os

import httpx

import replicant
from replicant.testing import Emulator


def main(client: replicant.Client) -> None:
    # Options for some calls: a client that shares the connections of the first.
    patient = client.with_options(
        timeout=120, max_retries=8, headers={"x-request-source": "nightly"}
    )
    print("signed in as", patient.accounts.current().username)

    # The status and the headers of a response.
    response = client.models.with_raw_response.get("meta/meta-llama-3-8b-instruct")
    print(response.status_code, response.headers["Content-Type"], response.parse().id)

    # A request that has no method.
    print(client.request("GET", "/hardware").json()[0])

    # An error has fields for the status, the invalid members of an input and the prediction.
    try:
        client.run("black-forest-labs/flux-schnell", {"prompt": "a heron", "num_outputs": "many"})
    except replicant.UnprocessableEntityError as error:
        print(f"{error.code} ({error.status}): {(error.detail or '').strip()}")
    try:
        client.models.get("nobody/nothing")
    except replicant.NotFoundError as error:
        print(f"{error.code} ({error.status}): {error.detail}")


def with_other_http() -> None:
    # An httpx transport carries all HTTP: here a function that responds, as in a test.
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer test-token"
        return httpx.Response(200, json={"type": "user", "username": "nobody"})

    client = replicant.Client("test-token", transport=httpx.MockTransport(respond))
    print("response of a function:", client.accounts.current().username)


if __name__ == "__main__":
    with_other_http()
    if os.environ.get("REPLICATE_API_TOKEN"):
        main(replicant.Client())
    else:
        with Emulator() as emulator:
            main(emulator.client())
