"""`run`, of the default client."""

from __future__ import annotations

from ._callable import CallableModule, become
from ._functions import async_run as async_run
from ._functions import run as run

become(__name__, CallableModule)
