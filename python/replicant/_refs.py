"""The shapes in which a model, version or deployment may be named."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple, Union

from ._native import compute

Reference = Union[str, Tuple[str, ...], Any]
"""`"owner/name"`, `"owner/name:version"`, a version id, a tuple of those parts, or an object."""


def reference(value: Reference) -> str:
    """The text that names `value`: `owner/name`, `owner/name:version` or a version id."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)) and 2 <= len(value) <= 3:
        return ":".join([f"{value[0]}/{value[1]}", *(part for part in value[2:] if part)])
    owner, name = getattr(value, "owner", None), getattr(value, "name", None)
    if owner and name:
        version = getattr(value, "version", None)
        return f"{owner}/{name}:{version}" if isinstance(version, str) else f"{owner}/{name}"
    id = getattr(value, "id", None)
    if isinstance(id, str):
        return id
    raise TypeError(
        "expected 'owner/name', 'owner/name:version', a version id, (owner, name) or an object of "
        f"this package, not {type(value).__name__}"
    )


def maybe_reference(value: Optional[Reference]) -> Optional[str]:
    """The text that names `value`, if there is one."""
    return None if value is None else reference(value)


def owner_and_name(
    value: Optional[Reference] = None, name: Optional[str] = None, what: str = "model"
) -> Dict[str, str]:
    """The two parts of what is named by `"owner/name"`, `(owner, name)` or an object."""
    if value is not None and name is not None:
        return {"owner": str(value), "name": name}
    if value is None:
        raise TypeError(f"which {what}? Give 'owner/name', or owner and name")
    parts = compute("identifier.parse", {"ref": reference(value)})
    return {"owner": parts["owner"], "name": parts["name"]}
