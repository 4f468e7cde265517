"""Objects whose methods send requests."""

from __future__ import annotations

from typing import Any

from .._object import APIObject


class AsyncBound(APIObject):
    """An object that belongs to a client; to the default one if it was built without."""

    __slots__ = ()

    @property
    def _bound(self) -> Any:
        if self._owner is not None:
            return self._owner
        from .._default import default_async_client

        return default_async_client
