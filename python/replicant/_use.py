"""The function `replicant.use`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union, overload

from ._refs import Reference

if TYPE_CHECKING:
    from ._async.use import AsyncFunction
    from ._sync.use import Function
else:
    # Not imported for `typing.get_type_hints` alone.
    AsyncFunction = Function = Any


@overload
def use(
    ref: Reference, *, hint: Any = None, streaming: bool = False, use_async: Literal[False] = False
) -> Function: ...
@overload
def use(
    ref: Reference, *, hint: Any = None, streaming: bool = False, use_async: Literal[True]
) -> AsyncFunction: ...
def use(
    ref: Reference, *, hint: Any = None, streaming: bool = False, use_async: bool = False
) -> Union[Function, AsyncFunction]:
    """Returns a model as a function of its inputs, with the default client.

    Args:
        ref: The model, as `owner/name`, `owner/name:version` or an object.
        hint: A function with the signature of the model, for readers of the code; not used.
        streaming: Whether calls return an iterator over the output as it arrives.
        use_async: Whether calls are awaited.
    """
    from ._default import default_async_client, default_client

    if use_async:
        return default_async_client.use(ref, hint=hint, streaming=streaming)
    return default_client.use(ref, hint=hint, streaming=streaming)
