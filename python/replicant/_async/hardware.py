"""The kinds of machines that models run on."""

from __future__ import annotations

from typing import List

from .._base import AsyncNamespace
from .._objects import Hardware


class AsyncHardwareNamespace(AsyncNamespace):
    """`client.hardware`"""

    __slots__ = ()

    async def list(self) -> List[Hardware]:
        """All kinds of machines.

        `GET /hardware`
        """
        return [Hardware(item) for item in await self._client._call("hardware.list", {})]
