"""The JSON Schemas of a function that is a model: of its parameters and of its result."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import io
import json
import typing
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

FILES = (bytes, bytearray, Path, typing.BinaryIO, io.BytesIO)
_PLAIN: Dict[Any, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
}
_ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


def hints_of(function: Callable[..., Any]) -> Dict[str, Any]:
    """Returns the annotations of a function that can be evaluated."""
    try:
        return typing.get_type_hints(function)
    except Exception:
        # A name may be local to the test.
        return {}


def without_none(hint: Any) -> Tuple[Any, bool]:
    """Returns the type in `Optional[type]`, and whether it was optional."""
    arguments = typing.get_args(hint)
    if type(None) in arguments:
        rest = [argument for argument in arguments if argument is not type(None)]
        return (rest[0] if len(rest) == 1 else Any), True
    return hint, False


def schema_of(hint: Any) -> Dict[str, Any]:
    """Returns the JSON Schema of a type, an empty one if it is unknown."""
    hint, _ = without_none(hint)
    if hint in FILES:
        return {"type": "string", "format": "uri"}
    if isinstance(hint, type) and hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return {"type": _PLAIN.get(type(arguments[0]), "string"), "enum": list(arguments)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [member.value for member in hint]}
    if hint is list or origin in (list, collections.abc.Sequence):
        items = schema_of(arguments[0]) if arguments else {}
        return {"type": "array", "items": items}
    if origin in (dict, collections.abc.Mapping):
        return {"type": "object"}
    return {}


def input_schema(function: Callable[..., Any]) -> Dict[str, Any]:
    """Returns the schema of the input: one member for each parameter."""
    hints = hints_of(function)
    properties: Dict[str, Any] = {}
    required: List[str] = []
    for order, parameter in enumerate(named_parameters(function)):
        hint = hints.get(parameter.name, Any)
        schema = {"title": parameter.name.replace("_", " ").title(), "x-order": order}
        schema.update(schema_of(hint))
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
        elif parameter.default is not None and _is_json(parameter.default):
            schema["default"] = parameter.default
        properties[parameter.name] = schema
    found: Dict[str, Any] = {"type": "object", "title": "Input", "properties": properties}
    return {**found, "required": required} if required else found


def named_parameters(function: Callable[..., Any]) -> List[inspect.Parameter]:
    """Returns the parameters that an input fills by name.

    Raises:
        TypeError: A parameter has no name.
    """
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise TypeError(
                f"`{parameter.name}` must be a named parameter: the input is passed by name"
            )
    return [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]


def output_schema(function: Callable[..., Any]) -> Optional[Dict[str, Any]]:
    """Returns the schema of the output, or `None` if the function does not declare its result."""
    hint = hints_of(function).get("return", inspect.Signature.empty)
    if hint in (inspect.Signature.empty, Any, type(None)):
        return None
    if typing.get_origin(hint) in _ITERATORS:
        items = schema_of(typing.get_args(hint)[0])
        found = {"type": "array", "items": items, "title": "Output", "x-cog-array-type": "iterator"}
        return (
            {**found, "x-cog-array-display": "concatenate"}
            if items.get("type") == "string"
            else found
        )
    return {"title": "Output", **schema_of(hint)}


def is_stream(function: Callable[..., Any]) -> bool:
    """Returns whether a function is a generator, whose items are the output."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
