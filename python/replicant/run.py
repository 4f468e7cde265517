"""The function `run`, in the module path of 1.x: `run(client, ref, input)`. The client can be left out."""

from __future__ import annotations

from typing import Any, Dict

from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._callable import like, split_client
from replicant._default import default_client
from replicant._errors import ModelError as ModelError
from replicant._objects import Version as Version
from replicant._sync.model import Model as Model
from replicant._sync.version import Versions as Versions
from replicant.schema import make_schema_backwards_compatible as make_schema_backwards_compatible


@like(default_client.run)
def run(*arguments: Any, **options: Any) -> Any:
    client, others = split_client(arguments, options)
    return client.run(*others, **options)


@like(default_client.async_run)
async def async_run(*arguments: Any, **options: Any) -> Any:
    client, others = split_client(arguments, options)
    return await client.async_run(*others, **options)


def _has_output_iterator_array_type(version: Version) -> bool:  # pyright: ignore[reportUnusedFunction]
    schema = make_schema_backwards_compatible(version.openapi_schema or {}, version.cog_version)
    output: Dict[str, Any] = schema.get("components", {}).get("schemas", {}).get("Output", {})
    return output.get("type") == "array" and output.get("x-cog-array-type") == "iterator"


become(__name__, CallableModule)
