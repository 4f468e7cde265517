"""Files in outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from replicant._files import FileOutput as FileOutput

if TYPE_CHECKING:
    from replicant._sync.client import Client


def transform_output(value: Any, client: Optional[Client] = None) -> Any:
    """An output with a `FileOutput` for each URL of a file in it. Sends nothing."""
    from replicant._default import default_client

    return (client or default_client).predictions.output(value)
