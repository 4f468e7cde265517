"""Run machine-learning models on Replicate.

    import replicant

    output = replicant.run("black-forest-labs/flux-schnell", {"prompt": "a heron at dawn"})
    output[0].save("heron.webp")

The functions and namespaces of this module (`run`, `stream`, `predictions`, `models` ...) are those
of a client that is made when it is first needed, with the options of the environment
(`REPLICATE_API_TOKEN`, `REPLICATE_BASE_URL`). `Client` and `AsyncClient` make others.
"""

from __future__ import annotations

# Everything is imported when it is first used: importing this module takes about a millisecond.
TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from . import training as training
    from . import version as version
    from . import webhook as webhook
    from ._alias import install_as_replicate as install_as_replicate
    from ._async.client import AsyncClient as AsyncClient
    from ._async.collection import AsyncCollection as AsyncCollection
    from ._async.deployment import AsyncDeployment as AsyncDeployment
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
    from ._errors import WebhookValidationError as WebhookValidationError
    from ._events import EventStream as EventStream
    from ._events import EventType as EventType
    from ._events import ServerSentEvent as ServerSentEvent
    from ._events import TextStream as TextStream
    from ._files import FileOutput as FileOutput
    from ._files import URLPath as URLPath
    from ._files import get_path_url as get_path_url
    from ._functions import async_run as async_run
    from ._functions import async_save_all as async_save_all
    from ._functions import async_search as async_search
    from ._functions import async_stream as async_stream
    from ._functions import run as run
    from ._functions import save_all as save_all
    from ._functions import search as search
    from ._functions import stream as stream
    from ._objects import Account as Account
    from ._objects import File as File
    from ._objects import Hardware as Hardware
    from ._objects import Version as Version
    from ._objects import WebhookSigningSecret as WebhookSigningSecret
    from ._page import AsyncPage as AsyncPage
    from ._page import Page as Page
    from ._page import async_paginate as async_paginate
    from ._page import paginate as paginate
    from ._progress import Progress as Progress
    from ._progress import Transfer as Transfer
    from ._refs import ModelVersionIdentifier as ModelVersionIdentifier
    from ._response import APIResponse as APIResponse
    from ._sync.account import Accounts as _Accounts
    from ._sync.client import Client as Client
    from ._sync.collection import Collection as Collection
    from ._sync.collection import Collections as _Collections
    from ._sync.deployment import Deployment as Deployment
    from ._sync.deployment import Deployments as _Deployments
    from ._sync.file import Files as _Files
    from ._sync.hardware import HardwareNamespace as _HardwareNamespace
    from ._sync.model import Model as Model
    from ._sync.model import Models as _Models
    from ._sync.prediction import Prediction as Prediction
    from ._sync.prediction import Predictions as _Predictions
    from ._sync.training import Training as Training
    from ._sync.training import Trainings as _Trainings
    from ._sync.webhook import Webhooks as _Webhooks
    from ._use import use as use

    __version__: str
    Replicate = Client
    AsyncReplicate = AsyncClient
    AsyncFileOutput = FileOutput
    account: _Accounts = default_client.account
    accounts: _Accounts = default_client.accounts
    collections: _Collections = default_client.collections
    deployments: _Deployments = default_client.deployments
    files: _Files = default_client.files
    hardware: _HardwareNamespace = default_client.hardware
    models: _Models = default_client.models
    predictions: _Predictions = default_client.predictions
    trainings: _Trainings = default_client.trainings
    webhooks: _Webhooks = default_client.webhooks

_MODULES = {
    "_native": ("__version__",),
    "_alias": ("install_as_replicate",),
    "_default": ("default_client",),
    "_page": (
        "AsyncPage",
        "Page",
        "async_paginate",
        "paginate",
    ),
    "_events": (
        "EventStream",
        "EventType",
        "ServerSentEvent",
        "TextStream",
    ),
    "_progress": ("Progress", "Transfer"),
    "_files": ("FileOutput", "URLPath", "get_path_url"),
    "_response": ("APIResponse",),
    "_use": ("use",),
    "_functions": (
        "run",
        "async_run",
        "stream",
        "async_stream",
        "save_all",
        "async_save_all",
        "search",
        "async_search",
    ),
    "_refs": ("ModelVersionIdentifier",),
    "_objects": (
        "Account",
        "File",
        "Hardware",
        "Version",
        "WebhookSigningSecret",
    ),
    "_sync.client": ("Client",),
    "_sync.prediction": ("Prediction",),
    "_sync.model": ("Model",),
    "_sync.deployment": ("Deployment",),
    "_sync.training": ("Training",),
    "_sync.collection": ("Collection",),
    "_async.client": ("AsyncClient",),
    "_async.prediction": ("AsyncPrediction",),
    "_async.model": ("AsyncModel",),
    "_async.deployment": ("AsyncDeployment",),
    "_async.training": ("AsyncTraining",),
    "_async.collection": ("AsyncCollection",),
    "_errors": (
        "ReplicateException",
        "ReplicateError",
        "APIError",
        "APIStatusError",
        "BadRequestError",
        "AuthenticationError",
        "PaymentRequiredError",
        "PermissionDeniedError",
        "NotFoundError",
        "ConflictError",
        "PayloadTooLargeError",
        "UnprocessableEntityError",
        "RateLimitError",
        "InternalServerError",
        "APIConnectionError",
        "APITimeoutError",
        "OutcomeUnknownError",
        "APIResponseValidationError",
        "InvalidArgumentError",
        "InputFileNotFoundError",
        "FileNotWrittenError",
        "FileTooLargeError",
        "ModelError",
        "PredictionCanceledError",
        "PredictionAbortedError",
        "PredictionTimeoutError",
        "StreamInterruptedError",
        "StreamUnsupportedError",
        "DownloadError",
        "OutputExpiredError",
        "WebhookValidationError",
        "MissingWebhookHeaderError",
        "MissingWebhookBodyError",
        "InvalidSecretKeyError",
        "InvalidTimestampError",
        "InvalidSignatureError",
        "InternalError",
    ),
}
_WHERE = {name: (module, name) for module, names in _MODULES.items() for name in names}
_WHERE["Replicate"] = _WHERE["Client"]
_WHERE["AsyncReplicate"] = _WHERE["AsyncClient"]
_WHERE["AsyncFileOutput"] = _WHERE["FileOutput"]

# What the default client has, the module has as well.
_OF_CLIENT = (
    "account",
    "accounts",
    "collections",
    "deployments",
    "files",
    "hardware",
    "models",
    "predictions",
    "trainings",
    "webhooks",
)

# Modules that are there without an import of their own, as in replicate 1.x.
_SUBMODULES = (
    "client",
    "collection",
    "deployment",
    "exceptions",
    "file",
    "helpers",
    "identifier",
    "model",
    "pagination",
    "prediction",
    "resource",
    "training",
    "version",
    "webhook",
)

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "Account",
    "AsyncClient",
    "AsyncCollection",
    "AsyncDeployment",
    "AsyncFileOutput",
    "AsyncModel",
    "AsyncPage",
    "AsyncPrediction",
    "AsyncReplicate",
    "AsyncTraining",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "Collection",
    "ConflictError",
    "Deployment",
    "DownloadError",
    "EventStream",
    "EventType",
    "File",
    "FileOutput",
    "FileNotWrittenError",
    "FileTooLargeError",
    "Hardware",
    "InputFileNotFoundError",
    "InternalError",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidSecretKeyError",
    "InvalidSignatureError",
    "InvalidTimestampError",
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
    "RateLimitError",
    "Replicate",
    "ReplicateError",
    "ReplicateException",
    "ServerSentEvent",
    "StreamInterruptedError",
    "StreamUnsupportedError",
    "TextStream",
    "Training",
    "Transfer",
    "UnprocessableEntityError",
    "Version",
    "WebhookSigningSecret",
    "WebhookValidationError",
    "account",
    "accounts",
    "async_paginate",
    "async_run",
    "async_save_all",
    "async_search",
    "async_stream",
    "collections",
    "default_client",
    "deployments",
    "files",
    "hardware",
    "install_as_replicate",
    "models",
    "paginate",
    "predictions",
    "run",
    "save_all",
    "search",
    "stream",
    "trainings",
    "webhooks",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _WHERE:
        module, attribute = _WHERE[name]
        found: object = getattr(import_module(f"{__name__}.{module}"), attribute)
        # Kept, so that this function is not asked again.
        globals()[name] = found
        return found
    if name in _OF_CLIENT:
        from ._default import default_client

        return getattr(default_client, name)
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(
        {*globals(), *_WHERE, *_OF_CLIENT, *_SUBMODULES} - {"TYPE_CHECKING", "annotations"}
    )
