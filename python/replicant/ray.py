"""Batches on a Ray cluster: a model over the rows of a Ray dataset.

    import ray
    import replicant.ray

    rows = ray.data.read_csv("rows.csv")
    captions = replicant.ray.predict(rows, "acme/captioner", input=lambda row: {"image": row["url"]}, key="id")
    captions.write_parquet("captions")

`pip install 'replicant[ray]'`. The token is read from the environment of the workers.
"""

from __future__ import annotations

import asyncio
import importlib
import math
import os
import uuid
from contextlib import suppress
from typing import Any, AsyncIterator, Callable, Dict, List, Mapping, Optional, Tuple, Union

from ._arguments import checked
from ._async.client import AsyncClient
from ._errors import InternalError, InvalidArgumentError
from ._hooks import HOOKS
from ._map import MapItem
from ._map_rows import getter
from ._native import CheckpointFolder
from ._options import ClientOptions, MapOptions
from ._ray_rows import Key, Reader, check_names, results_of, rows_of, with_columns
from ._ray_running import Running
from ._ray_stop import stop_with

__all__ = ["Predict", "predict"]

TIMEOUT = 1800.0
"""The default of `timeout`, in seconds. The API cancels an abandoned prediction five seconds after this time."""

# Options of `map` that would count each batch on its own, and those that are set here.
_REFUSED = {
    "max_predictions": "limits each batch on its own; use `ds.limit(n)`",
    "max_seconds": "limits each batch on its own; use `ds.limit(n)`",
    "ordered": "is not needed: rows keep their order within a block",
    "errors": "is not needed: errors are a column",
    "progress": "is not needed: Ray shows the progress of the dataset",
    "drain": "is not supported: when a job ends early, its predictions are canceled; use `ds.limit(n)`",
}
# The batches that an actor works on at a time, so that the last rows of one do not leave it idle.
_BATCHES = 4


class Predict:
    """Runs a model over batches of rows, as a class for `Dataset.map_batches`; `predict` is simpler.

        ds.map_batches(
            replicant.ray.Predict,
            fn_constructor_args=("acme/captioner",),
            fn_constructor_kwargs={"input": "inputs", "concurrency": 32},
            compute=ray.data.ActorPoolStrategy(size=2),
            batch_size=256,
        )

    Returns each batch as a new one of the same kind (`batch_format` may be `numpy`, `pandas` or `pyarrow`) with five more
    columns: `prediction_id`; `status`; `output`, which is a string as it is and anything else as JSON, with URLs or the paths
    of `save_to` in place of files; `error`, as the code and the message; and the metered `seconds`. The number of rows and their
    order stay the same.

    The client is built in the actor. A pickled object has its options, and no token.

    Args:
        model: The model, as `owner/name`, `owner/name:version` or a version id.
        input: A function that returns the input of a row, or the name of the column with it. Defaults to the row itself.
        key: A function that returns the key of a row, or the name of the column with it: a string or an integer that no other
            row has. Required with `checkpoint`.
        concurrency: How many predictions this actor runs at a time.
        rate_per_minute: The known limit of creates per minute. Defaults to learning it. It holds for all actors with the same
            token in the cluster; the lowest one counts.
        checkpoint: A folder that all nodes share, with a checkpoint for each batch.
        timeout: The seconds that each prediction may take. The API cancels it five seconds later if the actor was killed.
            None means no limit; the API then cancels after a day.
        prefix: What the names of the columns begin with.
        token_env: The environment variable of the workers with the token.
        client: Options of the client, such as `base_url`. See `ClientOptions`.
        options: See `MapOptions`, such as `retries` and `save_to`.

    Raises:
        InvalidArgumentError: An option is malformed, or the token is missing.
        AuthenticationError: The API refuses the token. So do `PermissionDeniedError` and `PaymentRequiredError`: they end
            the job, because no other row can succeed.
        Exception: `input` or `key` has raised it, which ends the job, as do the error of `max_error_rate` and a checkpoint of
            another model. All other errors are in the column.
    """

    _pipeline: Optional[str] = None

    def __init__(
        self,
        model: str,
        *,
        input: Reader = None,
        key: Reader = None,
        concurrency: int = 64,
        rate_per_minute: Optional[float] = None,
        checkpoint: Union[str, os.PathLike[str], None] = None,
        timeout: Optional[float] = TIMEOUT,
        prefix: str = "",
        token_env: str = "REPLICATE_API_TOKEN",
        client: Optional[Mapping[str, Any]] = None,
        **options: Any,
    ) -> None:
        for name, problem in _REFUSED.items():
            if name in options:
                raise InvalidArgumentError(f"`{name}` {problem}", argument=name)
        if concurrency < 1:
            raise InvalidArgumentError("`concurrency` must be at least 1", argument="concurrency")
        if rate_per_minute is not None and not 0 < rate_per_minute < math.inf:
            raise InvalidArgumentError(
                "`rate_per_minute` must be a number above 0, or None to learn it",
                argument="rate_per_minute",
            )
        if checkpoint is not None and key is None:
            raise InvalidArgumentError(
                "`checkpoint` needs `key`, because batches may be cut differently after an interruption; pass the name of "
                "a column that identifies the rows",
                argument="key",
            )
        self._client_options = dict(client or {})
        secret = f"set {token_env} in the environment of the workers"
        refused: Dict[str, str] = {"rate_limit": "pass `rate_per_minute`"}
        for name in ("token", "api_token", "bearer_token"):
            refused[name] = secret
        for name in HOOKS:
            refused[name] = "the rate gate uses it"
        for name, advice in refused.items():
            if name in self._client_options:
                raise InvalidArgumentError(
                    f"`client` must not have `{name}`: {advice}", argument="client"
                )
        checked(AsyncClient.__init__, ClientOptions, self._client_options)
        self._model = model
        # Read again in the actor: only what the user gave is pickled.
        getter("input", input)
        getter("key", key)
        self._input = input
        self._key = key
        self._concurrency = concurrency
        self._rate = rate_per_minute
        self._checkpoint = None if checkpoint is None else os.fspath(checkpoint)
        self._prefix = prefix
        self._token_env = token_env
        # No hold: a prediction cannot be canceled before its id is known, and the actor may have to end at any time.
        given = {"wait": False, **options, "timeout": timeout}
        self._options = checked(AsyncClient.map, MapOptions, given)
        self._running: Optional[Running] = None

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_running": None}

    async def __call__(self, batch: Any) -> Any:
        """Runs the model over the rows of a batch."""
        rows = rows_of(batch)
        running = self._running
        if running is None:
            running = self._running = self._begin()
        keys = [_key_of(row, running.key) for row in rows]
        path = None
        if running.folder is not None:
            # One at a time, because they share an index; beside the loop, because files are read.
            async with running.preparing:
                path = await asyncio.to_thread(running.folder.prepare, keys)
        items = await running.batch(self._pipeline, self._run(running, rows, keys, path))
        return with_columns(batch, results_of(items), self._prefix)

    def _begin(self) -> Running:
        expected = {
            name: self._options[name]
            for name in ("retries", "retry_unknown")
            if name in self._options
        }
        return Running(
            self._token_env,
            self._client_options,
            rate=self._rate,
            folder=None
            if self._checkpoint is None
            else CheckpointFolder(self._checkpoint, **expected),
            input=self._input,
            key=self._key,
            concurrency=self._concurrency,
        )

    async def _run(
        self, running: Running, rows: List[Dict[str, Any]], keys: List[Key], path: Optional[str]
    ) -> List[MapItem[Any]]:
        taken = 0

        async def source() -> AsyncIterator[Tuple[Key, Dict[str, Any]]]:
            nonlocal taken
            for key, row in zip(keys, rows):
                await running.slots.acquire()
                taken += 1
                # Before the row is passed on: the checkpoint has an intent from then on.
                if running.folder is None or running.folder.needs_create(key):
                    await running.gated.turn()
                yield key, row

        options: Any = {**self._options, "checkpoint": path, "use_file_output": False}
        results = running.client.map(
            self._model,
            source(),
            input=lambda pair: running.input(pair[1]),
            key=lambda pair: pair[0],
            concurrency=self._concurrency,
            **options,
        )
        found: List[Optional[MapItem[Any]]] = [None] * len(rows)
        try:
            async with results:
                async for item in results:
                    running.slots.release()
                    taken -= 1
                    found[item.index] = item
        finally:
            for _ in range(taken):
                running.slots.release()
        items = [item for item in found if item is not None]
        if len(items) != len(rows):
            raise InternalError(f"{len(rows) - len(items)} rows of a batch have no result")
        return items


class Predictions(Predict):
    """The class of `predict`, which names the pipeline to stop when its job ends."""

    def __init__(self, pipeline: str, model: str, **options: Any) -> None:
        super().__init__(model, **options)
        self._pipeline = pipeline


def _ray_data() -> Any:
    try:
        return importlib.import_module("ray.data")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "replicant.ray needs Ray Data: pip install 'replicant[ray]'", name=error.name
        ) from error


def _key_of(row: Dict[str, Any], read: Optional[Callable[[Dict[str, Any]], Any]]) -> Key:
    # Without a checkpoint, keys name the saved files only.
    key: Any = uuid.uuid4().hex if read is None else read(row)
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise InvalidArgumentError(
            f"`key` must be a string or an integer, not {type(key).__name__}; convert it",
            argument="key",
        )
    return key


def predict(
    ds: Any,
    model: str,
    *,
    input: Reader = None,
    key: Reader = None,
    actors: int = 1,
    concurrency: int = 64,
    batch_size: int = 256,
    rate_per_minute: Optional[float] = None,
    retries: int = 0,
    save_to: Union[str, os.PathLike[str], None] = None,
    checkpoint: Union[str, os.PathLike[str], None] = None,
    timeout: Optional[float] = TIMEOUT,
    prefix: str = "",
    token_env: str = "REPLICATE_API_TOKEN",
    client: Optional[Mapping[str, Any]] = None,
    num_cpus: float = 0,
    ray_options: Optional[Mapping[str, Any]] = None,
    **options: Any,
) -> Any:
    """Runs a model over the rows of a Ray dataset, and returns the dataset with the results as columns.

    The columns are those of the rows and `prediction_id`, `status`, `output` (a string as it is, anything else as JSON, with
    URLs or the paths of `save_to` in place of files), `error` (the code and the message) and `seconds`. No row is dropped: one
    that fails has an `error`. Rows keep their order within a block; Ray keeps that of blocks with
    `ray.data.DataContext.get_current().execution_options.preserve_order`.

    A result appears when its batch has ended. `schema()`, `columns()`, `take()` and `limit()` of the returned dataset run, and
    bill, whole batches: call `ds.limit(n)` before, or `materialize()` the result once.

    Ctrl-C (also in a notebook), leaving the results early, and the end of the driver cancel the running predictions.
    Killed actors cannot cancel theirs; the API ends these at their `Cancel-After`.

    All actors of the cluster with the same token and base URL share a rate gate, a separate actor, so they obey one limit
    and learn it from each other's responses.

    Args:
        ds: The dataset.
        model: The model, as `owner/name`, `owner/name:version` or a version id.
        input: A function that returns the input of a row, or the name of the column with it. Defaults to the row itself.
        key: A function that returns the key of a row, or the name of the column with it: a string or an integer that no other
            row has. With `checkpoint`, it defaults to the `id_column` of Ray's `CheckpointConfig`.
        actors: How many actors to use. One suffices unless files are large: it waits more than it computes.
        concurrency: How many predictions to run at a time, by all actors together.
        batch_size: How many rows a batch has at most.
        rate_per_minute: The known limit of creates per minute. Defaults to learning it.
        retries: How many times to create the prediction of a row again after it failed. Each is billed.
        save_to: A folder to which the files of outputs are saved, on the node of the actor unless nodes share it.
        checkpoint: A folder that all nodes share. A job with the same folder returns the results that it has, waits for the
            predictions that were created, and runs the remaining rows, however Ray cuts them into batches.
        timeout: The seconds that each prediction may take. The API cancels it five seconds later if its actor was killed. None
            means no limit; the API then cancels after a day.
        prefix: What the names of the columns begin with.
        token_env: The environment variable of the workers with the token.
        client: Options of the client, such as `base_url`. See `ClientOptions`.
        num_cpus: The processors that Ray reserves for each actor. Reading, writing and Ray's own checkpoint reserve a whole one
            each, so that on a small machine a fraction would leave too few.
        ray_options: More arguments of `map_batches`, such as `runtime_env`.
        options: See `MapOptions`.

    Returns:
        A dataset; nothing runs before it is consumed. The errors of `Predict` end the job.

    Raises:
        InvalidArgumentError: An option is malformed.
    """
    data = _ray_data()
    if actors < 1:
        raise InvalidArgumentError("`actors` must be at least 1", argument="actors")
    if checkpoint is not None and key is None:
        config = getattr(data.DataContext.get_current(), "checkpoint_config", None)
        key = getattr(config, "id_column", None)
    arguments: Dict[str, Any] = {
        "input": input,
        "key": key,
        "concurrency": math.ceil(concurrency / actors),
        "rate_per_minute": rate_per_minute,
        "checkpoint": None if checkpoint is None else os.path.abspath(checkpoint),
        "timeout": timeout,
        "prefix": prefix,
        "token_env": token_env,
        "client": client,
        "retries": retries,
        "save_to": None if save_to is None else os.path.abspath(save_to),
        **options,
    }
    # Here too, so that a mistake is reported before the job begins.
    Predict(model, **arguments)
    names: List[str] = []
    with suppress(Exception):
        # The schema of some datasets is known without reading them.
        schema = ds.schema(fetch_if_missing=False)
        names = [] if schema is None else list(schema.names)
    check_names(names, prefix)
    pipeline = uuid.uuid4().hex
    results = ds.map_batches(
        Predictions,
        fn_constructor_args=(pipeline, model),
        fn_constructor_kwargs=arguments,
        compute=data.ActorPoolStrategy(
            size=actors,
            max_concurrent_calls_per_actor=_BATCHES,
            max_tasks_in_flight_per_actor=2 * _BATCHES,
        ),
        batch_size=batch_size,
        batch_format="pyarrow",
        num_cpus=num_cpus,
        udf_modifying_row_count=False,
        **(ray_options or {}),
    )
    stop_with(results.context, pipeline)
    return results
