"""Models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Literal, NoReturn, Optional, Sequence, Union

from .._base import AsyncNamespace, given
from .._errors import ReplicateException
from .._guarded import cached
from .._object import APIObject
from .._objects import Hardware, Version
from .._options import FileEncodingStrategy, WebhookEvent, unexpected
from .._page import AwaitablePage, page_at
from .._params import CreateModelParams as _CreateModelParams
from .._refs import Reference, owner_and_name
from .._response import RawView
from .prediction import AsyncPrediction
from .version import AsyncModelVersions, AsyncVersions

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._async_raw import (
        AsyncExamplesWithRawResponse,
        AsyncModelPredictionsWithRawResponse,
        AsyncModelsWithRawResponse,
        AsyncReadmeWithRawResponse,
    )


class AsyncModel(APIObject):
    """A model."""

    __slots__ = ()
    _shown = ("owner", "name")
    _required = ("owner", "name")
    _built = ("default_example", "latest_version")

    url: str
    """The model's page on the web site."""
    owner: str
    """The account it belongs to."""
    name: str
    """The model's name."""
    description: Optional[str]
    """What it does."""
    visibility: str
    """`public` or `private`."""
    is_official: Optional[bool]
    """Whether Replicate keeps it running; such a model needs no version."""
    github_url: Optional[str]
    """Its source."""
    paper_url: Optional[str]
    """Its paper."""
    license_url: Optional[str]
    """Its license."""
    run_count: int
    """How often it was run."""
    cover_image_url: Optional[str]
    """Its picture."""
    created_at: Optional[str]
    """When it was created."""
    weights_url: Optional[str]
    """Its weights."""

    def predict(self, *_: Any, **__: Any) -> None:
        """Raises an error that names `replicate.run()`, as in 1.x.

        Args:
            _: ignored.
            __: ignored.
        """
        raise ReplicateException("`model.predict()` was removed; use `replicate.run()` instead")

    @property
    def id(self) -> str:
        """The model as `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str:
        """The same as `owner`."""
        return self.owner

    @username.setter
    def username(self, owner: str) -> None:
        self.owner = owner

    @property
    def default_example(self) -> Optional[AsyncPrediction]:
        """The prediction shown on its page."""
        return AsyncPrediction._of(self._data.get("default_example"), self._owner)

    @property
    def latest_version(self) -> Optional[Version]:
        """The newest version."""
        return Version._of(self._data.get("latest_version"))

    @property
    def versions(self) -> AsyncModelVersions:
        """The versions of this model."""
        return AsyncModelVersions(self._bound, {"owner": self.owner, "name": self.name})

    async def reload(self) -> None:
        """Fetch the present state.

        `GET /models/{owner}/{name}`
        """
        params = {"owner": self.owner, "name": self.name}
        self._data = await self._bound._call("models.get", params)

    @property
    def _bound(self) -> Any:
        if self._owner is not None:
            return self._owner
        from .._default import default_async_client

        return default_async_client


class AsyncExamples(AsyncNamespace):
    """`client.models.examples`"""

    with_raw_response: RawView[AsyncExamplesWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Optional[str] = "",
    ) -> AwaitablePage[AsyncPrediction]:
        """The predictions that a model's author shows as examples.

        `GET /models/{owner}/{name}/examples`.
        Returns one page, whose `auto_paging_iter()` yields the items of all pages.

        Args:
            model: the model, as `owner/name` or as an object; or its owner, with `name`.
            name: the model's name, if `model` is its owner.
            owner: the model's owner, if `model` is not given.
            cursor: the `next` of a page, to continue there.
        """
        params = owner_and_name(model, name, owner)
        return self._client._list(
            "models.examples.list", AsyncPrediction, given(**params, **page_at(cursor))
        )


class AsyncReadme(AsyncNamespace):
    """`client.models.readme`"""

    with_raw_response: RawView[AsyncReadmeWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    async def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> str:
        """Fetch a model's page, in Markdown.

        `GET /models/{owner}/{name}/readme`

        Args:
            model: the model, as `owner/name` or as an object; or its owner, with `name`.
            name: the model's name, if `model` is its owner.
            owner: the model's owner, if `model` is not given.

        Raises:
            NotFoundError: the model has none.
        """
        params = owner_and_name(model, name, owner)
        text: str = await self._client._call("models.readme.get", params)
        return text


class AsyncModelPredictions(AsyncNamespace):
    """`client.models.predictions`"""

    with_raw_response: RawView[AsyncModelPredictionsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    async def create(
        self,
        model: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[Sequence[WebhookEvent]] = None,
        stream: Optional[bool] = None,
        wait: Optional[Union[bool, float]] = None,
        prefer: Optional[str] = None,
        cancel_after: Optional[Union[float, str]] = None,
        file_encoding_strategy: Optional[FileEncodingStrategy] = None,
        **unknown: NoReturn,
    ) -> AsyncPrediction:
        """Start a prediction of a model that needs no version.

        `POST /models/{owner}/{name}/predictions`. It is sent once: a failure that leaves open
        whether the prediction was created is told, not tried again.

        Args:
            model: the model, as `owner/name` or as an object.
            input: what the model is given; files, paths and bytes in it are uploaded.
            owner: the model's owner, if `model` is not given.
            name: the model's name, if `model` is not given.
            webhook: an https URL that events about the prediction are sent to.
            webhook_completed: an https URL that the end is sent to.
            webhook_events_filter: which events are sent: `start`, `output`, `logs`, `completed`.
            stream: asks for an event stream; models that have one need not be asked any more.
            wait: how many seconds the answer may be held back for the output, 60 at most;
                True for as long as the API likes.
            prefer: the same as a header: `wait` or `wait=5`.
            cancel_after: after how many seconds (or a duration such as `1m30s`) it is canceled.
            file_encoding_strategy: `url` (upload files; the default), `base64` (inline them) or `auto`.

        Raises:
            UnprocessableEntityError: the input does not fit the model.
            OutcomeUnknownError: whether the prediction was created is not known.
        """
        if unknown:
            raise unexpected(AsyncModelPredictions.create, unknown)
        data = await self._client._call(
            "models.predictions.create",
            given(
                **owner_and_name(model, name, owner),
                input={} if input is None else input,
                webhook=webhook,
                webhook_completed=webhook_completed,
                webhook_events_filter=webhook_events_filter,
                stream=stream,
                wait=wait,
                prefer=prefer,
                cancel_after=cancel_after,
                file_encoding_strategy=file_encoding_strategy,
            ),
        )
        return AsyncPrediction(data, self._client)


class AsyncModels(AsyncNamespace):
    """`client.models`"""

    CreateModelParams: TypeAlias = _CreateModelParams

    with_raw_response: RawView[AsyncModelsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    @cached
    def predictions(self) -> AsyncModelPredictions:
        """Predictions of models that need no version."""
        return AsyncModelPredictions(self._client)

    @cached
    def versions(self) -> AsyncVersions:
        """Versions of models."""
        return AsyncVersions(self._client)

    @cached
    def examples(self) -> AsyncExamples:
        """Examples of what models make."""
        return AsyncExamples(self._client)

    @cached
    def readme(self) -> AsyncReadme:
        """The pages of models."""
        return AsyncReadme(self._client)

    async def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> AsyncModel:
        """Fetch a model.

        `GET /models/{owner}/{name}`

        Args:
            model: the model, as `owner/name` or `(owner, name)`; or its owner, with `name`.
            name: the model's name, if `model` is its owner.
            owner: the model's owner, if `model` is not given.
        """
        params = owner_and_name(model, name, owner)
        return AsyncModel(await self._client._call("models.get", params), self._client)

    def list(
        self,
        cursor: Optional[str] = "",
        *,
        sort_by: Optional[Literal["model_created_at", "latest_version_created_at"]] = None,
        sort_direction: Optional[Literal["asc", "desc"]] = None,
    ) -> AwaitablePage[AsyncModel]:
        """The public models.

        `GET /models`.
        Returns one page, whose `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: the `next` of a page, to continue there.
            sort_by: `model_created_at` or `latest_version_created_at` (the default).
            sort_direction: `asc` or `desc` (the default).
        """
        params = given(**page_at(cursor), sort_by=sort_by, sort_direction=sort_direction)
        return self._client._list("models.list", AsyncModel, params)

    def search(self, query: str) -> AwaitablePage[AsyncModel]:
        """Find public models.

        `QUERY /models`. Iterating goes over all pages.

        Args:
            query: what to look for.
        """
        return self._client._list("models.search", AsyncModel, {"query": query})

    async def create(
        self,
        owner: str,
        name: str,
        *,
        visibility: Literal["public", "private"],
        hardware: Union[str, Hardware],
        description: Optional[str] = None,
        github_url: Optional[str] = None,
        paper_url: Optional[str] = None,
        license_url: Optional[str] = None,
        cover_image_url: Optional[str] = None,
    ) -> AsyncModel:
        """Create a model, which has no versions at first.

        `POST /models`. It is sent once.

        Args:
            owner: the account of the token.
            name: the model's name.
            visibility: `public` or `private`.
            hardware: the SKU of the machine it runs on; see `client.hardware.list()`.
            description: what it does.
            github_url: the URL of its source.
            paper_url: the URL of its paper.
            license_url: the URL of its license.
            cover_image_url: the URL of its picture.
        """
        data = await self._client._call(
            "models.create",
            given(
                owner=owner,
                name=name,
                visibility=visibility,
                hardware=getattr(hardware, "sku", hardware),
                description=description,
                github_url=github_url,
                paper_url=paper_url,
                license_url=license_url,
                cover_image_url=cover_image_url,
            ),
        )
        return AsyncModel(data, self._client)

    async def update(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        description: Optional[str] = None,
        readme: Optional[str] = None,
        github_url: Optional[str] = None,
        paper_url: Optional[str] = None,
        weights_url: Optional[str] = None,
        license_url: Optional[str] = None,
    ) -> AsyncModel:
        """Change what is told about a model.

        `PATCH /models/{owner}/{name}`

        Args:
            model: the model, as `owner/name` or as an object; or its owner, with `name`.
            name: the model's name, if `model` is its owner.
            owner: the model's owner, if `model` is not given.
            description: what it does.
            readme: its page, in Markdown.
            github_url: the URL of its source.
            paper_url: the URL of its paper.
            weights_url: the URL of its weights.
            license_url: the URL of its license.
        """
        data = await self._client._call(
            "models.update",
            given(
                **owner_and_name(model, name, owner),
                description=description,
                readme=readme,
                github_url=github_url,
                paper_url=paper_url,
                weights_url=weights_url,
                license_url=license_url,
            ),
        )
        return AsyncModel(data, self._client)

    async def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> bool:
        """Delete a private model that has no versions.

        `DELETE /models/{owner}/{name}`

        Args:
            model: the model, as `owner/name` or as an object; or its owner, with `name`.
            name: the model's name, if `model` is its owner.
            owner: the model's owner, if `model` is not given.
        """
        params = owner_and_name(model, name, owner)
        await self._client._call("models.delete", params)
        return True
