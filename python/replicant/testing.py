"""A local server with the behavior of the Replicate API, for tests without a token or network.

    from replicant.testing import Emulator

    with Emulator() as emulator:
        client = emulator.client()
        output = client.run("emulator/echo", {"value": 1})

Models of your own are functions, and stand-ins are one line:

    @emulator.model("acme/upscaler")
    def upscale(image: Path, scale: int = 2) -> Path: ...

    emulator.script("acme/writer", outputs=["Hello", " world"])

It keeps state, checks inputs against the schema of each model, streams events and signs webhooks. Its models
process their inputs: `meta/meta-llama-3-8b-instruct` (text), `stability-ai/sdxl` and
`black-forest-labs/flux-schnell` (images), `nightmareai/real-esrgan` (enlarges an image),
`fofr/audio-to-waveform` (measures a WAV file), and `emulator/echo`, `fails`, `endless`, `progress`, `stream`.
Other well-known names, such as `black-forest-labs/flux-1.1-pro`, behave as these do.
"""

from __future__ import annotations

import itertools
import os
import sys
from datetime import timedelta
from types import TracebackType
from typing import Any, Callable, Dict, Optional, Sequence, Type, TypeVar, Union

from ._async.client import AsyncClient
from ._options import ClientOptions, Unpack
from ._sync.client import Client
from ._testing.arguments import check_text, items_of, milliseconds
from ._testing.assertions import Assertions
from ._testing.control import Control, EmulatorError, Records
from ._testing.models import Model
from ._testing.plain import plain
from ._testing.program import Program
from ._testing.worker import Worker

__all__ = ["ANY", "Emulator", "EmulatorError"]

#: Matches any value in an expected input.
ANY: str = "{{any}}"

_OMITTED: Any = object()

Function = TypeVar("Function", bound=Callable[..., Any])


class Clock:
    """The clock of an emulator."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def advance(self, duration: Union[str, float, timedelta]) -> None:
        """Lets time pass at once: deadlines, retention, webhook retries, cold starts and run times.

        Args:
            duration: Seconds, or text such as `"90s"`, `"1h30m"` or `"2d"`; up to a year.

        Raises:
            ValueError: The duration is malformed.
        """
        if isinstance(duration, timedelta):
            duration = duration.total_seconds()
        self._control.request("POST", "time", {"advance": duration})


class Emulator(Assertions):
    """An emulator: the program `replicant-emulator` as a child process, on a loopback port.

    `pip install 'replicant[testing]'` installs the program. It stops at the end of its `with` block, by `close()`, when
    it and its clients are garbage-collected, and with this process, however that ends. A forked process can use the
    emulator, but not stop it.

    Args:
        port: The port on 127.0.0.1; 0 picks a free port.
        token: The token that it requires. Defaults to accepting any token, or none.
        time_scale: Real seconds per second of the emulated API: with 0.01, an hour passes in 36 seconds.
        rate_limit: The number of predictions that may be created per minute and at once; 429 after that. Other
            requests are then limited to 3,000. The API allows 600 and 3,000.
        rate_burst: The number of predictions that may be created at once.
        read_limit: The number of other requests per minute and at once.
        read_burst: The number of other requests at once.
        credit: The number of predictions that may be created; 402 after that.
        page_size: The number of items per page.
        webhook_secret: The secret that signs webhooks (`whsec_...`). Defaults to a random secret.
        keep: The number of predictions that are kept; the oldest are dropped first. Defaults to 50,000.
        keep_requests: The number of received requests that are kept. Defaults to 10,000.
        keep_for: The seconds for which predictions and requests are kept. Defaults to a day.
        tls: Whether it also serves HTTPS, for clients that take only `https:` URLs for files, such as the official one.
        replay: The folder of a cassette, whose exchanges it plays instead of emulating the API.
        record: The folder of a new cassette: it forwards requests to the API and stores the exchanges.
        upstream: With `record`, the URL of the API. Defaults to `https://api.replicate.com`.

    Raises:
        ValueError: An option is out of range.
        OSError: The port is in use, or the program cannot start.
        ModuleNotFoundError: The program is not installed.
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
        rate_burst: Optional[int] = None,
        read_limit: Optional[int] = None,
        read_burst: Optional[int] = None,
        keep: Optional[int] = None,
        keep_requests: Optional[int] = None,
        keep_for: Optional[float] = None,
        tls: bool = False,
        replay: Optional[Union[str, os.PathLike[str]]] = None,
        record: Optional[Union[str, os.PathLike[str]]] = None,
        upstream: Optional[str] = None,
    ) -> None:
        options = {
            "port": port,
            "token": token,
            "time-scale": time_scale,
            "rate-limit": rate_limit,
            "credit": credit,
            "page-size": page_size,
            "webhook-secret": webhook_secret,
            "rate-burst": rate_burst,
            "read-limit": read_limit,
            "read-burst": read_burst,
            "keep": keep,
            "keep-requests": keep_requests,
            "keep-for": keep_for,
            "replay": None if replay is None else os.fspath(replay),
            "record": None if record is None else os.fspath(record),
            "upstream": upstream,
        }
        arguments = [f"--{name}={value}" for name, value in options.items() if value is not None]
        if tls:
            arguments.append("--tls")
        self._token = token
        self._takes_any_token = token is None and record is None
        self._clients = itertools.count(1)
        self._program = Program(arguments)
        self._addresses = self._program.addresses
        self._control = Control(self._addresses["origin"])
        self._worker = Worker(self._control)
        self.time: Clock = Clock(self._control)

    @property
    def origin(self) -> str:
        """The URL of the emulator, whose page shows predictions as they run: `http://127.0.0.1:<port>`."""
        return self._addresses["origin"]

    @property
    def base_url(self) -> str:
        """The URL of the API: `http://127.0.0.1:<port>/v1`."""
        return self._addresses["base_url"]

    @property
    def tls_base_url(self) -> Optional[str]:
        """The URL of the API over HTTPS, with `tls`: `https://127.0.0.1:<port>/v1`."""
        return self._addresses.get("tls_base_url")

    @property
    def ca_bundle(self) -> Optional[str]:
        """The path of the certificate authority that clients have to trust, with `tls`."""
        return self._addresses.get("ca_bundle")

    @property
    def webhook_secret(self) -> str:
        """The secret that signs webhooks."""
        return self._addresses["webhook_secret"]

    def client(self, api_token: Optional[str] = None, **options: Unpack[ClientOptions]) -> Client:
        """Returns a `Client` of this emulator.

        Args:
            api_token: The API token. Defaults to the one that the emulator requires, or a new one; if it records, to
                that of the environment.
            options: See `ClientOptions`.
        """
        return Client(api_token or self._new_token(), **self._options(options))._keep(self)

    def async_client(
        self, api_token: Optional[str] = None, **options: Unpack[ClientOptions]
    ) -> AsyncClient:
        """Returns an `AsyncClient` of this emulator.

        Args:
            api_token: The API token. Defaults as for `client()`.
            options: See `ClientOptions`.
        """
        return AsyncClient(api_token or self._new_token(), **self._options(options))._keep(self)

    def _new_token(self) -> Optional[str]:
        if not self._takes_any_token:
            return self._token
        # Not that of the environment, which the received requests and failed assertions would show. Each client has its
        # own, because all clients with the same token share the pause after a 429.
        return f"r8_a-token-for-tests-{next(self._clients)}"

    def _options(self, options: ClientOptions) -> ClientOptions:
        return {"base_url": self.base_url, **options}

    def model(
        self,
        name: str,
        *,
        input: Optional[Dict[str, Any]] = None,
        output: Optional[Dict[str, Any]] = None,
        description: Optional[str] = None,
        versions: Sequence[str] = (),
        cold_start: float = 0,
        run_time: float = 0,
    ) -> Callable[[Function], Function]:
        """Returns a decorator that makes a function a model.

        The members of the input are passed by name, as the types of the parameters; `Path`, `bytes` and `BinaryIO`
        receive the content of a file input. The result is the output; the items of a generator are emitted one by one.
        `Path`, `bytes` and open files in the output become files. What the function prints becomes logs, and what it
        raises the error of the prediction. A coroutine function runs in the event loop of a separate thread.

        Args:
            name: `owner/name`. A model of this name is replaced.
            input: The JSON Schema of the input. Defaults to that of the parameters. With one, a parameter of a type
                that an input cannot have receives JSON.
            output: The JSON Schema of the output. Defaults to that of the result.
            description: The description in the model object. Defaults to the docstring.
            versions: The ids of the versions, newest first. Defaults to one version.
            cold_start: The seconds in status `starting`.
            run_time: The minimum number of seconds in status `processing`.

        Raises:
            TypeError: An argument or a parameter of the function has a wrong type.
            ValueError: The name or a schema is malformed.
        """
        # The decorator without parentheses passes the function.
        given: Any = name
        if callable(given):
            raise TypeError('`name` is missing: write `@emulator.model("owner/name")`')
        check_text("name", name)
        ids = items_of("versions", versions)

        def define(function: Function) -> Function:
            # Types may be local to the test, as the function is.
            model = Model(function, sys._getframe(1), input)
            definition = {
                "name": name,
                "input": model.input,
                "output": model.output if output is None else output,
                "description": description or function.__doc__,
                "versions": ids,
                "cold_start": cold_start,
                "run_time": run_time,
                "streams": model.streams,
            }
            self._worker.define(model, definition)
            return function

        return define

    def script(
        self,
        name: str,
        *,
        output: Any = _OMITTED,
        outputs: Optional[Sequence[Any]] = None,
        delay: float = 0,
        fails: Optional[str] = None,
        logs: Optional[str] = None,
        versions: Sequence[str] = (),
        cold_start: float = 0,
    ) -> None:
        """Adds a model that does the same for every input. A model of this name is replaced.

        Args:
            name: `owner/name`.
            output: The whole output, any JSON; None for none.
            outputs: The items of the output, which are emitted one by one.
            delay: The seconds before each output.
            fails: The error with which predictions fail, after their outputs.
            logs: The logs.
            versions: The ids of the versions, newest first. Defaults to one version.
            cold_start: The seconds in status `starting`.

        Raises:
            TypeError: An argument has a wrong type.
            ValueError: The name is malformed. There is no output and no error, or `output` is combined with `outputs`
                or `fails`.
        """
        script: Dict[str, Any] = {"delay": delay, "fails": fails, "logs": logs}
        if output is not _OMITTED:
            script["output"] = output
            if outputs is not None:
                raise ValueError(
                    "`output` is the whole output and `outputs` are its items; pass one of them"
                )
            if fails is not None:
                raise ValueError(
                    "`output` has no effect with `fails`; pass `outputs`, which are emitted before the failure"
                )
        elif outputs is not None:
            script["outputs"] = items_of("outputs", outputs)
        elif fails is None:
            raise ValueError(
                "`output`, `outputs` or `fails` is missing; for no output, pass `output=None`"
            )
        definition = {
            "name": name,
            "script": plain(script),
            "versions": items_of("versions", versions),
            "cold_start": cold_start,
        }
        self._control.request("POST", "models", definition)

    def cog(self, name: str, url: str) -> None:
        """Adds a model that a Cog server runs. A model of this name is replaced.

        Args:
            name: `owner/name`.
            url: The URL of the server, such as `http://127.0.0.1:5000`.

        Raises:
            ValueError: The name or the URL is malformed, or the server is not ready.
        """
        self._control.request("POST", "models", {"name": name, "cog": url})

    @property
    def requests(self) -> Records:
        """The received requests, oldest first: `method`, `path`, `query`, `headers`, `json` ..."""
        return self._control.records("requests")

    @property
    def predictions(self) -> Records:
        """All predictions and trainings, oldest first, as the API returns them.

        Raises:
            EmulatorError: The emulator replays or records.
        """
        return self._control.records("predictions")

    def reset(self) -> None:
        """Forgets predictions, files, requests, faults and what clients have created. Models defined here stay."""
        self._control.request("POST", "reset")

    def fail_next(
        self,
        operation: str,
        *,
        status: int = 500,
        times: int = 1,
        retry_after: Optional[float] = None,
        delay: float = 0,
        json: Any = None,
        lost: bool = False,
    ) -> None:
        """Makes the next requests of an operation fail.

        Args:
            operation: The id of an operation of the API, such as `predictions.create` or `files.get`;
                `predictions.create` includes creates by model and by deployment.
            status: The status of the response.
            times: The number of requests that fail; 0 for all.
            retry_after: The seconds in the `Retry-After` header, rounded up to whole ones.
            delay: The seconds before the response.
            json: The body. Defaults to the one that the API sends with this status.
            lost: Processes the request and closes the connection instead of responding.

        Raises:
            TypeError: An argument has a wrong type.
            ValueError: There is no such operation, an argument is out of range, or `lost` is combined with a response.
        """
        check_text("operation", operation)
        action: Dict[str, Any] = {"delay_ms": milliseconds("delay", delay)}
        if lost:
            if status != 500 or retry_after is not None or json is not None:
                raise ValueError(
                    "`lost` sends no response: omit `status`, `retry_after` and `json`"
                )
            action["close_before_reply"] = True
        else:
            action.update(status=status, retry_after=retry_after)
            action.update({"problem": True} if json is None else {"json": json})
        rule = {"match": {"operation": operation}, "times": times, "action": plain(action)}
        self._control.request("POST", "faults", rule)

    def misbehave(self, *rules: Dict[str, Any]) -> None:
        """Makes requests fail.

        Args:
            rules: Each `{"match": {"method": ..., "path": ..., "operation": ...}, "times": n, "action": {...}}`. An action is a
                response (`status`, `json`, `headers`) or `delay_ms`, `close_before_reply`,
                `cut_body_at`, `reset`, `stall_body_at`.

        Raises:
            ValueError: A rule is malformed.
        """
        self._control.request("POST", "faults", list(rules))

    def close(self) -> None:
        """Stops the emulator and closes its connections."""
        self._program.stop()

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
