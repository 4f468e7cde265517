"""Run machine-learning models on Replicate.

    import replicant

    output = replicant.run("black-forest-labs/flux-schnell", {"prompt": "a heron at dawn"})
    output[0].save("heron.webp")

The functions and namespaces of this module (`run`, `stream`, `predictions`, `models` ...) belong to a
default client. It is configured by the environment (`REPLICATE_API_TOKEN`, `REPLICATE_BASE_URL`) and built
on first use. `Client` and `AsyncClient` build other clients.
"""

from __future__ import annotations

# The names of this module by the modules that define them. Each is imported on first use, so importing this
# module takes less than a millisecond. `scripts/unasync.py` derives `__init__.pyi`, which editors and type
# checkers read, from these lists.
_NAMES = {
    "_native": "__version__",
    "_alias": "install_as_replicate",
    "_default": "default_client",
    "_options": "ClientOptions CreateOptions InputOptions MapOptions RequestOptions RunOptions StreamOptions WaitOptions",
    "_page": "AsyncPage Page async_paginate paginate",
    "_events": "EventStream EventType ServerSentEvent TextStream",
    "_map": "MapItem MapResults MapStats",
    "_progress": "Progress Transfer",
    "_files": "FileOutput URLPath get_path_url",
    "_response": "APIResponse RateLimit",
    "_rate_limits": "RateLimits RateLimitState",
    "_hooks": "RequestEvent ResponseEvent RetryEvent",
    "_warnings": "InsecureConnectionWarning",
    "_use": "use",
    "_refs": "ModelVersionIdentifier",
    "_objects": "Account File Hardware Version WebhookSigningSecret",
    "_sync.client": "Client",
    "_sync.handle": "Handle HandleEvent",
    "_sync.prediction": "Prediction",
    "_sync.model": "Model",
    "_sync.deployment": "Deployment",
    "_sync.training": "Training",
    "_sync.collection": "Collection",
    "_async.client": "AsyncClient",
    "_async.handle": "AsyncHandle AsyncHandleEvent",
    "_async.prediction": "AsyncPrediction",
    "_async.model": "AsyncModel",
    "_async.deployment": "AsyncDeployment",
    "_async.training": "AsyncTraining",
    "_async.collection": "AsyncCollection",
    "_errors": """
        ReplicateException ReplicateError
        APIError APIStatusError BadRequestError AuthenticationError PaymentRequiredError
        PermissionDeniedError NotFoundError ConflictError PayloadTooLargeError UnprocessableEntityError
        RateLimitError InternalServerError
        APIConnectionError APITimeoutError OutcomeUnknownError APIResponseValidationError
        InvalidArgumentError InvalidTypeError InputFileNotFoundError FileNotWrittenError FileTooLargeError
        UnsupportedError
        ModelError PredictionCanceledError PredictionAbortedError PredictionTimeoutError
        StreamInterruptedError StreamUnsupportedError DownloadError OutputExpiredError
        WebhookValidationError MissingWebhookHeaderError MissingWebhookBodyError InvalidSecretKeyError
        InvalidTimestampError InvalidSignatureError InternalError
    """,
}
_ALIASES = {"Replicate": "Client", "AsyncReplicate": "AsyncClient", "AsyncFileOutput": "FileOutput"}

# Methods and namespaces of the default client.
_FUNCTIONS = (
    "run",
    "async_run",
    "stream",
    "async_stream",
    "submit",
    "async_submit",
    "handle",
    "save_all",
    "async_save_all",
    "search",
    "async_search",
)
_NAMESPACES = (
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

# Submodules that need no import statement, as in replicate 1.x.
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
    "schema",
    "training",
    "version",
    "webhook",
)

_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(  # pyright: ignore[reportUnsupportedDunderAll]
    {*_MODULE_OF, *_ALIASES, *_FUNCTIONS, *_NAMESPACES} - {"__version__"}
)


def __getattr__(name: str) -> object:
    from importlib import import_module

    original = _ALIASES.get(name, name)
    found: object
    if original in _MODULE_OF:
        module = import_module(f"{__name__}.{_MODULE_OF[original]}")
        found = getattr(module, original)
        if _MODULE_OF[original] == "_options":
            from ._option_docs import add_docs

            add_docs(found)
    elif name in _FUNCTIONS or name in _NAMESPACES:
        from ._default import default_client

        found = getattr(default_client, name)
        if name in _NAMESPACES:
            return found
    elif name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Stored, so that the next access does not call this function.
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__", *_SUBMODULES} - {"annotations"})
