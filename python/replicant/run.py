"""The function `run`, in the module path of 1.x."""

from __future__ import annotations

from typing import Any, Dict

from replicant import async_run as async_run
from replicant import run as run
from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._errors import ModelError as ModelError
from replicant._objects import Version as Version
from replicant._sync.model import Model as Model
from replicant._sync.version import Versions as Versions
from replicant.schema import make_schema_backwards_compatible as make_schema_backwards_compatible


def _has_output_iterator_array_type(version: Version) -> bool:  # pyright: ignore[reportUnusedFunction]
    schema = make_schema_backwards_compatible(version.openapi_schema or {}, version.cog_version)
    output: Dict[str, Any] = schema.get("components", {}).get("schemas", {}).get("Output", {})
    return output.get("type") == "array" and output.get("x-cog-array-type") == "iterator"


become(__name__, CallableModule)
