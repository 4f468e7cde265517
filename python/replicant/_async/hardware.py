"""The hardware that models can run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from .._base import AsyncNamespace
from .._objects import Hardware
from .._response import RawView

if TYPE_CHECKING:
    from .._async_raw import AsyncHardwareNamespaceWithRawResponse


class AsyncHardwareNamespace(AsyncNamespace):
    """`client.hardware`"""

    with_raw_response: RawView[AsyncHardwareNamespaceWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    async def list(self) -> List[Hardware]:
        """Lists the hardware.

        `GET /hardware`

        Raises:
            AuthenticationError: The API refused the token.
        """
        return [Hardware(item) for item in await self._client._call("hardware.list", {})]
