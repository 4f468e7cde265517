# Derived from _async/client.py by python/scripts/unasync.py: change that file, not this one.
"""The client whose methods are awaited."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Union

from .._base import Base, Observer, given
from .._events import AwaitableStream, EventStream
from .._guarded import cached
from .._native import Stream
from .._objects import SearchResults
from .._options import FileEncodingStrategy, OnAbandon, WebhookEvent, options_from, unexpected
from .._output import output_of
from .._progress import ShowProgress, ShowTransfer, of_bytes, of_prediction
from .._refs import Reference, maybe_version, reference, runnable
from .._response import RawResponse, RawView
from .prediction import Prediction, Predictions

# Imported by those who need them: most programs need few, and making a client is to be quick.
if TYPE_CHECKING:
    from .._sync_raw import ClientWithRawResponse
    from .account import Accounts
    from .collection import Collections
    from .deployment import Deployments
    from .file import Files
    from .hardware import HardwareNamespace
    from .model import Models
    from .training import Trainings
    from .use import Function
    from .webhook import Webhooks


class Client(Base):
    """A client of Replicate.

    One client can be used from many threads, tasks and event loops at once, and after a fork. It
    opens its connections when they are needed; closing it is not.
    """

    with_raw_response: RawView[ClientWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    def __init__(
        self,
        api_token: Optional[str] = None,
        *,
        base_url: Optional[str] = None,
        timeout: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        transport: Any = None,
        max_retries: Optional[int] = None,
        bearer_token: Optional[str] = None,
        default_headers: Optional[Mapping[str, str]] = None,
        default_query: Optional[Mapping[str, Any]] = None,
        user_agent: Optional[str] = None,
        poll_interval: Optional[float] = None,
        use_file_output: Optional[bool] = None,
        file_encoding_strategy: Optional[FileEncodingStrategy] = None,
        verify_uploads: Optional[bool] = None,
        on_abandon: Optional[OnAbandon] = None,
        connect_timeout: Optional[float] = None,
        proxy: Optional[str] = None,
        ca_bundle: Optional[str] = None,
        http_client: Any = None,
        **unknown: NoReturn,
    ) -> None:
        """Make a client.

        Args:
            api_token: the API token; without it, `REPLICATE_API_TOKEN` of the environment.
            base_url: where the API is; without it, `REPLICATE_BASE_URL` or Replicate itself.
            timeout: how many seconds one attempt of a request may take.
            headers: headers to send with each request.
            transport: what carries all HTTP in place of this package: a transport of httpx (sync or
                async, `httpx.MockTransport` too) or a function that takes a request and returns a
                response. Retries, waiting and streams stay as they are.
            max_retries: how often a request is sent again, if that can do no harm.
            bearer_token: the same as `api_token`.
            default_headers: the same as `headers`.
            default_query: query parameters to send with each request.
            user_agent: what the client calls itself.
            poll_interval: how many seconds lie between two looks at a running prediction; without
                it, `REPLICATE_POLL_INTERVAL`, or they are chosen.
            use_file_output: whether files in outputs come as `FileOutput` (the default) or as URLs.
            file_encoding_strategy: how files in inputs are sent: `url` uploads them (the default), `base64`
                inlines them, `auto` inlines files of up to 64 KiB.
            verify_uploads: whether to compare the SHA-256 of each upload with the one in the response.
            on_abandon: what happens to the prediction of an abandoned `run` or `stream`: `cancel` (the
                default) or `leave`.
            connect_timeout: how many seconds making a connection may take.
            proxy: the URL of a proxy; without it, as the environment says.
            ca_bundle: the path of certificates to trust beside those of the system.
            http_client: a client of httpx that carries all HTTP; the same as `transport`.

        Raises:
            InvalidArgumentError: an option is malformed.
        """
        if unknown:
            raise unexpected(Client.__init__, unknown)
        self._setup(
            options_from(
                token=bearer_token if api_token is None else api_token,
                base_url=base_url,
                timeout=timeout,
                headers={**(headers or {}), **(default_headers or {})},
                query=default_query,
                max_retries=max_retries,
                user_agent=user_agent,
                poll_interval=poll_interval,
                use_file_output=use_file_output,
                file_encoding_strategy=file_encoding_strategy,
                verify_uploads=verify_uploads,
                on_abandon=on_abandon,
                connect_timeout=connect_timeout,
                proxy=proxy,
                ca_bundle=ca_bundle,
            ),
            transport=http_client if transport is None else transport,
        )

    def with_options(
        self,
        *,
        api_token: Optional[str] = None,
        base_url: Optional[str] = None,
        timeout: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        max_retries: Optional[int] = None,
        bearer_token: Optional[str] = None,
        default_headers: Optional[Mapping[str, str]] = None,
        default_query: Optional[Mapping[str, Any]] = None,
        poll_interval: Optional[float] = None,
        use_file_output: Optional[bool] = None,
        file_encoding_strategy: Optional[FileEncodingStrategy] = None,
        on_abandon: Optional[OnAbandon] = None,
        **unknown: NoReturn,
    ) -> Client:
        """A client that differs from this one in the options given.

        It shares the connections of this one if only `timeout`, `max_retries`, headers or query
        parameters differ, so this is also the way to give those to one call:
        `client.with_options(timeout=5).predictions.get(id)`.

        Args:
            api_token: the API token.
            base_url: where the API is.
            timeout: how many seconds one attempt of a request may take.
            headers: headers to send beside those of this client.
            max_retries: how often a request is sent again, if that can do no harm.
            bearer_token: the same as `api_token`.
            default_headers: the same as `headers`.
            default_query: query parameters to send beside those of this client.
            poll_interval: how many seconds lie between two looks at a running prediction.
            use_file_output: whether files in outputs come as `FileOutput` or as URLs.
            file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.
            on_abandon: what becomes of the prediction of a `run` or `stream` that is broken off:
                `cancel` or `leave`.
        """
        if unknown:
            raise unexpected(Client.with_options, unknown)
        changes = options_from(
            token=bearer_token if api_token is None else api_token,
            base_url=base_url,
            timeout=timeout,
            headers={**(headers or {}), **(default_headers or {})},
            query=default_query,
            max_retries=max_retries,
            poll_interval=poll_interval,
            use_file_output=use_file_output,
            file_encoding_strategy=file_encoding_strategy,
            on_abandon=on_abandon,
        )
        return self._differing(type(self), changes)

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
        """Files that are uploaded, to be given to models."""
        from .file import Files

        return Files(self)

    @cached
    def deployments(self) -> Deployments:
        """Deployments: models that run on machines of one's own choice."""
        from .deployment import Deployments

        return Deployments(self)

    @cached
    def trainings(self) -> Trainings:
        """Trainings: the making of new versions of a model."""
        from .training import Trainings

        return Trainings(self)

    @cached
    def collections(self) -> Collections:
        """Collections of models."""
        from .collection import Collections

        return Collections(self)

    @cached
    def hardware(self) -> HardwareNamespace:
        """The kinds of machines that models run on."""
        from .hardware import HardwareNamespace

        return HardwareNamespace(self)

    @cached
    def accounts(self) -> Accounts:
        """The account of the token."""
        from .account import Accounts

        return Accounts(self)

    @cached
    def account(self) -> Accounts:
        """The same as `accounts`."""
        from .account import Accounts

        return Accounts(self)

    @cached
    def webhooks(self) -> Webhooks:
        """Webhooks."""
        from .webhook import Webhooks

        return Webhooks(self)

    def run(
        self,
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
        if unknown:
            raise unexpected(Client.run, unknown)
        params = given(
            ref=runnable(ref),
            input={} if input is None else input,
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
            report_uploads=True if progress is True else None,
        )
        seen = Prediction({}, self)._seen(on_update)
        with of_prediction(progress, reference(ref), seen) as observer:
            answer = self._call("run", {**params, "live": True}, observer)
        return output_of(self, answer)

    async def async_run(
        self,
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
        if unknown:
            raise unexpected(Client.run, unknown)
        params = given(
            ref=runnable(ref),
            input={} if input is None else input,
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
            report_uploads=True if progress is True else None,
        )
        seen = Prediction({}, self)._seen(on_update)
        with of_prediction(progress, reference(ref), seen) as observer:
            answer = await self._async_call("run", {**params, "live": True}, observer)
        return output_of(self, answer)

    def use(
        self,
        ref: Reference,
        *,
        hint: Any = None,
        streaming: bool = False,
    ) -> Function:
        """A model as a function of its inputs.

        Args:
            ref: the model, as `owner/name`, `owner/name:version` or as an object.
            hint: a function whose signature stands for the model's; only for the reader.
            streaming: whether calls give an iterator of the output, as it comes.
        """
        from .use import Function

        return Function(self, ref, streaming)

    def stream(
        self,
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
        if unknown:
            raise unexpected(Client.stream, unknown)
        params = given(
            ref=maybe_version(ref),
            input={} if input is None else input,
            use_file_output=use_file_output,
            timeout=timeout,
            webhook=webhook,
            webhook_completed=webhook_completed,
            webhook_events_filter=webhook_events_filter,
            cancel_after=cancel_after,
            file_encoding_strategy=file_encoding_strategy,
            cancel_on_close=cancel_on_close,
            on_abandon=on_abandon,
        )
        return EventStream(self, "stream", params)

    def async_stream(
        self,
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
        if unknown:
            raise unexpected(Client.stream, unknown)
        params = given(
            ref=maybe_version(ref),
            input={} if input is None else input,
            use_file_output=use_file_output,
            timeout=timeout,
            webhook=webhook,
            webhook_completed=webhook_completed,
            webhook_events_filter=webhook_events_filter,
            cancel_after=cancel_after,
            file_encoding_strategy=file_encoding_strategy,
            cancel_on_close=cancel_on_close,
            on_abandon=on_abandon,
        )
        return AwaitableStream(self, "stream", params)

    def save_all(
        self,
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
        from .._files import saved_at

        params = given(outputs=outputs, dir=os.fspath(dir), concurrency=concurrency)
        with of_bytes(progress, params["dir"]) as observer:
            paths: List[str] = self._call("output.save_all", params, observer)
        saved_at(outputs, paths)
        return paths

    async def async_save_all(
        self,
        outputs: Any,
        dir: Union[str, os.PathLike[str]],
        *,
        concurrency: Optional[int] = None,
        progress: ShowTransfer = None,
    ) -> List[str]:
        """The awaitable form of `save_all`."""
        from .._files import saved_at

        params = given(outputs=outputs, dir=os.fspath(dir), concurrency=concurrency)
        with of_bytes(progress, params["dir"]) as observer:
            paths: List[str] = await self._async_call("output.save_all", params, observer)
        saved_at(outputs, paths)
        return paths

    def search(self, query: str, *, limit: Optional[int] = None) -> SearchResults:
        """Find models, collections and pages of documentation.

        `GET /search`

        Args:
            query: what to look for.
            limit: how many models to give at most, from 1 to 50; without it, 20.
        """
        data = self._call("search", given(query=query, limit=limit))
        return SearchResults(data, self)

    async def async_search(self, query: str, *, limit: Optional[int] = None) -> SearchResults:
        """The awaitable form of `search`."""
        data = await self._async_call("search", given(query=query, limit=limit))
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
        """Send any request to the API, for what has no method here.

        Args:
            method: the HTTP method.
            path: the path after the base URL, such as `/account`, or a whole URL.
            params: query parameters.
            headers: headers beside those of the client.
            data: what becomes the JSON body; bytes are sent as they are.

        Raises:
            APIStatusError: the API answered with an error status.
        """
        sent = given(
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
        """The awaitable form of `request`."""
        sent = given(
            method=method,
            path=path,
            params=None if params is None else dict(params),
            headers=None if headers is None else dict(headers),
            data=data,
        )
        return RawResponse(*await self._async_call_raw("request", sent))

    def paginate(self, path: str) -> Stream[Any]:
        """The pages of any list of the API as plain data, for what has no method here.

        Args:
            path: the path after the base URL, such as `/predictions`, or the `next` of a page.
        """
        return Stream(self._native, "paginate", self._asked({"path": path}))

    def async_paginate(self, path: str) -> Stream[Any]:
        """The awaitable form of `paginate`."""
        return Stream(self._native, "paginate", self._asked({"path": path}))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. A closed client opens new ones when it is used again."""
        self._made = None

    async def async_close(self) -> None:
        """The awaitable form of `close`."""
        self._made = None
