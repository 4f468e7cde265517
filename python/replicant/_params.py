"""The parameters of other creates and updates as types, under their names in 1.x."""

# Without `from __future__ import annotations`, as in `_options.py`.

from typing import Any, Dict, Literal, Optional

from ._options import FileEncodingStrategy, TypedDict, WebhookEvents


class CreateTrainingParams(TypedDict, total=False):
    """Parameters of `trainings.create`."""

    destination: Any
    webhook: str
    webhook_completed: str
    webhook_events_filter: WebhookEvents
    file_encoding_strategy: FileEncodingStrategy


class CreateFileParams(TypedDict, total=False):
    """Optional parameters of `files.create`."""

    filename: str
    content_type: str
    metadata: Dict[str, Any]


class UpdateDeploymentParams(TypedDict, total=False):
    """Parameters of `deployments.update`."""

    version: str
    hardware: str
    min_instances: int
    max_instances: int


class CreateDeploymentParams(TypedDict):
    """Parameters of `deployments.create`."""

    name: str
    model: str
    version: str
    hardware: str
    min_instances: int
    max_instances: int


class _RequiredModelParams(TypedDict):
    hardware: str
    visibility: Literal["public", "private"]


class CreateModelParams(_RequiredModelParams, total=False):
    """Parameters of `models.create`, without the owner and the name."""

    description: Optional[str]
    github_url: Optional[str]
    paper_url: Optional[str]
    license_url: Optional[str]
    cover_image_url: Optional[str]
