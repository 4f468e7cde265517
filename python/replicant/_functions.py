# Derived from _async/client.py by python/scripts/unasync.py: change that file, not this one.
"""The functions of the module itself, which are those of the default client."""

from __future__ import annotations

import os
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Union

from ._base import Observer
from ._default import default_client
from ._events import AwaitableStream, EventStream
from ._objects import SearchResults
from ._options import FileEncodingStrategy, OnAbandon, WebhookEvent
from ._progress import ShowProgress, ShowTransfer
from ._refs import Reference


def run(
    ref: Reference,
    input: Optional[Dict[str, Any]] = None,
    *,
    use_file_output: Optional[bool] = None,
    wait: Optional[Union[bool, float]] = None,
    prefer: Optional[str] = None,
    timeout: Optional[float] = None,
    interval: Optional[float] = None,
    webhook: Optional[str] = None,
    webhook_completed: Optional[str] = None,
    webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
    cancel_after: Optional[Union[float, str]] = None,
    file_encoding_strategy: Optional[FileEncodingStrategy] = None,
    on_abandon: Optional[OnAbandon] = None,
    on_update: Observer = None,
    progress: ShowProgress = None,
    **unknown: NoReturn,
) -> Any:
    """Run a model and give its output.

    It waits until the model has ended, however long that takes. If this is interrupted (Ctrl-C, a
    canceled task, the timeout), the prediction is canceled, too.

    `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then
    `GET /predictions/{id}` as often as needed. The first run of a pinned version fetches its schema:
    `GET /models/{owner}/{name}/versions/{id}`.

    Args:
        ref: the model, as `owner/name`, `owner/name:version`, a version id or an object.
        input: what the model is given; files, paths and bytes in it are uploaded.
        use_file_output: whether files come as `FileOutput` (the default) or as URLs.
        wait: how many seconds the API holds the first answer back, 60 at most; True for as long
            as it likes; False to only poll; without it, 5. A prediction that is given up
            meanwhile is canceled when that time has passed.
        prefer: the same as a header: `wait` or `wait=5`.
        timeout: how many seconds all of this may take; without it, as long as it takes.
        interval: how many seconds lie between two looks; without it, they are chosen.
        webhook: an https URL that events about the prediction are sent to.
        webhook_completed: an https URL that the end is sent to.
        webhook_events_filter: which events are sent: `start`, `output`, `logs`, `completed`.
        cancel_after: after how many seconds (or a duration such as `1m30s`) it is canceled.
        file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.
        on_abandon: `cancel` or `leave` the prediction if this is broken off.
        on_update: called with the prediction each time its state was seen.
        progress: True shows bars, for the files that go up and by the progress bar in the model's
            logs; a function is called with each such `Progress`.

    Returns:
        What the model gave: text, numbers, lists, dictionaries, with a `FileOutput` for a file. A list also
        supports `async for` and `next()`. For a version that writes its output item by item, this returns
        at once: iterating over the list yields the items as they come, and everything else waits for all
        of them, unless `on_update` or `progress` is given.

    Raises:
        ModelError: the prediction failed or was canceled; the error has the prediction.
        PredictionTimeoutError: the time passed.
        UnprocessableEntityError: the input does not fit the model.
    """
    return default_client.run(
        ref,
        input,
        use_file_output=use_file_output,
        wait=wait,
        prefer=prefer,
        timeout=timeout,
        interval=interval,
        webhook=webhook,
        webhook_completed=webhook_completed,
        webhook_events_filter=webhook_events_filter,
        cancel_after=cancel_after,
        file_encoding_strategy=file_encoding_strategy,
        on_abandon=on_abandon,
        on_update=on_update,
        progress=progress,
        **unknown,
    )


async def async_run(
    ref: Reference,
    input: Optional[Dict[str, Any]] = None,
    *,
    use_file_output: Optional[bool] = None,
    wait: Optional[Union[bool, float]] = None,
    prefer: Optional[str] = None,
    timeout: Optional[float] = None,
    interval: Optional[float] = None,
    webhook: Optional[str] = None,
    webhook_completed: Optional[str] = None,
    webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
    cancel_after: Optional[Union[float, str]] = None,
    file_encoding_strategy: Optional[FileEncodingStrategy] = None,
    on_abandon: Optional[OnAbandon] = None,
    on_update: Observer = None,
    progress: ShowProgress = None,
    **unknown: NoReturn,
) -> Any:
    """The awaitable form of `run`."""
    return await default_client.async_run(
        ref,
        input,
        use_file_output=use_file_output,
        wait=wait,
        prefer=prefer,
        timeout=timeout,
        interval=interval,
        webhook=webhook,
        webhook_completed=webhook_completed,
        webhook_events_filter=webhook_events_filter,
        cancel_after=cancel_after,
        file_encoding_strategy=file_encoding_strategy,
        on_abandon=on_abandon,
        on_update=on_update,
        progress=progress,
        **unknown,
    )


def stream(
    ref: Reference,
    input: Optional[Dict[str, Any]] = None,
    *,
    use_file_output: Optional[bool] = None,
    timeout: Optional[float] = None,
    webhook: Optional[str] = None,
    webhook_completed: Optional[str] = None,
    webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
    cancel_after: Optional[Union[float, str]] = None,
    file_encoding_strategy: Optional[FileEncodingStrategy] = None,
    cancel_on_close: Optional[bool] = None,
    on_abandon: Optional[OnAbandon] = None,
    **unknown: NoReturn,
) -> EventStream:
    """Run a model and give its output as it comes.

    Nothing is sent before the first event is asked for. `str()` of an event gives its text.

    `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then the event stream.

    Args:
        ref: the model, as `owner/name`, `owner/name:version`, a version id or an object.
        input: what the model is given; files, paths and bytes in it are uploaded.
        use_file_output: whether files come as `FileOutput` (the default) or as URLs.
        timeout: how many seconds all of this may take; without it, as long as it takes.
        webhook: an https URL that events about the prediction are sent to.
        webhook_completed: an https URL that the end is sent to.
        webhook_events_filter: which events are sent: `start`, `output`, `logs`, `completed`.
        cancel_after: after how many seconds (or a duration such as `1m30s`) it is canceled.
        file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.
        cancel_on_close: whether closing the stream early cancels the prediction.
        on_abandon: `cancel` or `leave` the prediction if this is broken off.

    Raises:
        StreamUnsupportedError: the model has no events.
        ModelError: the prediction failed.
        StreamInterruptedError: the stream broke and could not be taken up again.
        PredictionTimeoutError: the time passed.
    """
    return default_client.stream(
        ref,
        input,
        use_file_output=use_file_output,
        timeout=timeout,
        webhook=webhook,
        webhook_completed=webhook_completed,
        webhook_events_filter=webhook_events_filter,
        cancel_after=cancel_after,
        file_encoding_strategy=file_encoding_strategy,
        cancel_on_close=cancel_on_close,
        on_abandon=on_abandon,
        **unknown,
    )


def async_stream(
    ref: Reference,
    input: Optional[Dict[str, Any]] = None,
    *,
    use_file_output: Optional[bool] = None,
    timeout: Optional[float] = None,
    webhook: Optional[str] = None,
    webhook_completed: Optional[str] = None,
    webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
    cancel_after: Optional[Union[float, str]] = None,
    file_encoding_strategy: Optional[FileEncodingStrategy] = None,
    cancel_on_close: Optional[bool] = None,
    on_abandon: Optional[OnAbandon] = None,
    **unknown: NoReturn,
) -> AwaitableStream:
    """The awaitable form of `stream`."""
    return default_client.async_stream(
        ref,
        input,
        use_file_output=use_file_output,
        timeout=timeout,
        webhook=webhook,
        webhook_completed=webhook_completed,
        webhook_events_filter=webhook_events_filter,
        cancel_after=cancel_after,
        file_encoding_strategy=file_encoding_strategy,
        cancel_on_close=cancel_on_close,
        on_abandon=on_abandon,
        **unknown,
    )


def save_all(
    outputs: Any,
    dir: Union[str, os.PathLike[str]],
    *,
    concurrency: Optional[int] = None,
    progress: ShowTransfer = None,
) -> List[str]:
    """Save every file of an output into a folder, several at a time.

    A file is called what its URL calls it; where that name is taken, a number is added. No file
    is replaced, and each appears when it is complete.

    Args:
        outputs: what `run` gave, a prediction, or URLs, however deep they stand.
        dir: the folder; it is made if need be.
        concurrency: how many files are fetched at a time, 64 at most; 4 by default.
        progress: True shows a bar; a function is called with each `Transfer`, which counts the bytes
            of all files together; its total is None until the size of each is known.

    Returns:
        The paths, in the order of the output.

    Raises:
        ReplicateException: what kept the first of those that could not be saved. The others are
            saved all the same, and `partial` has their paths.
    """
    return default_client.save_all(outputs, dir, concurrency=concurrency, progress=progress)


async def async_save_all(
    outputs: Any,
    dir: Union[str, os.PathLike[str]],
    *,
    concurrency: Optional[int] = None,
    progress: ShowTransfer = None,
) -> List[str]:
    """The awaitable form of `save_all`."""
    return await default_client.async_save_all(
        outputs, dir, concurrency=concurrency, progress=progress
    )


def search(query: str, *, limit: Optional[int] = None) -> SearchResults:
    """Find models, collections and pages of documentation.

    `GET /search`

    Args:
        query: what to look for.
        limit: how many models to give at most, from 1 to 50; without it, 20.
    """
    return default_client.search(query, limit=limit)


async def async_search(query: str, *, limit: Optional[int] = None) -> SearchResults:
    """The awaitable form of `search`."""
    return await default_client.async_search(query, limit=limit)
