"""`use` of the module itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Union, overload

if TYPE_CHECKING:
    from ._async.use import AsyncFunction
    from ._refs import Reference
    from ._sync.use import Function


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
    """A model as a function of its inputs, with the default client.

    Args:
        ref: the model, as `owner/name`, `owner/name:version` or as an object.
        hint: a function whose signature stands for the model's; only for the reader.
        streaming: whether calls give an iterator of the output, as it comes.
        use_async: whether calls are awaited.
    """
    from ._default import default_async_client, default_client

    if use_async:
        return default_async_client.use(ref, hint=hint, streaming=streaming)
    return default_client.use(ref, hint=hint, streaming=streaming)
