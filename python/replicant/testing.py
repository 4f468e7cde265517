"""A local server that behaves like Replicate's API, for tests without token, network or money.

    from replicant.testing import Emulator

    with Emulator() as emulator:
        client = emulator.client()
        output = client.run("emulator/echo", {"value": 1})

It keeps real state, checks inputs against each model's schema, streams events and signs webhooks.
Its models do real work on real input: `meta/meta-llama-3-8b-instruct` (text), `stability-ai/sdxl` and
`black-forest-labs/flux-schnell` (images), `nightmareai/real-esrgan` (a larger image),
`fofr/audio-to-waveform` (a WAV measured), and `emulator/echo`, `fails`, `endless`, `progress`, `stream`.
"""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Dict, List, Optional, Type

from . import _native
from ._async.client import AsyncClient
from ._sync.client import Client

__all__ = ["Emulator"]


class Emulator:
    """An emulator in this process, on a thread and a loopback port of its own.

    It ends with its `with` block, by `close()`, or when it is collected.

    Args:
        port: where it listens on 127.0.0.1; 0 picks a free port.
        token: the only token it accepts; any, or none, when left out.
        time_scale: real seconds to a second of the service: 0.01 makes an hour pass in 36 seconds.
        rate_limit: how many predictions may be created in a minute; 429 after that.
        credit: how many predictions may be created at all; 402 after that.
        page_size: how many items a page of a list holds.
        webhook_secret: what webhooks are signed with (`whsec_...`); made up when left out.

    Raises:
        ValueError: an option cannot be used.
        OSError: the port is taken.
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
        """Where the API is: `http://127.0.0.1:<port>/v1`."""
        return self._addresses["base_url"]

    @property
    def webhook_secret(self) -> str:
        """What its webhooks are signed with."""
        return self._addresses["webhook_secret"]

    def client(self, **options: Any) -> Client:
        """A blocking client of it; `options` are those of `Client`."""
        given: Dict[str, Any] = {"api_token": self._token, "base_url": self.base_url, **options}
        return Client(**given)

    def async_client(self, **options: Any) -> AsyncClient:
        """An awaitable client of it; `options` are those of `AsyncClient`."""
        given: Dict[str, Any] = {"api_token": self._token, "base_url": self.base_url, **options}
        return AsyncClient(**given)

    def requests(self) -> List[Dict[str, Any]]:
        """What it has received, oldest first: `method`, `path`, `query`, `headers`, `json` ..."""
        received: List[Dict[str, Any]] = json.loads(self._native.requests())
        return received

    def misbehave(self, *rules: Dict[str, Any]) -> None:
        """Make requests fail.

        Args:
            rules: each `{"match": {"method": ..., "path": ...}, "times": n, "action": {...}}`, where an
                action holds an answer (`status`, `json`, `headers`) or `delay_ms`, `close_before_reply`,
                `cut_body_at`, `reset`, `stall_body_at`.

        Raises:
            ValueError: a rule cannot be read.
        """
        self._native.add_faults(json.dumps(rules))

    def close(self) -> None:
        """End it and close its connections."""
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
