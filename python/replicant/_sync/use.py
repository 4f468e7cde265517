# Derived from _async/use.py by python/scripts/unasync.py: change that file, not this one.
"""Models as functions."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .._errors import ReplicateException
from .._events import EventStream
from .._objects import Version
from .._refs import DEPLOYMENTS, Reference, maybe_version, reference
from .._use_outputs import OutputIterator, is_text, shaped
from .prediction import Prediction


class Function:
    """A model as a function whose keyword arguments are the inputs of the model.

    Text that a model writes in pieces is returned as one string, a file as a `URLPath`, which can be opened
    like a path. The output of one function can be an input of another.
    """

    __slots__ = ("_client", "_ref", "_schema", "_streaming", "_target")

    def __init__(self, client: Any, ref: Reference, streaming: bool = False) -> None:
        self._client = client
        # A class may have the complete reference as its `name`.
        named = ref if hasattr(ref, "owner") else getattr(ref, "name", ref)
        self._target = maybe_version(named)
        self._ref = self._target if isinstance(self._target, str) else reference(named)
        self._streaming = streaming
        self._schema: Optional[Dict[str, Any]] = None

    def __call__(self, **inputs: Any) -> Any:
        """Runs the model and returns its output, or an iterator over it if `streaming` is true."""
        if self._streaming:
            return self._stream(self._plain(inputs))
        params = {"ref": self._target, "input": self._plain(inputs)}
        return self._shape(self._client._call("run", params))

    def create(self, **inputs: Any) -> Run:
        """Creates a prediction without waiting for it.

        `POST /predictions` or `POST /models/{owner}/{name}/predictions`

        Args:
            inputs: The model's inputs.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        return Run(self._start(self._plain(inputs)), self)

    def openapi_schema(self) -> Dict[str, Any]:
        """Returns the schema of the model's input and output, fetched once.

        `GET /models/{owner}/{name}` or `GET /models/{owner}/{name}/versions/{id}`

        Raises:
            NotFoundError: There is no such model.
        """
        if self._schema is None:
            self._schema = self._fetch_schema()
        return self._schema

    def default_example(self) -> Optional[Prediction]:
        """Fetches the prediction shown on the page of the model, if there is one.

        `GET /models/{owner}/{name}`

        Raises:
            NotFoundError: There is no such model.
        """
        model = (self._model()).partition(":")[0]
        found: Optional[Prediction] = (self._client.models.get(model)).default_example
        return found

    def _fetch_schema(self) -> Dict[str, Any]:
        model, _, id = (self._model()).partition(":")
        version: Optional[Version] = None
        if "/" in model and id:
            version = self._client.models.versions.get(model, id=id)
        elif "/" in model:
            version = (self._client.models.get(model)).latest_version
        return (version.openapi_schema if version else None) or {}

    def _model(self) -> str:
        """Returns the reference to the model, or to the version that a deployment runs."""
        if not self._ref.startswith(DEPLOYMENTS):
            return self._ref
        name = self._ref[len(DEPLOYMENTS) :]
        release = (self._client.deployments.get(name)).current_release
        return f"{release.model}:{release.version}" if release else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._ref!r})"

    def _start(self, inputs: Dict[str, Any]) -> Prediction:
        by_version = ":" in self._ref or "/" not in self._ref
        target: Dict[str, Any] = {"version" if by_version else "model": self._target}
        if self._ref.startswith(DEPLOYMENTS):
            target = {"deployment": self._ref[len(DEPLOYMENTS) :]}
        data = self._client._call("predictions.create", {**target, "input": inputs})
        return Prediction(data, self._client)

    def _stream(self, inputs: Dict[str, Any]) -> OutputIterator:
        text = is_text(self.openapi_schema())
        params = {"ref": self._target, "input": inputs, "poll_output": True}
        return OutputIterator(lambda: EventStream(self._client, "stream", params), text)

    def _shape(self, output: Any) -> Any:
        # A list of strings is either a list or one text in pieces; only the schema tells.
        items: List[Any] = output if output.__class__ is list else []
        if not items or not all(isinstance(item, str) for item in items):
            return shaped(output)
        try:
            schema = self.openapi_schema()
        except ReplicateException:
            # The output is billed: return it unchanged rather than fail.
            schema = {}
        return shaped(output, is_text(schema))

    def _plain(self, inputs: Dict[str, Any]) -> Dict[str, Any]:
        return {
            name: value._whole() if isinstance(value, OutputIterator) else value
            for name, value in inputs.items()
        }


class Run:
    """A prediction that was created by `create` of a function."""

    __slots__ = ("_function", "prediction")

    prediction: Prediction
    """The prediction, as last fetched."""

    def __init__(self, prediction: Prediction, function: Function) -> None:
        self.prediction = prediction
        self._function = function

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.prediction!r})"

    def output(self) -> Any:
        """Waits for the prediction and returns its output.

        `GET /predictions/{id}`, until it has ended.

        Raises:
            ModelError: The prediction failed or was canceled.
        """
        prediction = self.prediction
        data = prediction._bound._call("predictions.wait", {"id": prediction.id, "raise": True})
        prediction._update(data)
        output = prediction._bound.predictions.output(prediction)
        return self._function._shape(output)

    def logs(self) -> Optional[str]:
        """Fetches the logs so far.

        `GET /predictions/{id}`

        Raises:
            NotFoundError: There is no such prediction.
        """
        self.prediction.reload()
        return self.prediction.logs
