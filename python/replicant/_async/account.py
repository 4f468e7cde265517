"""The account of the token."""

from __future__ import annotations

from .._base import AsyncNamespace
from .._objects import Account


class AsyncAccounts(AsyncNamespace):
    """`client.accounts`, also `client.account`"""

    __slots__ = ()

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
