"""The JSON Schemas of a function that is a model: of its parameters and of its result."""

from __future__ import annotations

import collections.abc
import enum
import functools
import inspect
import json
import types
import typing
from typing import Any, Callable, Dict, List, Optional

from .input_types import ANYTHING, InputType, type_of

_ITERATORS = (
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
)


class Annotations:
    """Evaluates the annotations of a function, each by itself.

    Args:
        function: The function.
        frame: The frame that defines the model. Types may be local to it, as the function is.
    """

    def __init__(self, function: Callable[..., Any], frame: types.FrameType) -> None:
        self._globals: Dict[str, Any] = getattr(_innermost(function), "__globals__", {})
        is_local = frame.f_globals is self._globals
        self._locals: Dict[str, Any] = dict(frame.f_locals) if is_local else {}

    def evaluate(self, annotation: Any) -> Any:
        """Returns the type that an annotation means.

        Raises:
            Exception: It cannot be evaluated.
        """
        if annotation is inspect.Signature.empty:
            return Any
        holder: Any = types.SimpleNamespace(__annotations__={"it": annotation})
        return typing.get_type_hints(holder, self._globals, self._locals)["it"]


def parameters_of(function: Callable[..., Any]) -> List[inspect.Parameter]:
    """Returns the parameters of a function.

    Raises:
        TypeError: A parameter has no name.
    """
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise TypeError(
                f"`{parameter.name}` must be a named parameter: the input is passed by name"
            )
    return parameters


def parameter_type(
    parameter: inspect.Parameter, annotations: Annotations, is_declared: bool
) -> InputType:
    """Returns the type of a parameter.

    Args:
        parameter: The parameter.
        annotations: Those of the function.
        is_declared: Whether the test declares the schema, so that an annotation need not have one.

    Raises:
        TypeError: The annotation cannot be evaluated, or an input cannot have its type.
    """
    written = parameter.annotation
    try:
        hint = annotations.evaluate(written)
    # The annotation is code of the test.
    except Exception as error:
        problem = f"cannot be evaluated ({error}): import its names where the model is defined"
    else:
        try:
            return type_of(hint)
        except TypeError as error:
            problem = f"is not a type of inputs: {error}"
    if is_declared:
        return ANYTHING
    text = written if isinstance(written, str) else inspect.formatannotation(written)
    raise TypeError(
        f"`{parameter.name}`: the annotation {text} {problem}; "
        "or pass a JSON Schema as `input=`, to receive JSON"
    )


def input_schema(
    parameters: List[inspect.Parameter], kinds: Dict[str, InputType]
) -> Dict[str, Any]:
    """Returns the schema of the input: one member for each parameter."""
    properties: Dict[str, Any] = {}
    required: List[str] = []
    named = [each for each in parameters if each.kind is not each.VAR_KEYWORD]
    for order, parameter in enumerate(named):
        kind, default = kinds[parameter.name], parameter.default
        schema: Dict[str, Any] = {
            "title": parameter.name.replace("_", " ").title(),
            "x-order": order,
        }
        schema.update(kind.schema)
        if isinstance(default, enum.Enum) and not kind.is_json:
            default = default.value
        if default is inspect.Parameter.empty:
            required.append(parameter.name)
        elif default is not None and _is_json(default):
            schema["default"] = default
        properties[parameter.name] = schema
    found: Dict[str, Any] = {"type": "object", "title": "Input", "properties": properties}
    return {**found, "required": required} if required else found


def output_schema(
    function: Callable[..., Any], annotations: Annotations
) -> Optional[Dict[str, Any]]:
    """Returns the schema of the output, or `None` if the function does not declare its result."""
    try:
        hint = annotations.evaluate(inspect.signature(function).return_annotation)
    # The annotation is code of the test, and the output is what it is.
    except Exception:
        return None
    if hint in (Any, type(None)):
        return None
    if typing.get_origin(hint) in _ITERATORS:
        items = _schema_of((*typing.get_args(hint), Any)[0])
        found = {"type": "array", "items": items, "title": "Output", "x-cog-array-type": "iterator"}
        return (
            {**found, "x-cog-array-display": "concatenate"}
            if items.get("type") == "string"
            else found
        )
    return {"title": "Output", **_schema_of(hint)}


def is_stream(function: Callable[..., Any]) -> bool:
    """Returns whether a function is a generator, whose items are the output."""
    inner = _innermost(function)
    return inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)


def _innermost(function: Callable[..., Any]) -> Any:
    """Returns the function below decorators, partial arguments and objects with `__call__`."""
    found: Any = inspect.unwrap(function)
    partial: Any = functools.partial
    while isinstance(found, partial):
        found = inspect.unwrap(found.func)
    return found if inspect.isroutine(found) or inspect.isclass(found) else found.__call__


def _schema_of(hint: Any) -> Dict[str, Any]:
    """Returns the JSON Schema of a type, an empty one if it has none."""
    try:
        return type_of(hint).schema
    except TypeError:
        return {}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
