"""The types of parameters: the JSON Schema of each, and the conversion of a value of an input to it."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import io
import types
import typing
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    List,
    NamedTuple,
    Sequence,
    Set,
    Tuple,
    Type,
    cast,
)

if TYPE_CHECKING:
    from .files import Files

Read = Callable[["Files", str, Any], Any]

_SCALARS: Dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_FILES: Dict[Any, Callable[[bytes], Any]] = {
    bytes: bytes,
    bytearray: bytearray,
    typing.BinaryIO: io.BytesIO,
    typing.IO[bytes]: io.BytesIO,
    io.BytesIO: io.BytesIO,
}
_ARRAYS: Dict[Any, Callable[[List[Any]], Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: list,
    collections.abc.Collection: list,
    collections.abc.Iterable: list,
}
_OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
_UNSUPPORTED = (
    "use str, int, float, bool, Path, bytes, BinaryIO, an Enum, a Literal, a TypedDict, "
    "a list, set or dict of these, or a union of types that JSON tells apart"
)


class InputType(NamedTuple):
    """The type of a parameter, or of a part of it.

    Attributes:
        schema: Its JSON Schema.
        read: Converts a value of an input; gets the name of the parameter, too.
        is_json: Whether values of JSON are of this type without a conversion.
    """

    schema: Dict[str, Any]
    read: Read
    is_json: bool


def _as_it_is(files: Files, name: str, value: Any) -> Any:
    return value


ANYTHING = InputType({}, _as_it_is, is_json=True)


def type_of(hint: Any) -> InputType:
    """Returns what an annotation means for an input.

    Raises:
        TypeError: An input cannot have this type.
    """
    # Those of `NewType` and of a `type` statement.
    inner = getattr(hint, "__supertype__", None) or getattr(hint, "__value__", None)
    if inner is not None:
        return type_of(inner)
    base, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if hint in (Any, object, None, type(None)):
        return ANYTHING
    if base in _UNIONS:
        return _union(arguments)
    if hint in _SCALARS:
        return _scalar(hint)
    if hint is Path or hint in _FILES:
        return _file(hint)
    if base is typing.Literal:
        return ANYTHING._replace(schema=_choices(arguments))
    if base in _ARRAYS:
        return _array(_ARRAYS[base], arguments)
    if base in _OBJECTS:
        return _object(arguments)
    if inspect.isclass(base) and issubclass(base, enum.Enum):
        return _enum(base)
    if hasattr(hint, "__total__"):
        return _typed_dict(hint)
    raise TypeError(_UNSUPPORTED)


def read_as(kind: InputType, files: Files, name: str, value: Any) -> Any:
    """Returns a value of an input as a type. A null is None for every type."""
    return None if value is None else kind.read(files, name, value)


def _union(arguments: Tuple[Any, ...]) -> InputType:
    members = [type_of(argument) for argument in arguments if argument is not type(None)]
    if len(members) == 1:
        return members[0]._replace(schema={**members[0].schema, "nullable": True})
    if all(member.is_json for member in members):
        return ANYTHING
    # A string may be a text or the URL of a file.
    raise TypeError(_UNSUPPORTED)


def _scalar(kind: Any) -> InputType:
    def read(files: Files, name: str, value: Any) -> Any:
        # JSON does not tell 1 from 1.0.
        return kind(value) if kind in (int, float) and type(value) in (int, float) else value

    return InputType({"type": _SCALARS[kind]}, read, is_json=True)


def _file(kind: Any) -> InputType:
    def read(files: Files, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return files.path(name, value) if kind is Path else _FILES[kind](files.content(name, value))

    return InputType({"type": "string", "format": "uri"}, read, is_json=False)


def _enum(kind: Type[enum.Enum]) -> InputType:
    def read(files: Files, name: str, value: Any) -> Any:
        return kind(value)

    return InputType(_choices([member.value for member in kind]), read, is_json=False)


def _choices(values: Sequence[Any]) -> Dict[str, Any]:
    kinds: Set[Any] = {type(value) for value in values}
    if not kinds <= {*_SCALARS, type(None)}:
        raise TypeError(_UNSUPPORTED)
    kind = _SCALARS.get(kinds.pop()) if len(kinds) == 1 else None
    return {"type": kind, "enum": [*values]} if kind else {"enum": [*values]}


def _array(build: Callable[[List[Any]], Any], arguments: Tuple[Any, ...]) -> InputType:
    if build is tuple and arguments and arguments[1:] != (...,):
        raise TypeError(_UNSUPPORTED)
    item = type_of(arguments[0]) if arguments else ANYTHING

    def read(files: Files, name: str, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return build([read_as(item, files, name, each) for each in cast(Sequence[Any], value)])

    schema = {"type": "array", "items": item.schema}
    return InputType(schema, read, is_json=item.is_json and build is list)


def _object(arguments: Tuple[Any, ...]) -> InputType:
    key, member = arguments or (str, Any)
    if key not in (str, Any):
        raise TypeError(_UNSUPPORTED)
    every = type_of(member)
    return _members(lambda _: every, every.is_json)


def _typed_dict(hint: Any) -> InputType:
    members = {name: type_of(member) for name, member in typing.get_type_hints(hint).items()}
    is_json = all(member.is_json for member in members.values())
    return _members(lambda name: members.get(name, ANYTHING), is_json)


def _members(type_named: Callable[[str], InputType], is_json: bool) -> InputType:
    def read(files: Files, name: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        members = cast(Dict[str, Any], value).items()
        return {key: read_as(type_named(key), files, name, member) for key, member in members}

    return InputType({"type": "object"}, read, is_json)
