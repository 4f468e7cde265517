"""References to models, versions and deployments."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple, Union, cast

from ._native import compute


class ModelVersionIdentifier(NamedTuple):
    """A model, optionally with a version."""

    owner: str
    """The account that the model belongs to."""
    name: str
    """The name of the model."""
    version: Optional[str] = None
    """The id of the version."""

    @classmethod
    def parse(cls, ref: str) -> ModelVersionIdentifier:
        """Parses `owner/name` or `owner/name:version`.

        Args:
            ref: The reference.

        Raises:
            InvalidArgumentError: `ref` has another form.
        """
        parts = compute("identifier.parse", {"ref": ref})
        return cls(parts["owner"], parts["name"], parts.get("version"))

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}" + (f":{self.version}" if self.version else "")


DEPLOYMENTS = "deployments/"
"""What references to deployments begin with."""

Reference = Union[str, Tuple[str, ...], Any]
"""`"owner/name"`, `"owner/name:version"`, a version id, a tuple of those parts, or an object."""


def reference(value: Reference) -> str:
    """Returns a reference as text: `owner/name`, `owner/name:version` or a version id."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        parts = cast(Sequence[Any], value)
        if 2 <= len(parts) <= 3:
            return ":".join([f"{parts[0]}/{parts[1]}", *(part for part in parts[2:] if part)])
    return _named(value)


def _named(value: Any) -> str:
    """Returns the reference to an object, by its members."""
    from ._errors import InvalidArgumentError

    owner, name = getattr(value, "owner", None), getattr(value, "name", None)
    if owner and name:
        version = getattr(value, "version", None)
        return f"{owner}/{name}:{version}" if isinstance(version, str) else f"{owner}/{name}"
    if hasattr(value, "status") and hasattr(value, "urls"):
        raise InvalidArgumentError(
            "`ref` must name a model, and this is a prediction; did you mean `predictions.wait(prediction)`?",
            argument="ref",
        )
    id = getattr(value, "id", None)
    if isinstance(id, str):
        return id
    raise InvalidArgumentError(
        "`ref` must be 'owner/name', 'owner/name:version', a version id, (owner, name), a model or a "
        f"version, not {type(value).__name__}",
        argument="ref",
    )


def id_of(value: Any) -> Any:
    """Returns the id of a prediction, a training or a file, which may be given as the id itself."""
    return getattr(value, "id", value)


def _target(value: Reference) -> str:
    """Returns what to run as text. A deployment object is not the model of that name."""
    text = reference(value)
    return f"{DEPLOYMENTS}{text}" if _is_deployment(value) else text


def _is_deployment(value: Any) -> bool:
    return hasattr(value, "current_release")


def no_deployment(value: Any, argument: str) -> Any:
    """Refuses a deployment object where the model of its name would be used."""
    if _is_deployment(value):
        from ._errors import InvalidArgumentError

        raise InvalidArgumentError(
            f"`{argument}` must not be a deployment; pass it to `predictions.create` as `deployment=`, "
            "or to `run`",
            argument=argument,
        )
    return value


def maybe_reference(value: Optional[Reference]) -> Optional[str]:
    """Returns a reference as text; None for None."""
    return None if value is None else reference(value)


def _object_id(value: Reference) -> Optional[str]:
    """Returns the id of a version object; None for anything else."""
    if isinstance(value, (str, tuple)) or hasattr(value, "owner") or hasattr(value, "status"):
        return None
    id = getattr(value, "id", None)
    return id if isinstance(id, str) else None


def runnable(value: Reference) -> Union[str, Dict[str, Any]]:
    """Returns what to run, in the core's form: text, or the id and schema of a version object."""
    id = _object_id(value)
    if id is None:
        return _target(value)
    names = ("openapi_schema", "cog_version")
    return {"version": id, "schema": {name: getattr(value, name, None) for name in names}}


def maybe_version(value: Optional[Reference]) -> Union[str, Dict[str, Any], None]:
    """Returns a version in the core's form: text, or the id of an object, which may have any form."""
    if value is None:
        return None
    id = _object_id(value)
    return _target(value) if id is None else {"version": id}


def version_id(value: Reference) -> str:
    """Returns the id of a version object, or the last part of a reference."""
    id = _object_id(value)
    return reference(value).rpartition(":")[2] if id is None else id


def owner_and_name(
    value: Optional[Reference] = None,
    name: Optional[str] = None,
    owner: Optional[str] = None,
    what: str = "model",
) -> Dict[str, str]:
    """Returns the owner and name of `"owner/name"`, `(owner, name)`, an object, or separate arguments."""
    if owner is not None:
        value = owner
    elif value is None:
        # `name` alone may be the complete reference.
        value, name = name, None
    if value is None:
        raise TypeError(f"the {what} is missing; pass 'owner/name', or owner and name")
    if what == "model":
        no_deployment(value, what)
    return {"owner": reference(value)} if name is None else {"owner": str(value), "name": name}


def version_of(
    model: Optional[Reference], name: Optional[str], id: Optional[str], owner: Optional[str]
) -> Dict[str, str]:
    """Returns the owner, name and id of a version. After `"owner/name"`, `name` may be the id."""
    complete = "/" in model if isinstance(model, str) else model is not None
    if complete and id is None and owner is None:
        name, id = None, name
    if id is None:
        raise TypeError("`id` is missing; pass the id of the version")
    return {**owner_and_name(model, name, owner), "id": id}


def resolve(ref: Reference) -> Tuple[Optional[Any], Optional[str], Optional[str], Optional[str]]:
    """Returns the version object, owner, name and version id of a reference; None for missing parts."""
    if isinstance(ref, (str, tuple)):
        parts: Any = ModelVersionIdentifier.parse(ref) if isinstance(ref, str) else cast(Any, ref)
        owner, name, version = ModelVersionIdentifier(*parts)
        return None, owner, name, version
    if getattr(ref, "owner", None):
        return None, ref.owner, ref.name, None
    return ref, None, None, ref.id
