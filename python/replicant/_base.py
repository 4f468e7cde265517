"""What the two clients share: how a method reaches the core."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    Awaitable,
    Callable,
    Dict,
    List,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
)

from ._guarded import Guarded
from ._options import given as given
from ._options import options_from, without_secrets
from ._page import AwaitablePage, Page
from ._response import RawResponse
from ._scope import token_of_cog

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
# How many Cog scopes' clients are kept at a time.
_SCOPES = 16


def _of(methods: object, client: object) -> str:
    return f"<{type(methods).__name__} of {client!r}>"


def _of_httpx(base_url: str, method: str, path: str, options: Json) -> Json:
    data = options.get("json", options.get("content"))
    if "://" not in path:
        # The version is a part of our base URL, but in 1.x a part of the path.
        path = f"{base_url[:-3] if base_url.endswith('/v1') else base_url}/{path.lstrip('/')}"
    return given(
        method=method,
        path=path,
        params=options.get("params"),
        headers=options.get("headers"),
        data=data,
    )


def adapter(transport: Any) -> Any:
    if transport is None:
        return None
    from ._transport import Adapter

    return transport if isinstance(transport, Adapter) else Adapter(transport)


def _setting(name: str, doc: str) -> Any:
    """An option of a client as an attribute that can be read and set."""

    def get(client: ClientBase) -> Any:
        return client._request_options.get(name, client._option(name))

    def set(client: ClientBase, value: Any) -> None:
        client._set_option(name, value)

    return property(get, set, doc=doc)


def _token(doc: str) -> Any:
    def get(client: ClientBase) -> Optional[str]:
        own: Optional[str] = client._resolved_options().get("token")
        return client._ambient_token()[0] if own is None else own

    def set(client: ClientBase, token: Optional[str]) -> None:
        client._lost_token = False
        client._set_option("token", token)

    return property(get, set, doc=doc)


class ClientBase(Guarded):
    """A client of the core, made on first use or when the options are to be checked."""

    _options: Json
    _made: Optional[NativeClient]
    # The token of the environment that `_made` was made with, if it has none of its own.
    _made_with: Optional[str] = None
    _transport: Any = None
    # Request options of this client; not shared with other clients.
    _request_options: Json = {}
    # Where `with_raw_response` keeps statuses and headers.
    _answers: Optional[List[Any]] = None
    # Whether this is a copy from a pickle of a client that was given a token.
    _lost_token = False

    def _setup(self, options: Json, *, transport: Any = None, now: bool = True) -> None:
        self._options = options
        self._transport = adapter(transport)
        self._made = None
        if now:
            self._native  # noqa: B018  # so that a wrong option is refused here

    @property
    def _native(self) -> NativeClient:
        made = self._made
        if made is not None and "token" in self._options:
            return made
        token, scoped = self._ambient_token()
        if scoped:
            return self._of_scope(token or "")
        if made is None or token != self._made_with:
            made = self._made = self._new(self._resolved_options())
            self._made_with = token
        return made

    def _new(self, options: Json) -> NativeClient:
        from ._native import Client as NativeClient

        return NativeClient(options, self._transport)

    def _ambient_token(self) -> Tuple[Optional[str], bool]:
        """The token of the Cog scope or the environment, and whether it is the scope's."""
        if "token" in self._options:
            return None, False
        scoped = token_of_cog()
        if scoped is not None:
            return scoped, True
        token = os.environ.get("REPLICATE_API_TOKEN")
        if self._lost_token and not token:
            raise _lost_token()
        return token, False

    def _of_scope(self, token: str) -> NativeClient:
        """The client of one Cog scope: one user's token must not serve another's request."""
        # Runs, streams and files keep the client they began with, and so its token.
        scopes: Dict[str, NativeClient] = self.__dict__.setdefault("_scopes", {})
        found = scopes.get(token)
        if found is None:
            while len(scopes) >= _SCOPES:
                scopes.pop(next(iter(scopes)), None)
            found = scopes[token] = self._new({**self._resolved_options(), "token": token})
        return found

    def _resolved_options(self) -> Json:
        return self._options

    def _set_option(self, name: str, value: Any) -> None:
        """Changes an option for the requests that follow; those under way are not affected."""
        changes = options_from(**{name: value})
        options = {key: old for key, old in self._options.items() if key != name}
        before = self._options, self._made, self._request_options
        self._options = {**options, **changes}
        self._request_options = {
            key: old for key, old in self._request_options.items() if key != name
        }
        self._made = None
        self.__dict__.pop("_scopes", None)
        try:
            self._native  # noqa: B018  # so that a wrong value is refused here
        except BaseException:
            self._options, self._made, self._request_options = before
            raise

    def _asked(self, params: Json) -> Json:
        return (
            {**params, "request_options": self._request_options}
            if self._request_options
            else params
        )

    def _noted(self, answer: Any) -> Any:
        value, *about = answer
        if self._answers is not None:
            self._answers[:] = about
        return value

    def _differing(self, cls: Type[C], changes: Json, answers: Optional[List[Any]] = None) -> C:
        """A client of `cls` with other options; it shares the connections if it can."""
        request = dict(self._request_options)
        for name in _OF_A_REQUEST:
            change = changes.pop(name, None)
            if change is not None:
                request[name] = {**request.get(name, {}), **change} if name in _TABLES else change
        other = cls.__new__(cls)
        if changes:
            other._setup({**self._resolved_options(), **changes}, transport=self._transport)
        else:
            self._native  # noqa: B018  # made here, so that the copy shares its connections
            other._options = self._resolved_options()
            other._transport, other._lost_token = self._transport, self._lost_token
            other._made, other._made_with = self._made, self._made_with
            if "_scopes" in self.__dict__:
                other.__dict__["_scopes"] = self.__dict__["_scopes"]
        other._request_options = request
        other._answers = answers
        other.__dict__.update(self._added())
        return other

    def _option(self, name: str) -> Any:
        return self._native.describe().get(name)

    base_url: str = _setting("base_url", "Where the API is, with its version.")
    timeout: Optional[float] = _setting("timeout", "Seconds that one attempt may take.")
    max_retries: int = _setting("max_retries", "How many times a request is retried at most.")
    poll_interval: Optional[float] = _setting(
        "poll_interval", "Seconds between polls of a running prediction; None is adaptive."
    )
    user_agent: str = _setting("user_agent", "The `User-Agent` header of every request.")
    use_file_output: bool = _setting(
        "use_file_output", "Whether files in outputs are `FileOutput` objects or URLs."
    )
    file_encoding_strategy: str = _setting(
        "file_encoding_strategy", "How files in inputs are sent: uploaded or inlined."
    )
    verify_uploads: bool = _setting(
        "verify_uploads", "Whether the SHA-256 of each upload is compared with the response."
    )
    on_abandon: str = _setting(
        "on_abandon", "What happens to the prediction of an abandoned `run` or `stream`."
    )

    api_token: Optional[str] = _token(
        "The API token: the client's own, or that of the scope or environment."
    )
    bearer_token: Optional[str] = _token("The same as `api_token`.")
    _api_token: Optional[str] = _token("The name of `api_token` in 1.x.")

    def __repr__(self) -> str:
        # The default client is not made for this, as that would settle its options.
        where = "" if self._made is None else f" {self.base_url}"
        return f"<replicant.{type(self).__name__.lstrip('_')}{where}>"

    def __copy__(self: C) -> C:
        return self._differing(type(self), {})

    def __deepcopy__(self: C, memo: Any) -> C:
        from copy import deepcopy

        other = self._differing(type(self), {})
        other.__dict__.update(deepcopy(other._added(), memo))
        return other

    def __reduce__(self) -> Any:
        # Settings travel, secrets do not.
        options, request = without_secrets(self._options), without_secrets(self._request_options)
        given = self._lost_token or "token" in self._options
        settings = (type(self), options, self._transport, request, given)
        return _unpickled, settings, self._added() or None


def _unpickled(cls: Type[C], options: Json, transport: Any, request: Json, lost_token: bool) -> C:
    client = cls.__new__(cls)
    client._lost_token = lost_token
    client._setup(options, transport=transport, now=False)
    client._request_options = request
    return client


def _lost_token() -> Exception:
    from ._errors import InvalidArgumentError

    return InvalidArgumentError(
        "`api_token` is missing: this client was pickled, and a pickle holds no token. Set "
        "REPLICATE_API_TOKEN in the process that unpickles the client, or set `client.api_token` there"
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

    async def _async_request(self, method: str, path: str, **options: Any) -> RawResponse:
        """The request of that name in 1.x, whose options are httpx's."""
        sent = _of_httpx(self.base_url, method, path, options)
        return RawResponse(*await self._async_call_raw("request", sent))

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

    def _request(self, method: str, path: str, **options: Any) -> RawResponse:
        """The request of that name in 1.x, whose options are httpx's."""
        return RawResponse(
            *self._call_raw("request", _of_httpx(self.base_url, method, path, options))
        )

    def _list(self, operation: str, item: Any, params: Json) -> Page[Any]:
        return Page(self, operation, item, self._call(operation, params))


class Base(Calls):
    """The base of `Client`."""


class AsyncNamespace(Guarded):
    """Methods that belong together, bound to a client."""

    _client: AsyncClient

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return _of(self, self._client)


class Namespace(Guarded):
    """Methods that belong together, bound to a client."""

    _client: Client

    def __init__(self, client: Client) -> None:
        self._client = client

    def __repr__(self) -> str:
        return _of(self, self._client)
