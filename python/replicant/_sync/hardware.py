# Derived from _async/hardware.py by python/scripts/unasync.py: change that file, not this one.
"""The hardware that models can run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

from .._base import Namespace
from .._objects import Hardware
from .._response import RawView

if TYPE_CHECKING:
    from .._sync_raw import HardwareNamespaceWithRawResponse


class HardwareNamespace(Namespace):
    """`client.hardware`"""

    with_raw_response: RawView[HardwareNamespaceWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def list(self) -> List[Hardware]:
        """Lists the hardware.

        `GET /hardware`

        Raises:
            AuthenticationError: The API refused the token.
        """
        return [Hardware(item) for item in self._client._call("hardware.list", {})]

    async def async_list(self) -> List[Hardware]:
        """The async form of `list`."""
        return [Hardware(item) for item in await self._client._async_call("hardware.list", {})]
