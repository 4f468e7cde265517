# Derived from _async/*.py by python/scripts/unasync.py: change that file, not this one.
from __future__ import annotations

import os
from typing import Any, AsyncIterable, Callable, Dict, Iterable, List, Literal, Optional, Union

from ._async.collection import AsyncCollection
from ._async.deployment import AsyncDeployment
from ._async.handle import AsyncHandle
from ._async.model import AsyncModel
from ._async.prediction import AsyncPrediction
from ._async.training import AsyncTraining
from ._map import MapResults, Row, ShowMap
from ._map_rows import AsyncInput
from ._objects import Account, File, Hardware, SearchResults, Time, Version, WebhookSigningSecret
from ._options import (
    CreateOptions,
    InputOptions,
    MapOptions,
    RunOptions,
    Unpack,
    WaitOptions,
    WebhookEvents,
)
from ._page import AsyncPage, Cursor
from ._progress import ShowTransfer
from ._refs import Reference
from ._response import APIResponse
from ._webhook import Headers

class AsyncAccountsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def current(self) -> APIResponse[Account]: ...
    async def get(self) -> APIResponse[Account]: ...

class AsyncClientWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def predictions(self) -> AsyncPredictionsWithRawResponse: ...
    @property
    def models(self) -> AsyncModelsWithRawResponse: ...
    @property
    def files(self) -> AsyncFilesWithRawResponse: ...
    @property
    def deployments(self) -> AsyncDeploymentsWithRawResponse: ...
    @property
    def trainings(self) -> AsyncTrainingsWithRawResponse: ...
    @property
    def collections(self) -> AsyncCollectionsWithRawResponse: ...
    @property
    def hardware(self) -> AsyncHardwareNamespaceWithRawResponse: ...
    @property
    def accounts(self) -> AsyncAccountsWithRawResponse: ...
    @property
    def account(self) -> AsyncAccountsWithRawResponse: ...
    @property
    def webhooks(self) -> AsyncWebhooksWithRawResponse: ...
    async def run(
        self, ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[RunOptions]
    ) -> APIResponse[Any]: ...
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
    ) -> APIResponse[MapResults[Row]]: ...
    async def submit(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[AsyncHandle]: ...
    async def save_all(
        self,
        outputs: Any,
        dir: Union[str, os.PathLike[str]],
        *,
        concurrency: Optional[int] = None,
        progress: ShowTransfer = None,
    ) -> APIResponse[List[str]]: ...
    async def search(
        self, query: str, *, limit: Optional[int] = None
    ) -> APIResponse[SearchResults]: ...

class AsyncCollectionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[AsyncCollection]]: ...
    async def get(self, slug: str) -> APIResponse[AsyncCollection]: ...

class AsyncDeploymentsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def predictions(self) -> AsyncDeploymentsPredictionsWithRawResponse: ...
    async def list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[AsyncDeployment]]: ...
    async def get(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[AsyncDeployment]: ...
    async def create(
        self,
        name: str,
        model: Reference,
        version: Reference,
        hardware: Union[str, Hardware],
        min_instances: int,
        max_instances: int,
    ) -> APIResponse[AsyncDeployment]: ...
    async def update(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
        version: Optional[Reference] = None,
        hardware: Optional[Union[str, Hardware]] = None,
        min_instances: Optional[int] = None,
        max_instances: Optional[int] = None,
    ) -> APIResponse[AsyncDeployment]: ...
    async def delete(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
    ) -> APIResponse[bool]: ...

class AsyncDeploymentsPredictionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[AsyncPrediction]: ...

class AsyncFilesWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def create(
        self,
        file: Any,
        filename: Optional[str] = None,
        content_type: Optional[str] = None,
        metadata: Optional[Dict[str, Any]] = None,
        *,
        progress: ShowTransfer = None,
    ) -> APIResponse[File]: ...
    async def get(self, file_id: Union[str, File]) -> APIResponse[File]: ...
    async def list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[File]]: ...
    async def delete(self, file_id: Union[str, File]) -> APIResponse[bool]: ...
    async def download(
        self, id: str, *, owner: str, expiry: int, signature: str
    ) -> APIResponse[bytes]: ...

class AsyncHardwareNamespaceWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def list(self) -> APIResponse[List[Hardware]]: ...

class AsyncModelsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def predictions(self) -> AsyncModelPredictionsWithRawResponse: ...
    @property
    def versions(self) -> AsyncVersionsWithRawResponse: ...
    @property
    def examples(self) -> AsyncExamplesWithRawResponse: ...
    @property
    def readme(self) -> AsyncReadmeWithRawResponse: ...
    async def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> APIResponse[AsyncModel]: ...
    async def list(
        self,
        cursor: Cursor = "",
        *,
        sort_by: Optional[Literal["model_created_at", "latest_version_created_at"]] = None,
        sort_direction: Optional[Literal["asc", "desc"]] = None,
    ) -> APIResponse[AsyncPage[AsyncModel]]: ...
    async def search(self, query: str) -> APIResponse[AsyncPage[AsyncModel]]: ...
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
    ) -> APIResponse[AsyncModel]: ...
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
    ) -> APIResponse[AsyncModel]: ...
    async def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> APIResponse[bool]: ...

class AsyncExamplesWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> APIResponse[AsyncPage[AsyncPrediction]]: ...

class AsyncReadmeWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[str]: ...

class AsyncModelPredictionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def create(
        self,
        model: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[AsyncPrediction]: ...

class AsyncPredictionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        model: Optional[Reference] = None,
        deployment: Optional[Reference] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[AsyncPrediction]: ...
    async def get(self, id: Union[str, AsyncPrediction]) -> APIResponse[AsyncPrediction]: ...
    async def cancel(self, id: Union[str, AsyncPrediction]) -> APIResponse[AsyncPrediction]: ...
    async def wait(
        self, id: Union[str, AsyncPrediction], **options: Unpack[WaitOptions]
    ) -> APIResponse[AsyncPrediction]: ...
    async def list(
        self,
        cursor: Cursor = "",
        *,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        source: Optional[str] = None,
    ) -> APIResponse[AsyncPage[AsyncPrediction]]: ...
    async def output(self, output: Any) -> APIResponse[Any]: ...

class AsyncTrainingsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        destination: Optional[Reference] = None,
        webhook: Optional[str] = None,
        webhook_completed: Optional[str] = None,
        webhook_events_filter: Optional[WebhookEvents] = None,
        *,
        model: Optional[Reference] = None,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[InputOptions],
    ) -> APIResponse[AsyncTraining]: ...
    async def get(self, id: Union[str, AsyncTraining]) -> APIResponse[AsyncTraining]: ...
    async def cancel(self, id: Union[str, AsyncTraining]) -> APIResponse[AsyncTraining]: ...
    async def list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[AsyncTraining]]: ...

class AsyncVersionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[Version]: ...
    async def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> APIResponse[AsyncPage[Version]]: ...
    async def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[bool]: ...

class AsyncWebhookSecretWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def get(self) -> APIResponse[WebhookSigningSecret]: ...

class AsyncDefaultWebhookWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def secret(self) -> AsyncWebhookSecretWithRawResponse: ...

class AsyncWebhooksWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    async def unwrap(
        self,
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> APIResponse[Union[AsyncPrediction, AsyncTraining]]: ...
    @property
    def default(self) -> AsyncDefaultWebhookWithRawResponse: ...
