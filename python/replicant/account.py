"""Accounts, and the namespace `account` of the default client."""

from __future__ import annotations

from replicant._callable import NamespaceModule as NamespaceModule
from replicant._callable import become as become
from replicant._objects import Account as Account
from replicant._sync.account import Accounts as Accounts

become(__name__, NamespaceModule)
