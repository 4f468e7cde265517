"""The account of a token, and `account` of the default client."""

from __future__ import annotations

from ._callable import NamespaceModule, become
from ._objects import Account as Account
from ._sync.account import Accounts as Accounts

become(__name__, NamespaceModule)
