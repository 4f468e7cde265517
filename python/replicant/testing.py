"""A local server with the behavior of the Replicate API, for tests without a token or network.

    from replicant.testing import Emulator

    with Emulator() as emulator:
        client = emulator.client()
        output = client.run("emulator/echo", {"value": 1})

It keeps state, checks inputs against the schema of each model, streams events and signs webhooks. Its models
process their inputs: `meta/meta-llama-3-8b-instruct` (text), `stability-ai/sdxl` and
`black-forest-labs/flux-schnell` (images), `nightmareai/real-esrgan` (a larger image),
`fofr/audio-to-waveform` (a WAV measured), and `emulator/echo`, `fails`, `endless`, `progress`, `stream`.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Dict, List, Optional, Type

from . import _native
from ._async.client import AsyncClient
from ._options import ClientOptions, Unpack
from ._sync.client import Client

__all__ = ["Emulator"]


class Emulator:
    """An emulator in this process, with its own thread and loopback port.

    It stops at the end of its `with` block, by `close()`, or when it and its clients are garbage-collected.

    Args:
        port: The port on 127.0.0.1; 0 picks a free port.
        token: The token that it requires. Defaults to accepting any token, or none.
        time_scale: Real seconds per second of the emulated API: with 0.01, an hour passes in 36 seconds.
        rate_limit: The number of predictions that may be created per minute; 429 after that.
        credit: The number of predictions that may be created; 402 after that.
        page_size: The number of items per page.
        webhook_secret: The secret that signs webhooks (`whsec_...`). Defaults to a random secret.

    Raises:
        ValueError: An option is out of range.
        OSError: The port is in use.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: Optional[str] = None,
        time_scale: float = 1.0,
        rate_limit: Optional[int] = None,
        credit: Optional[int] = None,
        page_size: Optional[int] = None,
        webhook_secret: Optional[str] = None,
    ) -> None:
        options = {
            "port": port,
            "token": token,
            "time-scale": time_scale,
            "rate-limit": rate_limit,
            "credit": credit,
            "page-size": page_size,
            "webhook-secret": webhook_secret,
        }
        arguments = [f"--{name}={value}" for name, value in options.items() if value is not None]
        self._native = _native.Emulator(arguments)
        self._token = token
        self._addresses: Dict[str, str] = json.loads(self._native.addresses())

    @property
    def base_url(self) -> str:
        """The URL of the API: `http://127.0.0.1:<port>/v1`."""
        return self._addresses["base_url"]

    @property
    def webhook_secret(self) -> str:
        """The secret that signs webhooks."""
        return self._addresses["webhook_secret"]

    def client(self, api_token: Optional[str] = None, **options: Unpack[ClientOptions]) -> Client:
        """Returns a `Client` of this emulator.

        Args:
            api_token: The API token. Defaults to the one that the emulator requires.
            options: See `ClientOptions`.
        """
        return Client(api_token or self._token, **self._options(options))._keep(self)

    def async_client(
        self, api_token: Optional[str] = None, **options: Unpack[ClientOptions]
    ) -> AsyncClient:
        """Returns an `AsyncClient` of this emulator.

        Args:
            api_token: The API token. Defaults to the one that the emulator requires.
            options: See `ClientOptions`.
        """
        return AsyncClient(api_token or self._token, **self._options(options))._keep(self)

    def _options(self, options: ClientOptions) -> ClientOptions:
        return {"base_url": self.base_url, **options}

    def requests(self) -> List[Dict[str, Any]]:
        """Returns the received requests, oldest first: `method`, `path`, `query`, `headers`, `json` ..."""
        received: List[Dict[str, Any]] = json.loads(self._native.requests())
        return received

    def misbehave(self, *rules: Dict[str, Any]) -> None:
        """Makes requests fail.

        Args:
            rules: Each `{"match": {"method": ..., "path": ...}, "times": n, "action": {...}}`. An action is a
                response (`status`, `json`, `headers`) or `delay_ms`, `close_before_reply`,
                `cut_body_at`, `reset`, `stall_body_at`.

        Raises:
            ValueError: A rule is malformed.
        """
        self._native.add_faults(json.dumps(rules))

    def close(self) -> None:
        """Stops the emulator and closes its connections."""
        self._native.stop()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Emulator {self.base_url}>"
