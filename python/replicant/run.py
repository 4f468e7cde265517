"""The function `run`, in the module path of 1.x."""

from __future__ import annotations

from replicant import async_run as async_run
from replicant import run as run
from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._errors import ModelError as ModelError
from replicant._objects import Version as Version
from replicant._sync.model import Model as Model
from replicant._sync.version import Versions as Versions

become(__name__, CallableModule)
