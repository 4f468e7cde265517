"""`AsyncClient`: the client with all its resources."""

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
from .._base import AsyncBase
from .._client_base import hooks_of
from .._core_options import conceal_secrets, core_options
from .._events import AwaitableStream
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
from .prediction import AsyncPrediction, AsyncPredictions

# Imported on first use: most programs need few of them, and making a client should take little time.
if TYPE_CHECKING:
    from .._async_raw import AsyncClientWithRawResponse
    from .account import AsyncAccounts
    from .collection import AsyncCollections
    from .deployment import AsyncDeployments
    from .file import AsyncFiles
    from .handle import AsyncHandle
    from .hardware import AsyncHardwareNamespace
    from .model import AsyncModels
    from .training import AsyncTrainings
    from .use import AsyncFunction
    from .webhook import AsyncWebhooks
else:
    # Not imported for `typing.get_type_hints` alone.
    AsyncFunction = AsyncHandle = Any


class AsyncClient(AsyncBase):
    """A client of the Replicate API.

    A client may be shared by threads, tasks and event loops, and used after a fork. It opens connections
    when they are needed, and need not be closed.

    Args:
        api_token: The API token. Defaults to `REPLICATE_API_TOKEN`.
        options: See `ClientOptions`.

    Raises:
        InvalidArgumentError: An option is malformed.
    """

    with_raw_response: RawView[AsyncClientWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def __init__(self, api_token: Optional[str] = None, **options: Unpack[ClientOptions]) -> None:
        api_token = conceal(api_token)
        conceal_secrets(options)
        given = checked(AsyncClient.__init__, ClientOptions, options)
        transport = given.get("transport", given.get("http_client"))
        options_of_core = core_options({**given, "api_token": api_token})
        self._configure(options_of_core, transport=transport, hooks=hooks_of(given))

    def with_options(
        self, *, api_token: Optional[str] = None, **options: Unpack[ClientOptions]
    ) -> AsyncClient:
        """Returns a client with some options changed.

        It shares the connections of this client if only `RequestOptions` differ, which makes it the way to
        set them for one call: `client.with_options(timeout=5).predictions.get(id)`.

        Args:
            api_token: The API token.
            options: See `ClientOptions`.

        Raises:
            InvalidArgumentError: An option is malformed.
        """
        api_token = conceal(api_token)
        conceal_secrets(options)
        given = checked(AsyncClient.with_options, ClientOptions, options)
        transport = given.get("transport", given.get("http_client"))
        changes = core_options({**given, "api_token": api_token})
        return self._derive(type(self), changes, transport=transport, hooks=hooks_of(given))

    copy = with_options

    def _prediction(self, data: Dict[str, Any]) -> AsyncPrediction:
        return AsyncPrediction(data, self)

    @cached
    def predictions(self) -> AsyncPredictions:
        """Predictions: the runs of models."""
        return AsyncPredictions(self)

    @cached
    def models(self) -> AsyncModels:
        """Models and their versions."""
        from .model import AsyncModels

        return AsyncModels(self)

    @cached
    def files(self) -> AsyncFiles:
        """Uploaded files, to use as inputs."""
        from .file import AsyncFiles

        return AsyncFiles(self)

    @cached
    def deployments(self) -> AsyncDeployments:
        """Deployments: models on hardware that you choose."""
        from .deployment import AsyncDeployments

        return AsyncDeployments(self)

    @cached
    def trainings(self) -> AsyncTrainings:
        """Trainings, which create new versions of models."""
        from .training import AsyncTrainings

        return AsyncTrainings(self)

    @cached
    def collections(self) -> AsyncCollections:
        """Collections of models."""
        from .collection import AsyncCollections

        return AsyncCollections(self)

    @cached
    def hardware(self) -> AsyncHardwareNamespace:
        """The hardware that models can run on."""
        from .hardware import AsyncHardwareNamespace

        return AsyncHardwareNamespace(self)

    @cached
    def accounts(self) -> AsyncAccounts:
        """The account of the API token."""
        from .account import AsyncAccounts

        return AsyncAccounts(self)

    @cached
    def account(self) -> AsyncAccounts:
        """An alias of `accounts`."""
        from .account import AsyncAccounts

        return AsyncAccounts(self)

    @cached
    def webhooks(self) -> AsyncWebhooks:
        """Webhooks: their validation and their signing secret."""
        from .webhook import AsyncWebhooks

        return AsyncWebhooks(self)

    async def run(
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
        params = checked(AsyncClient.run, RunOptions, options)
        on_update, progress = params.pop("on_update", None), params.pop("progress", None)
        params["ref"], params["input"] = runnable(ref), {} if input is None else input
        if progress is True:
            params["report_uploads"] = True
        params["live"] = True
        seen = AsyncPrediction({}, self)._observer(on_update)
        with of_prediction(progress, reference(ref), seen) as observer:
            reply = await self._call("run", params, observer)
        return output_of(self, reply, awaited=True)

    def use(
        self,
        ref: Reference,
        *,
        hint: Any = None,
        streaming: bool = False,
    ) -> AsyncFunction:
        """Returns a model as a function of its inputs.

        Args:
            ref: The model, as `owner/name`, `owner/name:version` or an object.
            hint: A function with the signature of the model, for readers of the code; not used.
            streaming: Whether calls return an iterator over the output as it arrives.
        """
        from .use import AsyncFunction

        return AsyncFunction(self, ref, streaming)

    def stream(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[StreamOptions],
    ) -> AwaitableStream:
        """Runs a model and yields the events of its output as they arrive.

        The first request is sent when the first event is requested. `str(event)` is the text of an event.

        `POST /predictions` or `POST /models/{owner}/{name}/predictions`, then the event stream.

        Args:
            ref: The model, as `owner/name`, `owner/name:version`, a version id or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `StreamOptions`.

        Raises:
            StreamUnsupportedError: The model does not support streams.
            ModelError: The prediction failed.
            StreamInterruptedError: The stream broke and could not be resumed.
            PredictionTimeoutError: The timeout passed.
        """
        params = checked(AsyncClient.stream, StreamOptions, options)
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

        Returns:
            The results, to iterate over with `for` or `async for`: a `MapItem` for each row. A row that fails is an item
            with an `error`. Use it as a context manager to end the batch with its block.

        Raises:
            InvalidArgumentError: An option is malformed, or the checkpoint belongs to another batch.
            FileNotWrittenError: The checkpoint cannot be written.
            AuthenticationError: The API refused the token. Like `PaymentRequiredError`, and `PermissionDeniedError` for a
                model that the token may not run, it follows the results of what ran.
        """
        params: Dict[str, Any] = checked(AsyncClient.map, MapOptions, options)
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

    async def submit(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[CreateOptions],
    ) -> AsyncHandle:
        """Starts a model and returns a handle of the prediction without waiting for it.

        The prediction is never canceled on its own: neither when the call is abandoned nor when the process ends.

        `POST /predictions`, `POST /models/{owner}/{name}/predictions` or
        `POST /deployments/{owner}/{name}/predictions`. Not retried if the prediction may have been created.

        Args:
            ref: The model, as `owner/name`, `owner/name:version`, a version id or an object.
            input: The model's input. Files, paths and bytes in it are uploaded.
            options: See `CreateOptions`.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        from .handle import AsyncHandle

        params = checked(AsyncClient.submit, CreateOptions, options)
        target = {"ref": maybe_version(ref), "input": {} if input is None else input}
        return AsyncHandle(await self._call("submit", {**target, **params}), self)

    def handle(
        self, handle: Union[str, Dict[str, Any], AsyncHandle, AsyncPrediction]
    ) -> AsyncHandle:
        """Returns the handle of a prediction. Sends no request.

        Args:
            handle: The id of the prediction, a handle as a dictionary or as JSON text, or the prediction.

        Raises:
            InvalidArgumentError: `handle` is none of these.
        """
        from .handle import handle_of

        return handle_of(self, handle)

    async def save_all(
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
        outputs = await self._complete(outputs)
        params = {"outputs": outputs, **drop_none(dir=os.fspath(dir), concurrency=concurrency)}
        with of_bytes(progress, params["dir"]) as observer:
            paths: List[str] = await self._call("output.save_all", params, observer)
            return paths

    async def search(self, query: str, *, limit: Optional[int] = None) -> SearchResults:
        """Searches models, collections and documentation.

        `GET /search`

        Args:
            query: The text to search for.
            limit: The maximum number of models, from 1 to 50. Defaults to 20.

        Raises:
            AuthenticationError: The API refused the token.
        """
        data = await self._call("search", drop_none(query=query, limit=limit))
        return SearchResults(data, self)

    async def request(
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
        return RawResponse(*await self._call_raw("request", sent))

    def paginate(self, path: str) -> Stream[Any]:
        """Yields the pages of any list of the API as plain data.

        `GET` of `path`, then of the `next` of each page.

        Args:
            path: The path below the base URL, such as `/predictions`, or the `next` of a page.

        Raises:
            APIStatusError: The API responded with an error status.
        """
        return Stream(self._native, "paginate", self._with_options({"path": path}))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections, except those that it shares with clients made by `with_options`.

        A closed client opens new ones when it is used again.
        """
        self._cached = None
        self.__dict__.pop("_scopes", None)
