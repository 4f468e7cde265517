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
    from ._async.client import AsyncClient as AsyncClient
    from ._async.prediction import AsyncPrediction as AsyncPrediction
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
    from ._files import FileOutput as FileOutput
    from ._page import AsyncPage as AsyncPage
    from ._page import Page as Page
    from ._sync.client import Client as Client
    from ._sync.prediction import Prediction as Prediction

    __version__: str
    run = default_client.run
    async_run = default_client.async_run
    stream = default_client.stream
    async_stream = default_client.async_stream
    predictions = default_client.predictions
    models = default_client.models
    files = default_client.files
    deployments = default_client.deployments
    webhooks = default_client.webhooks

_MODULES = {
    "_native": ("__version__",),
    "_default": ("default_client",),
    "_sync.client": ("Client",),
    "_sync.prediction": ("Prediction",),
    "_async.client": ("AsyncClient",),
    "_async.prediction": ("AsyncPrediction",),
    "_page": ("Page", "AsyncPage"),
    "_events": ("EventStream", "EventType", "ServerSentEvent"),
    "_files": ("FileOutput",),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

# What the default client has, is had by the module as well.
_OF_CLIENT = (
    "run",
    "async_run",
    "stream",
    "async_stream",
    "predictions",
    "models",
    "files",
    "deployments",
    "webhooks",
)


def __getattr__(name: str) -> object:
    from importlib import import_module

    module = _WHERE.get(name)
    if module is not None:
        return getattr(import_module(f"{__name__}.{module}"), name)
    if name in _OF_CLIENT:
        from ._default import default_client

        return getattr(default_client, name)
    if name[0] != "_":
        from . import _errors

        if name in _errors.__all__:
            return getattr(_errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from . import _errors

    return sorted({*globals(), *_WHERE, *_OF_CLIENT, *_errors.__all__})
