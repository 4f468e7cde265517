"""Models as functions."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .._errors import ReplicateException
from .._events import EventStream
from .._objects import Version
from .._refs import DEPLOYMENTS, Reference, maybe_version, reference
from .._use_outputs import AsyncOutputIterator, is_text, shaped
from .prediction import AsyncPrediction


class AsyncFunction:
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

    async def __call__(self, **inputs: Any) -> Any:
        """Runs the model and returns its output, or an iterator over it if `streaming` is true."""
        if self._streaming:
            return await self._stream(await self._plain(inputs))
        params = {"ref": self._target, "input": await self._plain(inputs)}
        return await self._shape(await self._client._call("run", params))

    async def create(self, **inputs: Any) -> AsyncRun:
        """Creates a prediction without waiting for it.

        `POST /predictions` or `POST /models/{owner}/{name}/predictions`

        Args:
            inputs: The model's inputs.

        Raises:
            UnprocessableEntityError: The API refused the input.
            OutcomeUnknownError: The request was sent and no response arrived.
        """
        return AsyncRun(await self._start(await self._plain(inputs)), self)

    async def openapi_schema(self) -> Dict[str, Any]:
        """Returns the schema of the model's input and output, fetched once.

        `GET /models/{owner}/{name}` or `GET /models/{owner}/{name}/versions/{id}`

        Raises:
            NotFoundError: There is no such model.
        """
        if self._schema is None:
            self._schema = await self._fetch_schema()
        return self._schema

    async def default_example(self) -> Optional[AsyncPrediction]:
        """Fetches the prediction shown on the page of the model, if there is one.

        `GET /models/{owner}/{name}`

        Raises:
            NotFoundError: There is no such model.
        """
        model = (await self._model()).partition(":")[0]
        found: Optional[AsyncPrediction] = (await self._client.models.get(model)).default_example
        return found

    async def _fetch_schema(self) -> Dict[str, Any]:
        model, _, id = (await self._model()).partition(":")
        version: Optional[Version] = None
        if "/" in model and id:
            version = await self._client.models.versions.get(model, id=id)
        elif "/" in model:
            version = (await self._client.models.get(model)).latest_version
        return (version.openapi_schema if version else None) or {}

    async def _model(self) -> str:
        """Returns the reference to the model, or to the version that a deployment runs."""
        if not self._ref.startswith(DEPLOYMENTS):
            return self._ref
        name = self._ref[len(DEPLOYMENTS) :]
        release = (await self._client.deployments.get(name)).current_release
        return f"{release.model}:{release.version}" if release else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._ref!r})"

    async def _start(self, inputs: Dict[str, Any]) -> AsyncPrediction:
        by_version = ":" in self._ref or "/" not in self._ref
        target: Dict[str, Any] = {"version" if by_version else "model": self._target}
        if self._ref.startswith(DEPLOYMENTS):
            target = {"deployment": self._ref[len(DEPLOYMENTS) :]}
        data = await self._client._call("predictions.create", {**target, "input": inputs})
        return AsyncPrediction(data, self._client)

    async def _stream(self, inputs: Dict[str, Any]) -> AsyncOutputIterator:
        text = is_text(await self.openapi_schema())
        params = {"ref": self._target, "input": inputs, "poll_output": True}
        return AsyncOutputIterator(lambda: EventStream(self._client, "stream", params), text)

    async def _shape(self, output: Any) -> Any:
        # A list of strings is either a list or one text in pieces; only the schema tells.
        items: List[Any] = output if output.__class__ is list else []
        if not items or not all(isinstance(item, str) for item in items):
            return shaped(output)
        try:
            schema = await self.openapi_schema()
        except ReplicateException:
            # The output is billed: return it unchanged rather than fail.
            schema = {}
        return shaped(output, is_text(schema))

    async def _plain(self, inputs: Dict[str, Any]) -> Dict[str, Any]:
        return {
            name: await value._whole() if isinstance(value, AsyncOutputIterator) else value
            for name, value in inputs.items()
        }


class AsyncRun:
    """A prediction that was created by `create` of a function."""

    __slots__ = ("_function", "prediction")

    prediction: AsyncPrediction
    """The prediction, as last fetched."""

    def __init__(self, prediction: AsyncPrediction, function: AsyncFunction) -> None:
        self.prediction = prediction
        self._function = function

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.prediction!r})"

    async def output(self) -> Any:
        """Waits for the prediction and returns its output.

        `GET /predictions/{id}`, until it has ended.

        Raises:
            ModelError: The prediction failed or was canceled.
        """
        prediction = self.prediction
        data = await prediction._bound._call(
            "predictions.wait", {"id": prediction.id, "raise": True}
        )
        prediction._update(data)
        output = await prediction._bound.predictions.output(prediction)
        return await self._function._shape(output)

    async def logs(self) -> Optional[str]:
        """Fetches the logs so far.

        `GET /predictions/{id}`

        Raises:
            NotFoundError: There is no such prediction.
        """
        await self.prediction.reload()
        return self.prediction.logs
