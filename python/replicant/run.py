"""`run`, of the default client."""

from __future__ import annotations

from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._errors import ModelError as ModelError
from replicant._functions import async_run as async_run
from replicant._functions import run as run
from replicant._objects import Version as Version
from replicant._sync.model import Model as Model
from replicant._sync.version import Versions as Versions

become(__name__, CallableModule)
