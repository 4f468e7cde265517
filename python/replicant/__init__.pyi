# Derived from __init__.py and _async/client.py by python/scripts/unasync.py: change that file, not this one.
"""Run machine-learning models on Replicate.

    import replicant

    output = replicant.run("black-forest-labs/flux-schnell", {"prompt": "a heron at dawn"})
    output[0].save("heron.webp")

The functions and namespaces of this module (`run`, `stream`, `predictions`, `models` ...) belong to a
default client. It is configured by the environment (`REPLICATE_API_TOKEN`, `REPLICATE_BASE_URL`) and built
on first use. `Client` and `AsyncClient` build other clients.
"""

from __future__ import annotations

import os
from typing import (
    Any,
    Dict,
    List,
    Optional,
    Union,
)

from . import client as client
from . import collection as collection
from . import deployment as deployment
from . import exceptions as exceptions
from . import file as file
from . import helpers as helpers
from . import identifier as identifier
from . import model as model
from . import pagination as pagination
from . import prediction as prediction
from . import resource as resource
from . import schema as schema
from . import training as training
from . import version as version
from . import webhook as webhook
from ._alias import install_as_replicate as install_as_replicate
from ._async.client import AsyncClient as AsyncClient
from ._async.collection import AsyncCollection as AsyncCollection
from ._async.deployment import AsyncDeployment as AsyncDeployment
from ._async.handle import AsyncHandle as AsyncHandle
from ._async.handle import AsyncHandleEvent as AsyncHandleEvent
from ._async.model import AsyncModel as AsyncModel
from ._async.prediction import AsyncPrediction as AsyncPrediction
from ._async.training import AsyncTraining as AsyncTraining
from ._default import default_client as default_client
from ._errors import APIConnectionError as APIConnectionError
from ._errors import APIError as APIError
from ._errors import APIResponseValidationError as APIResponseValidationError
from ._errors import APIStatusError as APIStatusError
from ._errors import APITimeoutError as APITimeoutError
from ._errors import AuthenticationError as AuthenticationError
from ._errors import BadRequestError as BadRequestError
from ._errors import ConflictError as ConflictError
from ._errors import DownloadError as DownloadError
from ._errors import FileNotWrittenError as FileNotWrittenError
from ._errors import FileTooLargeError as FileTooLargeError
from ._errors import InputFileNotFoundError as InputFileNotFoundError
from ._errors import InternalError as InternalError
from ._errors import InternalServerError as InternalServerError
from ._errors import InvalidArgumentError as InvalidArgumentError
from ._errors import InvalidSecretKeyError as InvalidSecretKeyError
from ._errors import InvalidSignatureError as InvalidSignatureError
from ._errors import InvalidTimestampError as InvalidTimestampError
from ._errors import InvalidTypeError as InvalidTypeError
from ._errors import MissingWebhookBodyError as MissingWebhookBodyError
from ._errors import MissingWebhookHeaderError as MissingWebhookHeaderError
from ._errors import ModelError as ModelError
from ._errors import NotFoundError as NotFoundError
from ._errors import OutcomeUnknownError as OutcomeUnknownError
from ._errors import OutputExpiredError as OutputExpiredError
from ._errors import PayloadTooLargeError as PayloadTooLargeError
from ._errors import PaymentRequiredError as PaymentRequiredError
from ._errors import PermissionDeniedError as PermissionDeniedError
from ._errors import PredictionAbortedError as PredictionAbortedError
from ._errors import PredictionCanceledError as PredictionCanceledError
from ._errors import PredictionTimeoutError as PredictionTimeoutError
from ._errors import RateLimitError as RateLimitError
from ._errors import ReplicateError as ReplicateError
from ._errors import ReplicateException as ReplicateException
from ._errors import StreamInterruptedError as StreamInterruptedError
from ._errors import StreamUnsupportedError as StreamUnsupportedError
from ._errors import UnprocessableEntityError as UnprocessableEntityError
from ._errors import UnsupportedError as UnsupportedError
from ._errors import WebhookValidationError as WebhookValidationError
from ._events import AwaitableStream
from ._events import EventStream as EventStream
from ._events import EventType as EventType
from ._events import ServerSentEvent as ServerSentEvent
from ._events import TextStream as TextStream
from ._files import FileOutput as FileOutput
from ._files import URLPath as URLPath
from ._files import get_path_url as get_path_url
from ._hooks import RequestEvent as RequestEvent
from ._hooks import ResponseEvent as ResponseEvent
from ._hooks import RetryEvent as RetryEvent
from ._map import MapItem as MapItem
from ._map import MapResults as MapResults
from ._map import MapStats as MapStats
from ._objects import Account as Account
from ._objects import File as File
from ._objects import Hardware as Hardware
from ._objects import SearchResults
from ._objects import Version as Version
from ._objects import WebhookSigningSecret as WebhookSigningSecret
from ._options import ClientOptions as ClientOptions
from ._options import CreateOptions as CreateOptions
from ._options import InputOptions as InputOptions
from ._options import MapOptions as MapOptions
from ._options import RequestOptions as RequestOptions
from ._options import RunOptions as RunOptions
from ._options import StreamOptions as StreamOptions
from ._options import Unpack
from ._options import WaitOptions as WaitOptions
from ._page import AsyncPage as AsyncPage
from ._page import Page as Page
from ._page import async_paginate as async_paginate
from ._page import paginate as paginate
from ._progress import Progress as Progress
from ._progress import ShowTransfer
from ._progress import Transfer as Transfer
from ._rate_limits import RateLimits as RateLimits
from ._rate_limits import RateLimitState as RateLimitState
from ._refs import ModelVersionIdentifier as ModelVersionIdentifier
from ._refs import Reference
from ._response import APIResponse as APIResponse
from ._response import RateLimit as RateLimit
from ._sync.account import Accounts
from ._sync.client import Client as Client
from ._sync.collection import Collection as Collection
from ._sync.collection import Collections
from ._sync.deployment import Deployment as Deployment
from ._sync.deployment import Deployments
from ._sync.file import Files
from ._sync.handle import Handle as Handle
from ._sync.handle import HandleEvent as HandleEvent
from ._sync.hardware import HardwareNamespace
from ._sync.model import Model as Model
from ._sync.model import Models
from ._sync.prediction import Prediction as Prediction
from ._sync.prediction import Predictions
from ._sync.training import Training as Training
from ._sync.training import Trainings
from ._sync.webhook import Webhooks
from ._use import use as use
from ._warnings import InsecureConnectionWarning as InsecureConnectionWarning

__version__: str
Replicate = Client
AsyncReplicate = AsyncClient
AsyncFileOutput = FileOutput
account: Accounts
"An alias of `accounts`."
accounts: Accounts
"The account of the API token."
collections: Collections
"Collections of models."
deployments: Deployments
"Deployments: models on hardware that you choose."
files: Files
"Uploaded files, to use as inputs."
hardware: HardwareNamespace
"The hardware that models can run on."
models: Models
"Models and their versions."
predictions: Predictions
"Predictions: the runs of models."
trainings: Trainings
"Trainings, which create new versions of models."
webhooks: Webhooks
"Webhooks: their validation and their signing secret."

def run(
    ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[RunOptions]
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

async def async_run(
    ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[RunOptions]
) -> Any:
    """The async form of `run`."""

def stream(
    ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[StreamOptions]
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

def async_stream(
    ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[StreamOptions]
) -> AwaitableStream:
    """The async form of `stream`."""

def submit(
    ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[CreateOptions]
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

async def async_submit(
    ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[CreateOptions]
) -> Handle:
    """The async form of `submit`."""

def handle(handle: Union[str, Dict[str, Any], Handle, Prediction]) -> Handle:
    """Returns the handle of a prediction. Sends no request.

    Args:
        handle: The id of the prediction, a handle as a dictionary or as JSON text, or the prediction.

    Raises:
        InvalidArgumentError: `handle` is none of these.
    """

def save_all(
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

async def async_save_all(
    outputs: Any,
    dir: Union[str, os.PathLike[str]],
    *,
    concurrency: Optional[int] = None,
    progress: ShowTransfer = None,
) -> List[str]:
    """The async form of `save_all`."""

def search(query: str, *, limit: Optional[int] = None) -> SearchResults:
    """Searches models, collections and documentation.

    `GET /search`

    Args:
        query: The text to search for.
        limit: The maximum number of models, from 1 to 50. Defaults to 20.

    Raises:
        AuthenticationError: The API refused the token.
    """

async def async_search(query: str, *, limit: Optional[int] = None) -> SearchResults:
    """The async form of `search`."""

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponse",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "Account",
    "AsyncClient",
    "AsyncCollection",
    "AsyncDeployment",
    "AsyncFileOutput",
    "AsyncHandle",
    "AsyncHandleEvent",
    "AsyncModel",
    "AsyncPage",
    "AsyncPrediction",
    "AsyncReplicate",
    "AsyncTraining",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ClientOptions",
    "Collection",
    "ConflictError",
    "CreateOptions",
    "Deployment",
    "DownloadError",
    "EventStream",
    "EventType",
    "File",
    "FileNotWrittenError",
    "FileOutput",
    "FileTooLargeError",
    "Handle",
    "HandleEvent",
    "Hardware",
    "InputFileNotFoundError",
    "InputOptions",
    "InsecureConnectionWarning",
    "InternalError",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidSecretKeyError",
    "InvalidSignatureError",
    "InvalidTimestampError",
    "InvalidTypeError",
    "MapItem",
    "MapOptions",
    "MapResults",
    "MapStats",
    "MissingWebhookBodyError",
    "MissingWebhookHeaderError",
    "Model",
    "ModelError",
    "ModelVersionIdentifier",
    "NotFoundError",
    "OutcomeUnknownError",
    "OutputExpiredError",
    "Page",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "Prediction",
    "PredictionAbortedError",
    "PredictionCanceledError",
    "PredictionTimeoutError",
    "Progress",
    "RateLimit",
    "RateLimitError",
    "RateLimitState",
    "RateLimits",
    "Replicate",
    "ReplicateError",
    "ReplicateException",
    "RequestEvent",
    "RequestOptions",
    "ResponseEvent",
    "RetryEvent",
    "RunOptions",
    "ServerSentEvent",
    "StreamInterruptedError",
    "StreamOptions",
    "StreamUnsupportedError",
    "TextStream",
    "Training",
    "Transfer",
    "URLPath",
    "UnprocessableEntityError",
    "UnsupportedError",
    "Version",
    "WaitOptions",
    "WebhookSigningSecret",
    "WebhookValidationError",
    "account",
    "accounts",
    "async_paginate",
    "async_run",
    "async_save_all",
    "async_search",
    "async_stream",
    "async_submit",
    "collections",
    "default_client",
    "deployments",
    "files",
    "get_path_url",
    "handle",
    "hardware",
    "install_as_replicate",
    "models",
    "paginate",
    "predictions",
    "run",
    "save_all",
    "search",
    "stream",
    "submit",
    "trainings",
    "use",
    "webhooks",
]
