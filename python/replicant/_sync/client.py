# Derived from _async/client.py by python/scripts/unasync.py: change that file, not this one.
"""`Client`: the client with all its resources."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterable,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Union,
)

from .._arguments import checked, drop_none
from .._base import Base
from .._client_base import hooks_of
from .._core_options import conceal_secrets, core_options
from .._events import AwaitableStream, EventStream
from .._guarded import cached
from .._map import MapResults, Row, ShowMap
from .._map_rows import AsyncInput
from .._native import Stream, conceal
from .._objects import SearchResults
from .._options import (
    ClientOptions,
    CreateOptions,
    MapOptions,
    RunOptions,
    StreamOptions,
    Unpack,
)
from .._output import output_of
from .._progress import ShowTransfer, of_bytes, of_prediction
from .._refs import Reference, maybe_version, reference, runnable
from .._response import RawResponse, RawView
from .prediction import Prediction, Predictions

# Imported on first use: most programs need few of them, and making a client should take little time.
if TYPE_CHECKING:
    from .._sync_raw import ClientWithRawResponse
    from .account import Accounts
    from .collection import Collections
    from .deployment import Deployments
    from .file import Files
    from .handle import Handle
    from .hardware import HardwareNamespace
    from .model import Models
    from .training import Trainings
    from .use import Function
    from .webhook import Webhooks
else:
    # Not imported for `typing.get_type_hints` alone.
    Function = Handle = Any


class Client(Base):
    """A client of the Replicate API.

    A client may be shared by threads, tasks and event loops, and used after a fork. It opens connections
    when they are needed, and need not be closed.

    Args:
        api_token: The API token. Defaults to `REPLICATE_API_TOKEN`.
        options: See `ClientOptions`.
            timeout: Seconds that a request may take with all its retries, in addition to `wait`;
                during an upload or download, seconds without progress. An `httpx.Timeout` sets the
                limits for connecting and reading. Without this option, each attempt may take 60
                seconds.
            max_retries: The maximum number of retries of a request that is safe to repeat. Defaults
                to 5.
            headers: Additional headers of each request to the API.
            default_headers: An alias of `headers`.
            default_query: Additional query parameters of each request to the API.
            base_url: The URL of the API. Defaults to `REPLICATE_BASE_URL`, otherwise
                `https://api.replicate.com/v1`.
            bearer_token: An alias of `api_token`.
            user_agent: The `User-Agent` header. Defaults to `replicant/<version>`.
            connect_timeout: Seconds that connecting may take. Defaults to 10.
            idle_timeout: Seconds without a byte, including keep-alive comments, after which an
                event stream is resumed. Defaults to 300.
            max_response_size: The size of the longest response to read, in bytes; longer ones raise
                `APIResponseValidationError`. Does not apply to files and event streams. Defaults to
                64 MiB.
            rate_limit: The maximum number of predictions to create per minute, with up to a
                second's worth at once. Defaults to what the API allows, which the client learns
                from responses: requests wait for their turn instead of failing with 429. None
                switches this off, so that each request is retried on its own.
            poll_interval: Seconds between polls of a running prediction. Defaults to
                `REPLICATE_POLL_INTERVAL`, otherwise adaptive.
            use_file_output: Whether to return files in outputs as `FileOutput` objects (the
                default) or as URLs.
            file_encoding_strategy: How to send files in inputs: `url` uploads them (the default),
                `base64` inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
            verify_uploads: Whether to compare the SHA-256 of each upload with the one in the
                response. Defaults to False.
            require_https: Whether to refuse a `base_url` over plain http to a host other than
                loopback. Defaults to False, which issues an `InsecureConnectionWarning` if there is
                a token.
            on_abandon: What to do with a running prediction when its `run` or `stream` is
                abandoned: `cancel` (the default) or `leave`.
            on_request: A function to call before each attempt of a request. It may change
                `request.headers`. It runs in the context of the call, and for awaited methods may
                be a coroutine function. Its exception ends the call.
            on_response: A function to call with the status and the headers of each response.
            on_retry: A function to call after a failed attempt that will be retried, before the
                delay.
            log_bodies: Whether logs of the level `DEBUG` show the JSON bodies of requests and
                responses, without secrets and long strings. Defaults to False.
            tracing: Whether to create OpenTelemetry spans and send `traceparent`, if the program
                uses OpenTelemetry. Defaults to True.
            trace_content: Whether the spans of runs have the input and the output. Defaults to
                False, or to `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`.
            proxy: The URL of a proxy for all requests: `http`, `https`, `socks5`, or `socks5h`,
                which also resolves host names. Defaults to `HTTPS_PROXY` and the like.
            ca_bundle: The path of a PEM file, or of a folder of such files, with certificates to
                trust in addition to those of the system: of authorities, or of a server.
            client_cert: The path of a file with a client certificate in PEM, and its private key
                unless `client_key` has it.
            client_key: The path of a PEM file with the private key of `client_cert`.
            client_key_password: The password of the private key, if it is encrypted.
            http2: Whether to use HTTP/2 with servers that offer it. Defaults to True.
            max_connections: The maximum number of requests at a time; others wait. Over HTTP/1.1,
                each has its own connection, and an event stream or download keeps it until its end.
                Defaults to no limit.
            pool_idle_timeout: Seconds that an unused connection stays open. Defaults to 50.
            transport: What sends all HTTP requests instead of the built-in client: an httpx
                transport (sync or async, including `httpx.MockTransport`) or a function that takes
                a request and returns a response.
            http_client: An httpx client that sends all HTTP requests; used if `transport` is not
                set. Its headers and query parameters are added to requests to the API, unless this
                client sets them itself. Its cookies go to their domains, those without one to the
                API.

    Raises:
        InvalidArgumentError: An option is malformed.
    """

    with_raw_response: RawView[ClientWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def __init__(self, api_token: Optional[str] = None, **options: Unpack[ClientOptions]) -> None:
        api_token = conceal(api_token)
        conceal_secrets(options)
        given = checked(Client.__init__, ClientOptions, options)
        transport = given.get("transport", given.get("http_client"))
        options_of_core = core_options({**given, "api_token": api_token})
        self._configure(options_of_core, transport=transport, hooks=hooks_of(given))

    def with_options(
        self, *, api_token: Optional[str] = None, **options: Unpack[ClientOptions]
    ) -> Client:
        """Returns a client with some options changed.

        It shares the connections of this client if only `RequestOptions` differ, which makes it the way to
        set them for one call: `client.with_options(timeout=5).predictions.get(id)`.

        Args:
            api_token: The API token.
            options: See `ClientOptions`.
                timeout: Seconds that a request may take with all its retries, in addition to
                    `wait`; during an upload or download, seconds without progress. An
                    `httpx.Timeout` sets the limits for connecting and reading. Without this option,
                    each attempt may take 60 seconds.
                max_retries: The maximum number of retries of a request that is safe to repeat.
                    Defaults to 5.
                headers: Additional headers of each request to the API.
                default_headers: An alias of `headers`.
                default_query: Additional query parameters of each request to the API.
                base_url: The URL of the API. Defaults to `REPLICATE_BASE_URL`, otherwise
                    `https://api.replicate.com/v1`.
                bearer_token: An alias of `api_token`.
                user_agent: The `User-Agent` header. Defaults to `replicant/<version>`.
                connect_timeout: Seconds that connecting may take. Defaults to 10.
                idle_timeout: Seconds without a byte, including keep-alive comments, after which an
                    event stream is resumed. Defaults to 300.
                max_response_size: The size of the longest response to read, in bytes; longer ones
                    raise `APIResponseValidationError`. Does not apply to files and event streams.
                    Defaults to 64 MiB.
                rate_limit: The maximum number of predictions to create per minute, with up to a
                    second's worth at once. Defaults to what the API allows, which the client learns
                    from responses: requests wait for their turn instead of failing with 429. None
                    switches this off, so that each request is retried on its own.
                poll_interval: Seconds between polls of a running prediction. Defaults to
                    `REPLICATE_POLL_INTERVAL`, otherwise adaptive.
                use_file_output: Whether to return files in outputs as `FileOutput` objects (the
                    default) or as URLs.
                file_encoding_strategy: How to send files in inputs: `url` uploads them (the
                    default), `base64` inlines them, `auto` inlines files up to 64 KiB and uploads
                    larger ones.
                verify_uploads: Whether to compare the SHA-256 of each upload with the one in the
                    response. Defaults to False.
                require_https: Whether to refuse a `base_url` over plain http to a host other than
                    loopback. Defaults to False, which issues an `InsecureConnectionWarning` if
                    there is a token.
                on_abandon: What to do with a running prediction when its `run` or `stream` is
                    abandoned: `cancel` (the default) or `leave`.
                on_request: A function to call before each attempt of a request. It may change
                    `request.headers`. It runs in the context of the call, and for awaited methods
                    may be a coroutine function. Its exception ends the call.
                on_response: A function to call with the status and the headers of each response.
                on_retry: A function to call after a failed attempt that will be retried, before the
                    delay.
                log_bodies: Whether logs of the level `DEBUG` show the JSON bodies of requests and
                    responses, without secrets and long strings. Defaults to False.
                tracing: Whether to create OpenTelemetry spans and send `traceparent`, if the
                    program uses OpenTelemetry. Defaults to True.
                trace_content: Whether the spans of runs have the input and the output. Defaults to
                    False, or to `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`.
                proxy: The URL of a proxy for all requests: `http`, `https`, `socks5`, or `socks5h`,
                    which also resolves host names. Defaults to `HTTPS_PROXY` and the like.
                ca_bundle: The path of a PEM file, or of a folder of such files, with certificates
                    to trust in addition to those of the system: of authorities, or of a server.
                client_cert: The path of a file with a client certificate in PEM, and its private
                    key unless `client_key` has it.
                client_key: The path of a PEM file with the private key of `client_cert`.
                client_key_password: The password of the private key, if it is encrypted.
                http2: Whether to use HTTP/2 with servers that offer it. Defaults to True.
                max_connections: The maximum number of requests at a time; others wait. Over
                    HTTP/1.1, each has its own connection, and an event stream or download keeps it
                    until its end. Defaults to no limit.
                pool_idle_timeout: Seconds that an unused connection stays open. Defaults to 50.
                transport: What sends all HTTP requests instead of the built-in client: an httpx
                    transport (sync or async, including `httpx.MockTransport`) or a function that
                    takes a request and returns a response.
                http_client: An httpx client that sends all HTTP requests; used if `transport` is
                    not set. Its headers and query parameters are added to requests to the API,
                    unless this client sets them itself. Its cookies go to their domains, those
                    without one to the API.

        Raises:
            InvalidArgumentError: An option is malformed.
        """
        api_token = conceal(api_token)
        conceal_secrets(options)
        given = checked(Client.with_options, ClientOptions, options)
        transport = given.get("transport", given.get("http_client"))
        changes = core_options({**given, "api_token": api_token})
        return self._derive(type(self), changes, transport=transport, hooks=hooks_of(given))

    copy = with_options

    def _prediction(self, data: Dict[str, Any]) -> Prediction:
        return Prediction(data, self)

    @cached
    def predictions(self) -> Predictions:
        """Predictions: the runs of models."""
        return Predictions(self)

    @cached
    def models(self) -> Models:
        """Models and their versions."""
        from .model import Models

        return Models(self)

    @cached
    def files(self) -> Files:
        """Uploaded files, to use as inputs."""
        from .file import Files

        return Files(self)

    @cached
    def deployments(self) -> Deployments:
        """Deployments: models on hardware that you choose."""
        from .deployment import Deployments

        return Deployments(self)

    @cached
    def trainings(self) -> Trainings:
        """Trainings, which create new versions of models."""
        from .training import Trainings

        return Trainings(self)

    @cached
    def collections(self) -> Collections:
        """Collections of models."""
        from .collection import Collections

        return Collections(self)

    @cached
    def hardware(self) -> HardwareNamespace:
        """The hardware that models can run on."""
        from .hardware import HardwareNamespace

        return HardwareNamespace(self)

    @cached
    def accounts(self) -> Accounts:
        """The account of the API token."""
        from .account import Accounts

        return Accounts(self)

    @cached
    def account(self) -> Accounts:
        """An alias of `accounts`."""
        from .account import Accounts

        return Accounts(self)

    @cached
    def webhooks(self) -> Webhooks:
        """Webhooks: their validation and their signing secret."""
        from .webhook import Webhooks

        return Webhooks(self)

    def run(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[RunOptions],
    ) -> Any:
        """Runs a model and returns its output.

        Waits until the prediction has ended. If the call is abandoned (Ctrl-C, a canceled task, the
        timeout), the prediction is canceled. If the process ends while the API holds the create (up to 5 s),
        the prediction runs until its `cancel_after`. `wait=False` avoids the hold, and a `timeout` shortens
        `cancel_after`.

        `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then `GET /predictions/{id}` until
        it has ended. The first run of a pinned version also fetches its schema:
        `GET /models/{owner}/{name}/versions/{id}`.

        Args:
            ref: The model, as `owner/name`, `owner/name:version`, a version id or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `RunOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.
                webhook: An HTTPS URL that the API sends events of the prediction to.
                webhook_completed: An HTTPS URL that the API sends the `completed` event to; an
                    older form of `webhook`.
                webhook_events_filter: The events to send to the webhook: `start`, `output`, `logs`,
                    `completed`. Defaults to new output and the end.
                cancel_after: Seconds, or a duration such as `1m30s`, after which the API cancels
                    the prediction: 5 s to 24 h. Defaults to 5 s after the `timeout` of `run` and
                    `stream`, to 24 h without one, and to none for creates.
                wait: The maximum seconds that the API holds its response until the prediction ends,
                    at most 60. True asks for the API's maximum, False for no hold. Defaults to 5
                    for `run` and to False for creates.
                prefer: The same as a `Prefer` header: `wait` or `wait=5`.
                stream: Whether to request an event stream. Models that support streams need no such
                    request.
                timeout: Seconds until the call fails with `PredictionTimeoutError`. Defaults to no
                    limit.
                use_file_output: Whether to return files as `FileOutput` objects or as URLs.
                    Defaults to the option of the client.
                on_abandon: What to do with the running prediction when the call is abandoned:
                    `cancel` or `leave`. Defaults to the option of the client.
                interval: Seconds between polls. Defaults to the `poll_interval` of the client;
                    without one, polling is adaptive.
                on_update: A function to call with the prediction in each new state.
                progress: True shows bars, for uploads and for the progress in the model's logs; a
                    function is called with each new `Progress`.

        Returns:
            The output: text, numbers, lists and dictionaries, with a `FileOutput` for each file. If a version
            id is given and that version writes its output item by item, the call returns as soon as the
            prediction was created: `for`, `async for` and `next()` yield the items as they arrive, and every
            other use, such as `len()` or an index, waits for all of them. With `on_update` or `progress`, the
            call waits, and returns a list.

        Raises:
            ModelError: The prediction failed or was canceled; `error.prediction` is that prediction.
            PredictionTimeoutError: The timeout passed.
            UnprocessableEntityError: The API refused the input.
        """
        params = checked(Client.run, RunOptions, options)
        on_update, progress = params.pop("on_update", None), params.pop("progress", None)
        params["ref"], params["input"] = runnable(ref), {} if input is None else input
        if progress is True:
            params["report_uploads"] = True
        params["live"] = True
        seen = Prediction({}, self)._observer(on_update)
        with of_prediction(progress, reference(ref), seen) as observer:
            reply = self._call("run", params, observer)
        return output_of(self, reply)

    async def async_run(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[RunOptions],
    ) -> Any:
        """The async form of `run`."""
        params = checked(Client.run, RunOptions, options)
        on_update, progress = params.pop("on_update", None), params.pop("progress", None)
        params["ref"], params["input"] = runnable(ref), {} if input is None else input
        if progress is True:
            params["report_uploads"] = True
        params["live"] = True
        seen = Prediction({}, self)._observer(on_update)
        with of_prediction(progress, reference(ref), seen) as observer:
            reply = await self._async_call("run", params, observer)
        return output_of(self, reply, awaited=True)

    def use(
        self,
        ref: Reference,
        *,
        hint: Any = None,
        streaming: bool = False,
    ) -> Function:
        """Returns a model as a function of its inputs.

        Args:
            ref: The model, as `owner/name`, `owner/name:version` or an object.
            hint: A function with the signature of the model, for readers of the code; not used.
            streaming: Whether calls return an iterator over the output as it arrives.
        """
        from .use import Function

        return Function(self, ref, streaming)

    def stream(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[StreamOptions],
    ) -> EventStream:
        """Runs a model and yields the events of its output as they arrive.

        The first request is sent when the first event is requested. `str(event)` is the text of an event.

        `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then the event stream.

        Args:
            ref: The model, as `owner/name`, `owner/name:version`, a version id or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `StreamOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.
                webhook: An HTTPS URL that the API sends events of the prediction to.
                webhook_completed: An HTTPS URL that the API sends the `completed` event to; an
                    older form of `webhook`.
                webhook_events_filter: The events to send to the webhook: `start`, `output`, `logs`,
                    `completed`. Defaults to new output and the end.
                cancel_after: Seconds, or a duration such as `1m30s`, after which the API cancels
                    the prediction: 5 s to 24 h. Defaults to 5 s after the `timeout` of `run` and
                    `stream`, to 24 h without one, and to none for creates.
                wait: The maximum seconds that the API holds its response until the prediction ends,
                    at most 60. True asks for the API's maximum, False for no hold. Defaults to 5
                    for `run` and to False for creates.
                prefer: The same as a `Prefer` header: `wait` or `wait=5`.
                stream: Whether to request an event stream. Models that support streams need no such
                    request.
                timeout: Seconds until the call fails with `PredictionTimeoutError`. Defaults to no
                    limit.
                use_file_output: Whether to return files as `FileOutput` objects or as URLs.
                    Defaults to the option of the client.
                on_abandon: What to do with the running prediction when the call is abandoned:
                    `cancel` or `leave`. Defaults to the option of the client.

        Raises:
            StreamUnsupportedError: The model does not support streams.
            ModelError: The prediction failed.
            StreamInterruptedError: The stream broke and could not be resumed.
            PredictionTimeoutError: The timeout passed.
        """
        params = checked(Client.stream, StreamOptions, options)
        params["ref"], params["input"] = maybe_version(ref), {} if input is None else input
        return EventStream(self, "stream", params)

    def async_stream(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[StreamOptions],
    ) -> AwaitableStream:
        """The async form of `stream`."""
        params = checked(Client.stream, StreamOptions, options)
        params["ref"], params["input"] = maybe_version(ref), {} if input is None else input
        return AwaitableStream(self, "stream", params)

    def map(
        self,
        ref: Reference,
        rows: Union[Iterable[Row], AsyncIterable[Row]],
        *,
        input: Union[Callable[[Row], AsyncInput], str, None] = None,
        key: Union[Callable[[Row], Union[str, int]], str, None] = None,
        progress: ShowMap = None,
        drain: bool = False,
        **options: Unpack[MapOptions],
    ) -> MapResults[Row]:
        """Runs a model over many rows, many at a time, and returns the results as they end.

        Creates wait for their turn under the rate limit instead of failing with 429. Rows are read as they are needed.
        With a `checkpoint`, a batch that was interrupted, even by `kill -9`, continues where it stopped and creates no
        prediction twice.

        `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then `GET /predictions/{id}` until each has
        ended.

        Args:
            ref: The model, as `owner/name`, `owner/name:version`, a version id or an object.
            rows: The rows: any iterable, of any length; for `async for` also an async one.
            input: A function that returns the input of a row, or the name of the row's member with it. Defaults to the
                row itself. With `async for` it may be async.
            key: A function that returns the key of a row, or the name of its member: a string or an integer that no
                other row has. Defaults to the position of the row.
            progress: True shows a bar; a function is called with each `MapStats`.
            drain: Whether leaving the `with` block early waits for the running predictions instead of canceling them.
            options: See `MapOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.
                webhook: An HTTPS URL that the API sends events of the prediction to.
                webhook_completed: An HTTPS URL that the API sends the `completed` event to; an
                    older form of `webhook`.
                webhook_events_filter: The events to send to the webhook: `start`, `output`, `logs`,
                    `completed`. Defaults to new output and the end.
                cancel_after: Seconds, or a duration such as `1m30s`, after which the API cancels
                    the prediction: 5 s to 24 h. Defaults to 5 s after the `timeout` of `run` and
                    `stream`, to 24 h without one, and to none for creates.
                wait: The maximum seconds that the API holds its response until the prediction ends,
                    at most 60. True asks for the API's maximum, False for no hold. Defaults to 5
                    for `run` and to False for creates.
                prefer: The same as a `Prefer` header: `wait` or `wait=5`.
                stream: Whether to request an event stream. Models that support streams need no such
                    request.
                concurrency: How many predictions run at a time: 1 to 10,000. Defaults to 64.
                ordered: Whether to return results in the order of the rows. At most four times
                    `concurrency` results wait for an earlier row. Defaults to False: results are
                    returned as predictions end.
                errors: What to do with a row that fails: return it as an item with its error (the
                    default), raise the error, which cancels the running predictions, or leave it
                    out. An error that the checkpoint has is raised after they have finished;
                    `retries` runs such a row again.
                max_error_rate: The share of the last 50 rows that may fail, above 0. If more fail,
                    no more predictions are created, the running ones are finished, and the error is
                    raised. Defaults to no limit.
                retries: How many times to create the prediction of a row again after it failed.
                    Each is billed. After a content filter, an invalid input or a cancel, the
                    prediction is not created again. Defaults to 0.
                max_predictions: How many predictions to create at most. Then the running ones are
                    finished, and the results end; with a checkpoint, after the rows whose results
                    it has, or 1,000 others in a row. Defaults to no limit.
                max_seconds: The predict time that the API may meter, in seconds; running
                    predictions count with the mean of those that ended. At the limit, no more
                    predictions are created, the running ones finish, and the results end. No limit
                    by default.
                checkpoint: The path of a file that records each step of a row. A batch with the
                    same file returns the results that it has, waits for the predictions that were
                    created, and runs the remaining rows. Files on disk are compared by their names,
                    sizes, and the starts and ends of their contents, and other files by their first
                    MiB; a stream without `seek` needs a `key`.
                retry_unknown: Whether to create predictions again for rows whose outcome an earlier
                    process left unknown. Defaults to False: such rows are items with the status
                    `unknown`.
                save_to: A folder to which the files of each output are saved at once, because the
                    API deletes them after an hour. They are named after the keys of the rows, with
                    a hash if another batch has saved a file under the name. Outputs contain their
                    paths.
                timeout: Seconds that each prediction may take from its creation to its end. Then it
                    is canceled, and its row fails; a batch with the same checkpoint runs the row
                    again. Defaults to no limit.
                interval: Seconds between polls. Defaults to the `poll_interval` of the client;
                    without one, polling is adaptive.
                use_file_output: Whether to return files as `FileOutput` objects or as URLs.
                    Defaults to the option of the client.
                on_abandon: What to do with the running predictions when the results are closed
                    before their end: `cancel` or `leave`, which suits a checkpoint. Defaults to the
                    option of the client.

        Returns:
            The results, to iterate over with `for` or `async for`: a `MapItem` for each row. A row that fails is an item
            with an `error`. Use it as a context manager to end the batch with its block.

        Raises:
            InvalidArgumentError: An option is malformed, or the checkpoint belongs to another batch.
            FileNotWrittenError: The checkpoint cannot be written.
            AuthenticationError: The API refused the token. Like `PaymentRequiredError`, and `PermissionDeniedError` for a
                model that the token may not run, it follows the results of what ran.
        """
        params: Dict[str, Any] = checked(Client.map, MapOptions, options)
        params["ref"] = runnable(ref)
        return MapResults(
            self,
            params,
            rows,
            name=reference(ref),
            input=input,
            key=key,
            progress=progress,
            drain=drain,
        )

    def submit(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[CreateOptions],
    ) -> Handle:
        """Starts a model and returns a handle of the prediction without waiting for it.

        The prediction is never canceled on its own: neither when the call is abandoned nor when the process ends.

        `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            ref: The model, as `owner/name`, `owner/name:version`, a version id or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `CreateOptions`.
                file_encoding_strategy: How to send files in the input: `url` uploads them, `base64`
                    inlines them, `auto` inlines files up to 64 KiB and uploads larger ones.
                    Defaults to the option of the client.
                webhook: An HTTPS URL that the API sends events of the prediction to.
                webhook_completed: An HTTPS URL that the API sends the `completed` event to; an
                    older form of `webhook`.
                webhook_events_filter: The events to send to the webhook: `start`, `output`, `logs`,
                    `completed`. Defaults to new output and the end.
                cancel_after: Seconds, or a duration such as `1m30s`, after which the API cancels
                    the prediction: 5 s to 24 h. Defaults to 5 s after the `timeout` of `run` and
                    `stream`, to 24 h without one, and to none for creates.
                wait: The maximum seconds that the API holds its response until the prediction ends,
                    at most 60. True asks for the API's maximum, False for no hold. Defaults to 5
                    for `run` and to False for creates.
                prefer: The same as a `Prefer` header: `wait` or `wait=5`.
                stream: Whether to request an event stream. Models that support streams need no such
                    request.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        from .handle import Handle

        params = checked(Client.submit, CreateOptions, options)
        target = {"ref": maybe_version(ref), "input": {} if input is None else input}
        return Handle(self._call("submit", {**target, **params}), self)

    async def async_submit(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[CreateOptions],
    ) -> Handle:
        """The async form of `submit`."""
        from .handle import Handle

        params = checked(Client.submit, CreateOptions, options)
        target = {"ref": maybe_version(ref), "input": {} if input is None else input}
        return Handle(await self._async_call("submit", {**target, **params}), self)

    def handle(self, handle: Union[str, Dict[str, Any], Handle, Prediction]) -> Handle:
        """Returns the handle of a prediction. Sends no request.

        Args:
            handle: The id of the prediction, a handle as a dictionary or as JSON text, or the prediction.

        Raises:
            InvalidArgumentError: `handle` is none of these.
        """
        from .handle import handle_of

        return handle_of(self, handle)

    def save_all(
        self,
        outputs: Any,
        dir: Union[str, os.PathLike[str]],
        *,
        concurrency: Optional[int] = None,
        progress: ShowTransfer = None,
    ) -> List[str]:
        """Saves every file of an output into a folder, several at a time.

        Each file is named after its URL, with a number added if the name is taken. Existing files are not
        replaced, and a file appears only when it is complete.

        `GET` of the URL of each file.

        Args:
            outputs: An output of `run`, a prediction, or URLs, nested to any depth. A running prediction is
                waited for.
            dir: The folder; created if it does not exist.
            concurrency: How many files to download at a time, at most 64. Defaults to 4.
            progress: True shows a bar; a function is called with each `Transfer`, which counts the bytes of
                all files. Its total is None until the size of each file is known.

        Returns:
            The paths of the files, in the order of the output.

        Raises:
            ModelError: A running prediction failed or was canceled.
            ReplicateException: The error of the first file that could not be saved. The other files are
                saved; `error.partial` lists their paths.
        """
        outputs = self._complete(outputs)
        params = {"outputs": outputs, **drop_none(dir=os.fspath(dir), concurrency=concurrency)}
        with of_bytes(progress, params["dir"]) as observer:
            paths: List[str] = self._call("output.save_all", params, observer)
            return paths

    async def async_save_all(
        self,
        outputs: Any,
        dir: Union[str, os.PathLike[str]],
        *,
        concurrency: Optional[int] = None,
        progress: ShowTransfer = None,
    ) -> List[str]:
        """The async form of `save_all`."""
        outputs = await self._async_complete(outputs)
        params = {"outputs": outputs, **drop_none(dir=os.fspath(dir), concurrency=concurrency)}
        with of_bytes(progress, params["dir"]) as observer:
            paths: List[str] = await self._async_call("output.save_all", params, observer)
            return paths

    def search(self, query: str, *, limit: Optional[int] = None) -> SearchResults:
        """Searches models, collections and documentation.

        `GET /search`

        Args:
            query: The text to search for.
            limit: The maximum number of models, from 1 to 50. Defaults to 20.

        Raises:
            AuthenticationError: The API refused the token.
        """
        data = self._call("search", drop_none(query=query, limit=limit))
        return SearchResults(data, self)

    async def async_search(self, query: str, *, limit: Optional[int] = None) -> SearchResults:
        """The async form of `search`."""
        data = await self._async_call("search", drop_none(query=query, limit=limit))
        return SearchResults(data, self)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        data: Any = None,
    ) -> RawResponse:
        """Sends a request to any endpoint, including those without a method here.

        Args:
            method: The HTTP method.
            path: The path below the base URL, such as `/account`, or a complete URL.
            params: Query parameters.
            headers: Headers, in addition to those of the client.
            data: The body, sent as JSON; bytes are sent as they are.

        Raises:
            APIStatusError: The API responded with an error status.
        """
        sent = drop_none(
            method=method,
            path=path,
            params=None if params is None else dict(params),
            headers=None if headers is None else dict(headers),
            data=data,
        )
        return RawResponse(*self._call_raw("request", sent))

    async def async_request(
        self,
        method: str,
        path: str,
        *,
        params: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        data: Any = None,
    ) -> RawResponse:
        """The async form of `request`."""
        sent = drop_none(
            method=method,
            path=path,
            params=None if params is None else dict(params),
            headers=None if headers is None else dict(headers),
            data=data,
        )
        return RawResponse(*await self._async_call_raw("request", sent))

    def paginate(self, path: str) -> Stream[Any]:
        """Yields the pages of any list of the API as plain data.

        `GET` of `path`, then of the `next` of each page.

        Args:
            path: The path below the base URL, such as `/predictions`, or the `next` of a page.

        Raises:
            APIStatusError: The API responded with an error status.
        """
        return Stream(self._native, "paginate", self._with_options({"path": path}))

    def async_paginate(self, path: str) -> Stream[Any]:
        """The async form of `paginate`."""
        return Stream(self._native, "paginate", self._with_options({"path": path}))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections, except those that it shares with clients made by `with_options`.

        A closed client opens new ones when it is used again.
        """
        self._cached = None
        self.__dict__.pop("_scopes", None)

    async def async_close(self) -> None:
        """The async form of `close`."""
        self._cached = None
        self.__dict__.pop("_scopes", None)
