"""The shapes in which a model, version or deployment may be named."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple, Union, cast

from ._native import compute


class ModelVersionIdentifier(NamedTuple):
    """A model, and perhaps one of its versions."""

    owner: str
    """The account the model belongs to."""
    name: str
    """The model's name."""
    version: Optional[str] = None
    """The id of the version."""

    @classmethod
    def parse(cls, ref: str) -> ModelVersionIdentifier:
        """The parts of `owner/name` or `owner/name:version`.

        Raises:
            InvalidArgumentError: that is not how `ref` looks.
        """
        parts = compute("identifier.parse", {"ref": ref})
        return cls(parts["owner"], parts["name"], parts.get("version"))

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}" + (f":{self.version}" if self.version else "")


Reference = Union[str, Tuple[str, ...], Any]
"""`"owner/name"`, `"owner/name:version"`, a version id, a tuple of those parts, or an object."""


def reference(value: Reference) -> str:
    """The text that names `value`: `owner/name`, `owner/name:version` or a version id."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        parts = cast(Sequence[Any], value)
        if 2 <= len(parts) <= 3:
            return ":".join([f"{parts[0]}/{parts[1]}", *(part for part in parts[2:] if part)])
    return _named(value)


def _named(value: Any) -> str:
    """The text that names an object, by the members that such objects have."""
    owner, name = getattr(value, "owner", None), getattr(value, "name", None)
    if owner and name:
        version = getattr(value, "version", None)
        return f"{owner}/{name}:{version}" if isinstance(version, str) else f"{owner}/{name}"
    if hasattr(value, "status") and hasattr(value, "urls"):
        raise TypeError(
            "`ref` must name a model, and this is a prediction; did you mean `predictions.wait(prediction)`?"
        )
    id = getattr(value, "id", None)
    if isinstance(id, str):
        return id
    raise TypeError(
        "`ref` must be 'owner/name', 'owner/name:version', a version id, (owner, name), a model or a "
        f"version, not {type(value).__name__}"
    )


def id_of(value: Any) -> Any:
    """The id of a prediction, a training or a file; an id itself stays as it is."""
    return getattr(value, "id", value)


def maybe_reference(value: Optional[Reference]) -> Optional[str]:
    """The text that names `value`, if there is one."""
    return None if value is None else reference(value)


def _object_id(value: Reference) -> Optional[str]:
    """Returns the id of a version that is given as an object; None for anything else."""
    if isinstance(value, (str, tuple)) or hasattr(value, "owner") or hasattr(value, "status"):
        return None
    id = getattr(value, "id", None)
    return id if isinstance(id, str) else None


def runnable(value: Reference) -> Union[str, Dict[str, Any]]:
    """Returns what to run as the core takes it: text, or a version object's id and schema."""
    id = _object_id(value)
    if id is None:
        return reference(value)
    names = ("openapi_schema", "cog_version")
    return {"version": id, "schema": {name: getattr(value, name, None) for name in names}}


def maybe_version(value: Optional[Reference]) -> Union[str, Dict[str, Any], None]:
    """Returns a version as the core takes it: text, or the id of an object, whatever it looks like."""
    id = None if value is None else _object_id(value)
    return maybe_reference(value) if id is None else {"version": id}


def version_id(value: Reference) -> str:
    """Returns the id of a version: an object's, or the last part of a text."""
    id = _object_id(value)
    return reference(value).rpartition(":")[2] if id is None else id


def owner_and_name(
    value: Optional[Reference] = None,
    name: Optional[str] = None,
    owner: Optional[str] = None,
    what: str = "model",
) -> Dict[str, str]:
    """What is named by `"owner/name"`, by `(owner, name)`, by an object or by owner and name."""
    if owner is not None:
        value = owner
    elif value is None:
        # `name` alone may be the whole of it.
        value, name = name, None
    if value is None:
        raise TypeError(f"the {what} is missing; pass 'owner/name', or owner and name")
    return {"owner": reference(value)} if name is None else {"owner": str(value), "name": name}


def resolve(ref: Reference) -> Tuple[Optional[Any], Optional[str], Optional[str], Optional[str]]:
    """Returns the version object, owner, name and version id that `ref` names, as far as it does."""
    if isinstance(ref, (str, tuple)):
        parts = cast(Sequence[Any], ref)
        found = ModelVersionIdentifier.parse(ref) if isinstance(ref, str) else parts
        owner, name, version = ModelVersionIdentifier(*found)
        return None, owner, name, version
    if getattr(ref, "owner", None):
        return None, ref.owner, ref.name, None
    return ref, None, None, ref.id
