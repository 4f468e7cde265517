"""Files in outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from replicant._files import FileOutput as FileOutput

if TYPE_CHECKING:
    from replicant._sync.client import Client


def transform_output(value: Any, client: Optional[Client] = None) -> Any:
    """Returns an output with a `FileOutput` for the URL of each file. Sends no request.

    Args:
        value: The output.
        client: The client that downloads the files. Defaults to the default client.
    """
    from replicant._default import default_client

    return (client or default_client).predictions.output(value)
