# Derived from _async/*.py by python/scripts/unasync.py: change that file, not this one.
from __future__ import annotations

import os
from typing import Any, AsyncIterable, Callable, Dict, Iterable, List, Literal, Optional, Union

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
from ._page import AsyncPage, Cursor, Page
from ._progress import ShowTransfer
from ._refs import Reference
from ._response import APIResponse
from ._sync.collection import Collection
from ._sync.deployment import Deployment
from ._sync.handle import Handle
from ._sync.model import Model
from ._sync.prediction import Prediction
from ._sync.training import Training
from ._webhook import Headers

class AccountsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def current(self) -> APIResponse[Account]: ...
    async def async_current(self) -> APIResponse[Account]: ...
    def get(self) -> APIResponse[Account]: ...
    async def async_get(self) -> APIResponse[Account]: ...

class ClientWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def predictions(self) -> PredictionsWithRawResponse: ...
    @property
    def models(self) -> ModelsWithRawResponse: ...
    @property
    def files(self) -> FilesWithRawResponse: ...
    @property
    def deployments(self) -> DeploymentsWithRawResponse: ...
    @property
    def trainings(self) -> TrainingsWithRawResponse: ...
    @property
    def collections(self) -> CollectionsWithRawResponse: ...
    @property
    def hardware(self) -> HardwareNamespaceWithRawResponse: ...
    @property
    def accounts(self) -> AccountsWithRawResponse: ...
    @property
    def account(self) -> AccountsWithRawResponse: ...
    @property
    def webhooks(self) -> WebhooksWithRawResponse: ...
    def run(
        self, ref: Reference, input: Optional[Dict[str, Any]] = None, **options: Unpack[RunOptions]
    ) -> APIResponse[Any]: ...
    async def async_run(
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
    def submit(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Handle]: ...
    async def async_submit(
        self,
        ref: Reference,
        input: Optional[Dict[str, Any]] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Handle]: ...
    def save_all(
        self,
        outputs: Any,
        dir: Union[str, os.PathLike[str]],
        *,
        concurrency: Optional[int] = None,
        progress: ShowTransfer = None,
    ) -> APIResponse[List[str]]: ...
    async def async_save_all(
        self,
        outputs: Any,
        dir: Union[str, os.PathLike[str]],
        *,
        concurrency: Optional[int] = None,
        progress: ShowTransfer = None,
    ) -> APIResponse[List[str]]: ...
    def search(self, query: str, *, limit: Optional[int] = None) -> APIResponse[SearchResults]: ...
    async def async_search(
        self, query: str, *, limit: Optional[int] = None
    ) -> APIResponse[SearchResults]: ...

class CollectionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def list(self, cursor: Cursor = "") -> APIResponse[Page[Collection]]: ...
    async def async_list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[Collection]]: ...
    def get(self, slug: str) -> APIResponse[Collection]: ...
    async def async_get(self, slug: str) -> APIResponse[Collection]: ...

class DeploymentsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def predictions(self) -> DeploymentsPredictionsWithRawResponse: ...
    def list(self, cursor: Cursor = "") -> APIResponse[Page[Deployment]]: ...
    async def async_list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[Deployment]]: ...
    def get(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[Deployment]: ...
    async def async_get(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[Deployment]: ...
    def create(
        self,
        name: str,
        model: Reference,
        version: Reference,
        hardware: Union[str, Hardware],
        min_instances: int,
        max_instances: int,
    ) -> APIResponse[Deployment]: ...
    async def async_create(
        self,
        name: str,
        model: Reference,
        version: Reference,
        hardware: Union[str, Hardware],
        min_instances: int,
        max_instances: int,
    ) -> APIResponse[Deployment]: ...
    def update(
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
    ) -> APIResponse[Deployment]: ...
    async def async_update(
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
    ) -> APIResponse[Deployment]: ...
    def delete(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
    ) -> APIResponse[bool]: ...
    async def async_delete(
        self,
        deployment: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        deployment_owner: Optional[str] = None,
        deployment_name: Optional[str] = None,
    ) -> APIResponse[bool]: ...

class DeploymentsPredictionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Prediction]: ...
    async def async_create(
        self,
        deployment: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Prediction]: ...

class FilesWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def create(
        self,
        file: Any,
        filename: Optional[str] = None,
        content_type: Optional[str] = None,
        metadata: Optional[Dict[str, Any]] = None,
        *,
        progress: ShowTransfer = None,
    ) -> APIResponse[File]: ...
    async def async_create(
        self,
        file: Any,
        filename: Optional[str] = None,
        content_type: Optional[str] = None,
        metadata: Optional[Dict[str, Any]] = None,
        *,
        progress: ShowTransfer = None,
    ) -> APIResponse[File]: ...
    def get(self, file_id: Union[str, File]) -> APIResponse[File]: ...
    async def async_get(self, file_id: Union[str, File]) -> APIResponse[File]: ...
    def list(self, cursor: Cursor = "") -> APIResponse[Page[File]]: ...
    async def async_list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[File]]: ...
    def delete(self, file_id: Union[str, File]) -> APIResponse[bool]: ...
    async def async_delete(self, file_id: Union[str, File]) -> APIResponse[bool]: ...
    def download(
        self, id: str, *, owner: str, expiry: int, signature: str
    ) -> APIResponse[bytes]: ...
    async def async_download(
        self, id: str, *, owner: str, expiry: int, signature: str
    ) -> APIResponse[bytes]: ...

class HardwareNamespaceWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def list(self) -> APIResponse[List[Hardware]]: ...
    async def async_list(self) -> APIResponse[List[Hardware]]: ...

class ModelsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def predictions(self) -> ModelPredictionsWithRawResponse: ...
    @property
    def versions(self) -> VersionsWithRawResponse: ...
    @property
    def examples(self) -> ExamplesWithRawResponse: ...
    @property
    def readme(self) -> ReadmeWithRawResponse: ...
    def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> APIResponse[Model]: ...
    async def async_get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> APIResponse[Model]: ...
    def list(
        self,
        cursor: Cursor = "",
        *,
        sort_by: Optional[Literal["model_created_at", "latest_version_created_at"]] = None,
        sort_direction: Optional[Literal["asc", "desc"]] = None,
    ) -> APIResponse[Page[Model]]: ...
    async def async_list(
        self,
        cursor: Cursor = "",
        *,
        sort_by: Optional[Literal["model_created_at", "latest_version_created_at"]] = None,
        sort_direction: Optional[Literal["asc", "desc"]] = None,
    ) -> APIResponse[AsyncPage[Model]]: ...
    def search(self, query: str) -> APIResponse[Page[Model]]: ...
    async def async_search(self, query: str) -> APIResponse[AsyncPage[Model]]: ...
    def create(
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
    ) -> APIResponse[Model]: ...
    async def async_create(
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
    ) -> APIResponse[Model]: ...
    def update(
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
    ) -> APIResponse[Model]: ...
    async def async_update(
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
    ) -> APIResponse[Model]: ...
    def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> APIResponse[bool]: ...
    async def async_delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        key: Optional[Reference] = None,
    ) -> APIResponse[bool]: ...

class ExamplesWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> APIResponse[Page[Prediction]]: ...
    async def async_list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> APIResponse[AsyncPage[Prediction]]: ...

class ReadmeWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[str]: ...
    async def async_get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[str]: ...

class ModelPredictionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def create(
        self,
        model: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Prediction]: ...
    async def async_create(
        self,
        model: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        owner: Optional[str] = None,
        name: Optional[str] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Prediction]: ...

class PredictionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        model: Optional[Reference] = None,
        deployment: Optional[Reference] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Prediction]: ...
    async def async_create(
        self,
        version: Optional[Reference] = None,
        input: Optional[Dict[str, Any]] = None,
        *,
        model: Optional[Reference] = None,
        deployment: Optional[Reference] = None,
        **options: Unpack[CreateOptions],
    ) -> APIResponse[Prediction]: ...
    def get(self, id: Union[str, Prediction]) -> APIResponse[Prediction]: ...
    async def async_get(self, id: Union[str, Prediction]) -> APIResponse[Prediction]: ...
    def cancel(self, id: Union[str, Prediction]) -> APIResponse[Prediction]: ...
    async def async_cancel(self, id: Union[str, Prediction]) -> APIResponse[Prediction]: ...
    def wait(
        self, id: Union[str, Prediction], **options: Unpack[WaitOptions]
    ) -> APIResponse[Prediction]: ...
    async def async_wait(
        self, id: Union[str, Prediction], **options: Unpack[WaitOptions]
    ) -> APIResponse[Prediction]: ...
    def list(
        self,
        cursor: Cursor = "",
        *,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        source: Optional[str] = None,
    ) -> APIResponse[Page[Prediction]]: ...
    async def async_list(
        self,
        cursor: Cursor = "",
        *,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        source: Optional[str] = None,
    ) -> APIResponse[AsyncPage[Prediction]]: ...
    def output(self, output: Any) -> APIResponse[Any]: ...
    async def async_output(self, output: Any) -> APIResponse[Any]: ...

class TrainingsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def create(
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
    ) -> APIResponse[Training]: ...
    async def async_create(
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
    ) -> APIResponse[Training]: ...
    def get(self, id: Union[str, Training]) -> APIResponse[Training]: ...
    async def async_get(self, id: Union[str, Training]) -> APIResponse[Training]: ...
    def cancel(self, id: Union[str, Training]) -> APIResponse[Training]: ...
    async def async_cancel(self, id: Union[str, Training]) -> APIResponse[Training]: ...
    def list(self, cursor: Cursor = "") -> APIResponse[Page[Training]]: ...
    async def async_list(self, cursor: Cursor = "") -> APIResponse[AsyncPage[Training]]: ...

class VersionsWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[Version]: ...
    async def async_get(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[Version]: ...
    def list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> APIResponse[Page[Version]]: ...
    async def async_list(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        *,
        owner: Optional[str] = None,
        cursor: Cursor = "",
    ) -> APIResponse[AsyncPage[Version]]: ...
    def delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[bool]: ...
    async def async_delete(
        self,
        model: Optional[Reference] = None,
        name: Optional[str] = None,
        id: Optional[str] = None,
        *,
        owner: Optional[str] = None,
    ) -> APIResponse[bool]: ...

class WebhookSecretWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def get(self) -> APIResponse[WebhookSigningSecret]: ...
    async def async_get(self) -> APIResponse[WebhookSigningSecret]: ...

class DefaultWebhookWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    @property
    def secret(self) -> WebhookSecretWithRawResponse: ...

class WebhooksWithRawResponse:
    """The same methods, each returning an `APIResponse`."""
    def unwrap(
        self,
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> APIResponse[Union[Prediction, Training]]: ...
    async def async_unwrap(
        self,
        request: Any = None,
        headers: Optional[Headers] = None,
        body: Optional[Union[str, bytes]] = None,
        secret: Any = None,
        tolerance: Optional[float] = 300,
    ) -> APIResponse[Union[Prediction, Training]]: ...
    @property
    def default(self) -> DefaultWebhookWithRawResponse: ...
