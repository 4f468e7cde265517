"""What the two clients share: how a method reaches the core."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Awaitable,
    Callable,
    Dict,
    List,
    Optional,
    Type,
    TypeVar,
    Union,
)

from ._page import AwaitablePage, Page

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._native import Client as NativeClient
    from ._object import Json
    from ._sync.client import Client

    AnyClient = Union[Client, AsyncClient]

T = TypeVar("T")
C = TypeVar("C", bound="ClientBase")
# The options that one request can have of its own, and those of them that are tables.
_OF_A_REQUEST = ("timeout", "max_retries", "headers", "query")
_TABLES = ("headers", "query")
Observer = Optional[Callable[[Any], object]]


def given(**params: Any) -> Dict[str, Any]:
    """The parameters that were given, which are those that are not None."""
    return {name: value for name, value in params.items() if value is not None}


def _of(methods: object, client: object) -> str:
    return f"<{type(methods).__name__} of {client!r}>"


def _adapter(transport: Any) -> Any:
    if transport is None:
        return None
    from ._transport import Adapter

    return transport if isinstance(transport, Adapter) else Adapter(transport)


class ClientBase:
    """A client of the core, made when it is first needed or when the options are to be checked."""

    _options: Json
    _made: Optional[NativeClient]
    _transport: Any = None
    # What every request of this client asks for beyond the options; shared by no other client.
    _request: Json = {}
    # Where statuses and headers are kept for `with_raw_response`.
    _answers: Optional[List[Any]] = None

    def _setup(self, options: Json, *, transport: Any = None, now: bool = True) -> None:
        self._options = options
        self._transport = _adapter(transport)
        self._made = None
        if now:
            self._native  # noqa: B018  # so that a wrong option is refused here

    @property
    def _native(self) -> NativeClient:
        made = self._made
        if made is None:
            from ._native import Client as NativeClient

            made = self._made = NativeClient(self._resolved_options(), self._transport)
        return made

    def _resolved_options(self) -> Json:
        return self._options

    def _asked(self, params: Json) -> Json:
        return {**params, "request_options": self._request} if self._request else params

    def _noted(self, answer: Any) -> Any:
        value, *about = answer
        if self._answers is not None:
            self._answers[:] = about
        return value

    def _differing(self, cls: Type[C], changes: Json, answers: Optional[List[Any]] = None) -> C:
        """A client of `cls` with other options; it shares the connections if it can."""
        request = dict(self._request)
        for name in _OF_A_REQUEST:
            change = changes.pop(name, None)
            if change is not None:
                request[name] = {**request.get(name, {}), **change} if name in _TABLES else change
        other = cls.__new__(cls)
        if changes:
            other._setup({**self._resolved_options(), **changes}, transport=self._transport)
        else:
            other._options, other._transport, other._made = (
                self._options,
                self._transport,
                self._native,
            )
        other._request = request
        other._answers = answers
        return other

    def _option(self, name: str) -> Any:
        return self._native.describe().get(name)

    @property
    def base_url(self) -> str:
        """Where the API is, with its version."""
        url: str = self._option("base_url")
        return url

    @property
    def timeout(self) -> Optional[float]:
        """How many seconds an attempt of a request may take."""
        seconds: Optional[float] = self._request.get("timeout", self._option("timeout"))
        return seconds

    @property
    def max_retries(self) -> int:
        """How often a request is sent again at most."""
        count: int = self._request.get("max_retries", self._option("max_retries"))
        return count

    @property
    def poll_interval(self) -> Optional[float]:
        """How many seconds lie between two looks at a running prediction, if that was set."""
        seconds: Optional[float] = self._option("poll_interval")
        return seconds

    @property
    def user_agent(self) -> str:
        """What the client calls itself."""
        agent: str = self._option("user_agent")
        return agent

    def __repr__(self) -> str:
        # The default client is not made for this, as that would settle its options.
        where = "" if self._made is None else f" {self.base_url}"
        return f"<replicant.{type(self).__name__.lstrip('_')}{where}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a client holds a token and is not pickled: make one where it is needed instead"
        )


class AsyncCalls(ClientBase):
    """How awaitable methods reach the core."""

    # Not coroutines: one more for each call costs as much as the rest of it on this side.
    def _async_call(
        self, operation: str, params: Json, observer: Observer = None
    ) -> Awaitable[Any]:
        if self._answers is not None:
            return self._async_call_noted(operation, params, observer)
        return self._native.call_async(operation, self._asked(params), observer, False, self)

    async def _async_call_noted(self, operation: str, params: Json, observer: Observer) -> Any:
        return self._noted(await self._async_call_raw(operation, params, observer))

    def _async_call_raw(
        self, operation: str, params: Json, observer: Observer = None
    ) -> Awaitable[Any]:
        return self._native.call_async(operation, self._asked(params), observer, True, self)

    def _async_list(self, operation: str, item: Any, params: Json) -> AwaitablePage[Any]:
        return AwaitablePage(self, operation, item, params)


class AsyncBase(AsyncCalls):
    """The base of `AsyncClient`."""

    _call = AsyncCalls._async_call
    _call_raw = AsyncCalls._async_call_raw
    _list = AsyncCalls._async_list


class Calls(AsyncCalls):
    """How methods of `Client` reach the core, in both forms."""

    def _call(self, operation: str, params: Json, observer: Observer = None) -> Any:
        if self._answers is not None:
            return self._noted(self._call_raw(operation, params, observer))
        return self._native.call(operation, self._asked(params), observer, False, self)

    def _call_raw(self, operation: str, params: Json, observer: Observer = None) -> Any:
        return self._native.call(operation, self._asked(params), observer, True, self)

    def _list(self, operation: str, item: Any, params: Json) -> Page[Any]:
        return Page(self, operation, item, self._call(operation, params))


class Base(Calls):
    """The base of `Client`."""


class AsyncNamespace:
    """Methods that belong together, bound to a client."""

    __slots__ = ("_client",)

    _client: AsyncClient

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return _of(self, self._client)


class Namespace:
    """Methods that belong together, bound to a client."""

    __slots__ = ("_client",)

    _client: Client

    def __init__(self, client: Client) -> None:
        self._client = client

    def __repr__(self) -> str:
        return _of(self, self._client)
