"""The account of the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._base import AsyncNamespace
from .._objects import Account
from .._response import RawView

if TYPE_CHECKING:
    from .._async_raw import AsyncAccountsWithRawResponse


class AsyncAccounts(AsyncNamespace):
    """`client.accounts`, also `client.account`"""

    with_raw_response: RawView[AsyncAccountsWithRawResponse] = RawView()
    """The same methods, which then give an `APIResponse` with the status and the headers."""

    async def current(self) -> Account:
        """Fetch the account that the token belongs to.

        `GET /account`
        """
        return Account(await self._client._call("account.get", {}), self._client)

    async def get(self) -> Account:
        """The same as `current`.

        `GET /account`
        """
        return await self.current()
