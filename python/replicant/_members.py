"""The members of an object, with the response that they came in."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple


class Members(Dict[str, Any]):
    """A dictionary that the native module builds from a response. A copy is an ordinary dictionary."""

    __slots__ = ("response",)

    response: Any
    """Returns the status and the headers when called."""

    def __reduce_ex__(self, _protocol: Any) -> Tuple[Any, ...]:
        return dict, (dict(self),)

    def copy(self) -> Dict[str, Any]:
        """Returns a copy, which is an ordinary dictionary."""
        return dict(self)


class Part(Dict[str, Any]):
    """The members of a copy that omits others: what is missing is not None but absent."""

    __slots__ = ()


def response_of(members: Any) -> List[Any]:
    """Returns the status and the headers of the response that `members` came in; empty if there is none."""
    response = getattr(members, "response", None)
    return [] if response is None else list(response())
