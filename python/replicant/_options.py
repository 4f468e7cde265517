"""The options of clients, runs, streams, waits and creates, as types.

Each option is documented once, here: type checkers and editors show these texts, `unasync.py` copies them
into the docstrings of the methods that take the options, and `help(replicant.RunOptions)` prints them.
"""

# Without `from __future__ import annotations`: a TypedDict compiles each annotation that is text, which
# takes ten times as long as to evaluate it.

import os
import sys
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    List,
    Literal,
    Mapping,
    Optional,
    Sequence,
    Union,
)

from ._progress import ShowProgress

if TYPE_CHECKING or sys.version_info >= (3, 12) or "typing_extensions" not in sys.modules:
    from typing import TypedDict as TypedDict
else:
    # Before Python 3.12, pydantic refuses the one of `typing`. Not imported for that: most programs do not need it.
    from typing_extensions import TypedDict as TypedDict

if TYPE_CHECKING:
    from typing import Protocol

    from typing_extensions import Unpack as Unpack
elif sys.version_info >= (3, 11):
    from typing import Unpack as Unpack
else:

    class Unpack:
        """Stands for `typing.Unpack`, so that `typing.get_type_hints` works before Python 3.11."""

        def __class_getitem__(cls, options):
            return Any


FileEncodingStrategy = Literal["default", "url", "base64", "auto"]
"""How files in an input are sent: uploaded (`default`, `url`), inlined, or by their size."""

OnAbandon = Literal["cancel", "leave"]
"""What to do with a running prediction when its `run` or `stream` is abandoned."""

Status = Literal["starting", "processing", "succeeded", "failed", "canceled", "aborted"]
"""The statuses of a prediction or training; the last four are terminal."""

WebhookEvent = Literal["start", "output", "logs", "completed"]
"""The events that a webhook can receive."""

WebhookEvents = Union[Sequence[WebhookEvent], List[str]]
"""Which events a webhook receives. A list of any text is accepted, as in 1.x, and checked by the call."""

Observer = Optional[Callable[[Any], object]]
"""A function that is called with each new state of a prediction."""


if TYPE_CHECKING:
    from ._hooks import RequestEvent, ResponseEvent, RetryEvent

    class HttpxTimeout(Protocol):
        """A timeout with a limit for each phase, such as `httpx.Timeout`."""

        @property
        def connect(self) -> Any: ...
        @property
        def read(self) -> Any: ...

else:
    # Imported on first use: most programs have no hooks.
    RequestEvent = ResponseEvent = RetryEvent = Any
    HttpxTimeout = Any


class RequestOptions(TypedDict, total=False):
    """Options of requests, which `with_options()` changes without opening new connections."""

    timeout: Union[float, HttpxTimeout, None]
    """Seconds that a request may take with all its retries, in addition to `wait`; during an upload or
    download, seconds without progress. An `httpx.Timeout` sets the limits for connecting and reading. Without
    this option, each attempt may take 60 seconds."""
    max_retries: Optional[int]
    """The maximum number of retries of a request that is safe to repeat. Defaults to 5."""
    headers: Optional[Mapping[str, str]]
    """Additional headers of each request to the API."""
    default_headers: Optional[Mapping[str, str]]
    """An alias of `headers`."""
    default_query: Optional[Mapping[str, Any]]
    """Additional query parameters of each request to the API."""


class ClientOptions(RequestOptions, total=False):
    """Options of `Client`, `AsyncClient` and `with_options()`."""

    base_url: Optional[str]
    """The URL of the API. Defaults to `REPLICATE_BASE_URL`, otherwise `https://api.replicate.com/v1`."""
    bearer_token: Optional[str]
    """An alias of `api_token`."""
    user_agent: Optional[str]
    """The `User-Agent` header. Defaults to `replicant/<version>`."""
    connect_timeout: Optional[float]
    """Seconds that connecting may take. Defaults to 10."""
    idle_timeout: Optional[float]
    """Seconds without a byte, including keep-alive comments, after which an event stream is resumed. Defaults
    to 300."""
    max_response_size: Optional[int]
    """The size of the longest response to read, in bytes; longer ones raise `APIResponseValidationError`. Does
    not apply to files and event streams. Defaults to 64 MiB."""
    rate_limit: Optional[float]
    """The maximum number of predictions to create per minute, with up to a second's worth at once. Defaults to what
    the API allows, which the client learns from responses: requests wait for their turn instead of failing with 429.
    None switches this off, so that each request is retried on its own."""
    poll_interval: Optional[float]
    """Seconds between polls of a running prediction. Defaults to `REPLICATE_POLL_INTERVAL`, otherwise adaptive."""
    use_file_output: Optional[bool]
    """Whether to return files in outputs as `FileOutput` objects (the default) or as URLs."""
    file_encoding_strategy: Optional[FileEncodingStrategy]
    """How to send files in inputs: `url` uploads them (the default), `base64` inlines them, `auto` inlines
    files up to 64 KiB and uploads larger ones."""
    verify_uploads: Optional[bool]
    """Whether to compare the SHA-256 of each upload with the one in the response. Defaults to False."""
    require_https: Optional[bool]
    """Whether to refuse a `base_url` over plain http to a host other than loopback. Defaults to False, which issues
    an `InsecureConnectionWarning` if there is a token."""
    on_abandon: Optional[OnAbandon]
    """What to do with a running prediction when its `run` or `stream` is abandoned: `cancel` (the default) or
    `leave`."""
    on_request: Optional[Callable[[RequestEvent], object]]
    """A function to call before each attempt of a request. It may change `request.headers`. It runs in the
    context of the call, and for awaited methods may be a coroutine function. Its exception ends the call."""
    on_response: Optional[Callable[[ResponseEvent], object]]
    """A function to call with the status and the headers of each response."""
    on_retry: Optional[Callable[[RetryEvent], object]]
    """A function to call after a failed attempt that will be retried, before the delay."""
    log_bodies: Optional[bool]
    """Whether logs of the level `DEBUG` show the JSON bodies of requests and responses, without secrets and
    long strings. Defaults to False."""
    tracing: Optional[bool]
    """Whether to create OpenTelemetry spans and send `traceparent`, if the program uses OpenTelemetry. Defaults
    to True."""
    trace_content: Optional[bool]
    """Whether the spans of runs have the input and the output. Defaults to False, or to
    `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`."""
    proxy: Optional[str]
    """The URL of a proxy for all requests: `http`, `https`, `socks5`, or `socks5h`, which also resolves host
    names. Defaults to `HTTPS_PROXY` and the like."""
    ca_bundle: Union[str, os.PathLike[str], None]
    """The path of a PEM file, or of a folder of such files, with certificates to trust in addition to those of
    the system: of authorities, or of a server."""
    client_cert: Union[str, os.PathLike[str], None]
    """The path of a file with a client certificate in PEM, and its private key unless
    `client_key` has it."""
    client_key: Union[str, os.PathLike[str], None]
    """The path of a PEM file with the private key of `client_cert`."""
    client_key_password: Optional[str]
    """The password of the private key, if it is encrypted."""
    http2: Optional[bool]
    """Whether to use HTTP/2 with servers that offer it. Defaults to True."""
    max_connections: Optional[int]
    """The maximum number of requests at a time; others wait. Over HTTP/1.1, each has its own connection, and
    an event stream or download keeps it until its end. Defaults to no limit."""
    pool_idle_timeout: Optional[float]
    """Seconds that an unused connection stays open. Defaults to 50."""
    transport: Any
    """What sends all HTTP requests instead of the built-in client: an httpx transport (sync or async,
    including `httpx.MockTransport`) or a function that takes a request and returns a response."""
    http_client: Any
    """An httpx client that sends all HTTP requests; used if `transport` is not set. Its headers and query
    parameters are added to requests to the API, unless this client sets them itself. Its cookies go to their
    domains, those without one to the API."""


class InputOptions(TypedDict, total=False):
    """How an input is sent."""

    file_encoding_strategy: Optional[FileEncodingStrategy]
    """How to send files in the input: `url` uploads them, `base64` inlines them, `auto` inlines files up to
    64 KiB and uploads larger ones. Defaults to the option of the client."""


class CreateOptions(InputOptions, total=False):
    """Options of `predictions.create()` and its variants for models and deployments."""

    webhook: Optional[str]
    """An HTTPS URL that the API sends events of the prediction to."""
    webhook_completed: Optional[str]
    """An HTTPS URL that the API sends the `completed` event to; an older form of `webhook`."""
    webhook_events_filter: Optional[WebhookEvents]
    """The events to send to the webhook: `start`, `output`, `logs`, `completed`. Defaults to new
    output and the end."""
    cancel_after: Union[float, str, None]
    """Seconds, or a duration such as `1m30s`, after which the API cancels the prediction: 5 s to 24 h. Defaults
    to 5 s after the `timeout` of `run` and `stream`, to 24 h without one, and to none for creates."""
    wait: Union[bool, float, None]
    """The maximum seconds that the API holds its response until the prediction ends, at most 60. True asks for
    the API's maximum, False for no hold. Defaults to 5 for `run` and to False for creates."""
    prefer: Optional[str]
    """The same as a `Prefer` header: `wait` or `wait=5`."""
    stream: Optional[bool]
    """Whether to request an event stream. Models that support streams need no such request."""


class WaitOptions(TypedDict, total=False):
    """Options of waiting for a prediction."""

    timeout: Optional[float]
    """Seconds until the call fails with `PredictionTimeoutError`. Defaults to no limit."""
    interval: Optional[float]
    """Seconds between polls. Defaults to the `poll_interval` of the client; without one, polling is adaptive."""
    on_update: Observer
    """A function to call with the prediction in each new state."""
    progress: ShowProgress
    """True shows bars, for uploads and for the progress in the model's logs; a function is called with each
    new `Progress`."""


class StreamOptions(CreateOptions, total=False):
    """Options of `stream()`."""

    timeout: Optional[float]
    """Seconds until the call fails with `PredictionTimeoutError`. Defaults to no limit."""
    use_file_output: Optional[bool]
    """Whether to return files as `FileOutput` objects or as URLs. Defaults to the option of the client."""
    on_abandon: Optional[OnAbandon]
    """What to do with the running prediction when the call is abandoned: `cancel` or `leave`. Defaults to the
    option of the client."""


class RunOptions(StreamOptions, WaitOptions, total=False):
    """Options of `run()`."""


class MapOptions(CreateOptions, total=False):
    """Options of `map()`."""

    concurrency: Optional[int]
    """How many predictions run at a time: 1 to 10,000. Defaults to 64."""
    ordered: Optional[bool]
    """Whether to return results in the order of the rows. At most four times `concurrency` results wait for an earlier
    row. Defaults to False: results are returned as predictions end."""
    errors: Optional[Literal["return", "raise", "skip"]]
    """What to do with a row that fails: return it as an item with its error (the default), raise the error, which cancels
    the running predictions, or leave it out. An error that the checkpoint has is raised after they have finished; `retries`
    runs such a row again."""
    max_error_rate: Optional[float]
    """The share of the last 50 rows that may fail, above 0. If more fail, no more predictions are created, the running ones
    are finished, and the error is raised. Defaults to no limit."""
    retries: Optional[int]
    """How many times to create the prediction of a row again after it failed. Each is billed. After a content filter, an
    invalid input or a cancel, the prediction is not created again. Defaults to 0."""
    max_predictions: Optional[int]
    """How many predictions to create at most. Then the running ones are finished, and the results end; with a checkpoint,
    after the rows whose results it has, or 1,000 others in a row. Defaults to no limit."""
    max_seconds: Optional[float]
    """The predict time that the API may meter, in seconds; running predictions count with the mean of those that ended.
    At the limit, no more predictions are created, the running ones finish, and the results end. No limit by default."""
    checkpoint: Union[str, os.PathLike[str], None]
    """The path of a file that records each step of a row. A batch with the same file returns the results that it has, waits
    for the predictions that were created, and runs the remaining rows. Files on disk are compared by their names, sizes, and
    the starts and ends of their contents, and other files by their first MiB; a stream without `seek` needs a `key`."""
    retry_unknown: Optional[bool]
    """Whether to create predictions again for rows whose outcome an earlier process left unknown. Defaults to False: such
    rows are items with the status `unknown`."""
    save_to: Union[str, os.PathLike[str], None]
    """A folder to which the files of each output are saved at once, because the API deletes them after an hour. They are
    named after the keys of the rows, with a hash if another batch has saved a file under the name. Outputs contain their
    paths."""
    timeout: Optional[float]
    """Seconds that each prediction may take from its creation to its end. Then it is canceled, and its row fails; a batch
    with the same checkpoint runs the row again. Defaults to no limit."""
    interval: Optional[float]
    """Seconds between polls. Defaults to the `poll_interval` of the client; without one, polling is adaptive."""
    use_file_output: Optional[bool]
    """Whether to return files as `FileOutput` objects or as URLs. Defaults to the option of the client."""
    on_abandon: Optional[OnAbandon]
    """What to do with the running predictions when the results are closed before their end: `cancel` or `leave`, which
    suits a checkpoint. Defaults to the option of the client."""
