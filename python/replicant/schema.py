"""Schemas of old versions, in the module path of 1.x."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

_RELEASE = re.compile(
    r"v?(\d+(?:\.\d+)*)((?:[-_.]?(?:alpha|beta|rc|preview|pre|dev|a|b|c)(?:[-_.]?\d+)?){1,3})?(\+[\w.-]+)?",
    re.IGNORECASE,
)


def version_has_no_array_type(cog_version: Optional[str]) -> Optional[bool]:
    """Returns whether a version of Cog does not mark iterators in schemas, as before 0.3.9; None if unknown.

    Args:
        cog_version: The version of Cog.
    """
    found = _RELEASE.fullmatch((cog_version or "").strip())
    if found is None:
        return None
    numbers = tuple(map(int, found[1].split(".")))
    return numbers < (0, 3, 9) or (numbers == (0, 3, 9) and found[2] is not None)


def make_schema_backwards_compatible(
    schema: Dict[str, Any], cog_version: Optional[str]
) -> Dict[str, Any]:
    """Marks the output of a version that was built before Cog 0.3.9 as an iterator if it is a list.

    Args:
        schema: The `openapi_schema` of the version, which is changed.
        cog_version: The version of Cog that it was built with.

    Returns:
        The same schema.
    """
    if version_has_no_array_type(cog_version):
        output = schema.get("components", {}).get("schemas", {}).get("Output", {})
        if output.get("type") == "array":
            output["x-cog-array-type"] = "iterator"
    return schema
