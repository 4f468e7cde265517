# Derived from _async/file.py by python/scripts/unasync.py: change that file, not this one.
"""Uploaded files, to use as inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from .._arguments import drop_none
from .._base import Namespace
from .._objects import File
from .._page import AwaitablePage, Cursor, Page, page_at
from .._params import CreateFileParams as _CreateFileParams
from .._progress import ShowTransfer, name_of, of_bytes
from .._refs import id_of
from .._response import RawView

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from .._sync_raw import FilesWithRawResponse


class Files(Namespace):
    """`client.files`"""

    CreateFileParams: TypeAlias = _CreateFileParams

    with_raw_response: RawView[FilesWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def create(
        self,
        file: Any,
        filename: Optional[str] = None,
        content_type: Optional[str] = None,
        metadata: Optional[Dict[str, Any]] = None,
        *,
        progress: ShowTransfer = None,
    ) -> File:
        """Uploads a file of at most 100 MiB. The API deletes it after 24 hours.

        `POST /files`

        Args:
            file: A path, as a string or an `os.PathLike`; an open binary file or another object with `read`;
                bytes; or an iterator of bytes. Files are read in chunks.
            filename: The name of the upload. Defaults to the name of the file.
            content_type: The media type. Defaults to a guess by name and content.
            metadata: Data to store with the file.
            progress: True shows a bar; a function is called with each `Transfer` as bytes are sent.

        Raises:
            InputFileNotFoundError: The file does not exist or cannot be read.
            FileTooLargeError: The file is larger than the API accepts.
        """
        if isinstance(file, str):
            from pathlib import Path

            file = Path(file)
        params = drop_none(
            file=file, filename=filename, content_type=content_type, metadata=metadata
        )
        with of_bytes(progress, filename or name_of(file)) as observer:
            data = self._client._call("files.create", params, observer)
        return File(data, self._client)

    async def async_create(
        self,
        file: Any,
        filename: Optional[str] = None,
        content_type: Optional[str] = None,
        metadata: Optional[Dict[str, Any]] = None,
        *,
        progress: ShowTransfer = None,
    ) -> File:
        """The async form of `create`."""
        if isinstance(file, str):
            from pathlib import Path

            file = Path(file)
        params = drop_none(
            file=file, filename=filename, content_type=content_type, metadata=metadata
        )
        with of_bytes(progress, filename or name_of(file)) as observer:
            data = await self._client._async_call("files.create", params, observer)
        return File(data, self._client)

    def get(self, file_id: Union[str, File]) -> File:
        """Fetches the metadata of a file, not its content.

        `GET /files/{id}`

        Args:
            file_id: The id of the file, or the file.

        Raises:
            NotFoundError: There is no such file.
        """
        return File(self._client._call("files.get", {"id": id_of(file_id)}), self._client)

    async def async_get(self, file_id: Union[str, File]) -> File:
        """The async form of `get`."""
        return File(
            await self._client._async_call("files.get", {"id": id_of(file_id)}), self._client
        )

    def list(self, cursor: Cursor = "") -> Page[File]:
        """Lists the files of the account.

        `GET /files`. Returns one page; its `auto_paging_iter()` yields the items of all pages.

        Args:
            cursor: The `next` of a page, to continue there.

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self._client._list("files.list", File, page_at(cursor))

    def async_list(self, cursor: Cursor = "") -> AwaitablePage[File]:
        """The async form of `list`."""
        return self._client._async_list("files.list", File, page_at(cursor))

    def delete(self, file_id: Union[str, File]) -> bool:
        """Deletes a file.

        `DELETE /files/{id}`

        Args:
            file_id: The id of the file, or the file.

        Raises:
            NotFoundError: There is no such file.
        """
        self._client._call("files.delete", {"id": id_of(file_id)})
        return True

    async def async_delete(self, file_id: Union[str, File]) -> bool:
        """The async form of `delete`."""
        await self._client._async_call("files.delete", {"id": id_of(file_id)})
        return True

    def download(self, id: str, *, owner: str, expiry: int, signature: str) -> bytes:
        """Downloads a shared file.

        `GET /files/{id}/download`

        Args:
            id: The id of the file.
            owner: The account that the file belongs to.
            expiry: The end of the share, in seconds since 1970.
            signature: The signature of the share, in base64.

        Raises:
            NotFoundError: There is no such file, or its share has ended.
        """
        params = {"id": id, "owner": owner, "expiry": expiry, "signature": signature}
        content: bytes = self._client._call("files.download", params)
        return content

    async def async_download(self, id: str, *, owner: str, expiry: int, signature: str) -> bytes:
        """The async form of `download`."""
        params = {"id": id, "owner": owner, "expiry": expiry, "signature": signature}
        content: bytes = await self._client._async_call("files.download", params)
        return content
