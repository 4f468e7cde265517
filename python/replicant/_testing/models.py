"""Functions of a test that are models."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from .input_types import InputType, read_as
from .schema import (
    Annotations,
    input_schema,
    is_stream,
    output_schema,
    parameter_type,
    parameters_of,
)

if TYPE_CHECKING:
    from .files import Files


class Model:
    """A function that is a model.

    Args:
        function: The function.
        frame: The frame that defines the model.
        input: The JSON Schema of the input. Defaults to that of the parameters.

    Attributes:
        input: The JSON Schema of the input.
        output: The JSON Schema of the output, if the function declares it.
        streams: Whether the items of the output are emitted one by one.

    Raises:
        TypeError: A parameter has no name, or an input cannot have its type.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        frame: types.FrameType,
        input: Optional[Dict[str, Any]] = None,
    ) -> None:
        annotations = Annotations(function, frame)
        parameters = parameters_of(function)
        kinds = {
            each.name: parameter_type(each, annotations, is_declared=input is not None)
            for each in parameters
        }
        self.function = function
        self.input = input_schema(parameters, kinds) if input is None else input
        self.output = output_schema(function, annotations)
        self.streams = is_stream(function)
        # The type of what `**parameter` receives.
        rest = [each.name for each in parameters if each.kind is each.VAR_KEYWORD]
        self._others: Optional[InputType] = kinds.pop(rest[0]) if rest else None
        self._kinds = kinds

    def arguments(self, files: Files, input: Dict[str, Any]) -> Dict[str, Any]:
        """Returns the arguments of the function, by name, for an input."""
        found = [(name, self._kinds.get(name, self._others)) for name in input]
        return {name: read_as(kind, files, name, input[name]) for name, kind in found if kind}
