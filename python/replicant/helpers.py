"""Files in inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

from replicant._files import FileOutput as FileOutput

if TYPE_CHECKING:
    from typing import IO

    from replicant._sync.client import Client


def base64_encode_file(file: Union[IO[bytes], IO[str]]) -> str:
    """Returns the content of an open file as a `data:` URL.

    Args:
        file: The file. It is read from its beginning.
    """
    from base64 import b64encode
    from mimetypes import guess_type

    file.seek(0)
    content = file.read()
    data = content.encode() if isinstance(content, str) else content
    kind = guess_type(str(getattr(file, "name", "")))[0] or "application/octet-stream"
    return f"data:{kind};base64,{b64encode(data).decode()}"


def transform_output(value: Any, client: Optional[Client] = None) -> Any:
    """Returns an output with a `FileOutput` for the URL of each file. Sends no request.

    Args:
        value: The output.
        client: The client that downloads the files. Defaults to the default client.
    """
    from replicant._default import default_client

    return (client or default_client).predictions.output(value)
