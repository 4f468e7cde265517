# Derived from _async/account.py by python/scripts/unasync.py: change that file, not this one.
"""The account of the API token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import Namespace
from .._objects import Account
from .._response import RawView

if TYPE_CHECKING:
    from .._sync_raw import AccountsWithRawResponse


class Accounts(Namespace):
    """`client.accounts`, also `client.account`"""

    with_raw_response: RawView[AccountsWithRawResponse] = RawView()
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    def current(self) -> Account:
        """Fetches the account of the API token.

        `GET /account`

        Raises:
            AuthenticationError: The API refused the token.
        """
        return Account(self._client._call("account.get", {}), self._client)

    async def async_current(self) -> Account:
        """The async form of `current`."""
        return Account(await self._client._async_call("account.get", {}), self._client)

    def get(self) -> Account:
        """Fetches the account of the API token: an alias of `current`.

        `GET /account`

        Raises:
            AuthenticationError: The API refused the token.
        """
        return self.current()

    async def async_get(self) -> Account:
        """The async form of `get`."""
        return await self.async_current()
