"""The account of the API token."""

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
    """The same methods, each returning an `APIResponse` with the status and the headers."""

    async def current(self) -> Account:
        """Fetches the account of the API token.

        `GET /account`

        Raises:
            AuthenticationError: The API refused the token.
        """
        return Account(await self._client._call("account.get", {}), self._client)

    async def get(self) -> Account:
        """Fetches the account of the API token: an alias of `current`.

        `GET /account`

        Raises:
            AuthenticationError: The API refused the token.
        """
        return await self.current()
