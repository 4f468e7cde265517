"""The options, the token and the copies of a client."""

from __future__ import annotations

import os
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    FrozenSet,
    List,
    Mapping,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
)

from ._core_options import PUBLIC_NAMES, TABLES, core_options, without_secrets
from ._guarded import Guarded
from ._native import Secret, conceal
from ._scope import token_of_cog

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._hooks import Hooks
    from ._native import Client as NativeClient
    from ._object import Json
    from ._rate_limits import RateLimits
    from ._sync.client import Client

    AnyClient = Union[Client, AsyncClient]

if os.environ.get("REPLICATE_LOG"):
    from ._telemetry import log_to_stderr

    log_to_stderr()

C = TypeVar("C", bound="ClientBase")
# The options that requests of one native client can differ in.
_OF_A_REQUEST = ("timeout", "max_retries", "headers", "query")
_HOOKS = ("on_request", "on_response", "on_retry")
# How many native clients of Cog scopes to keep.
SCOPES = 16


def adapter(transport: Any) -> Any:
    """Returns the object that the core calls for `transport`; None for the built-in HTTP client."""
    if transport is None:
        return None
    from ._transport import Adapter

    return transport if isinstance(transport, Adapter) else Adapter(transport)


def hooks_of(options: Mapping[str, Any]) -> Optional[Hooks]:
    """Returns the hooks among the options of a client; None if there are none."""
    if not any(options.get(name) is not None for name in _HOOKS):
        return None
    from ._hooks import Hooks

    return Hooks(options)


def native_client(
    options: Json, transport: Any, hooks: Optional[Hooks] = None, keep: object = None
) -> NativeClient:
    """Builds a native client. An error about an option has its public name."""
    from ._errors import InvalidArgumentError
    from ._native import Client as NativeClient

    try:
        return NativeClient(options, transport, hooks, keep)
    except InvalidArgumentError as error:
        name = PUBLIC_NAMES.get(error.argument or "")
        if name is not None:
            error.message = error.message.replace(f"`{error.argument}`", f"`{name}`")
            error.argument = name
        raise


def _option(name: str, doc: str, default: Any = None) -> Any:
    """Returns a property that reads and sets an option of a client; one that is None reads as `default`."""

    def get(client: ClientBase) -> Any:
        if name in client._request_options:
            # In the core's form, in which a timeout can be off.
            value = client._request_options[name]
            return None if value == "none" else value
        value = client._direct.describe().get(name)
        return default if value is None else value

    def set(client: ClientBase, value: Any) -> None:
        client._set_option(name, value)

    return property(get, set, doc=doc)


def _token(doc: str) -> Any:
    def get(client: ClientBase) -> Optional[str]:
        own: Any = client._resolved_options().get("token")
        token = client._ambient_token()[0] if own is None else own
        return token.reveal() if isinstance(token, Secret) else token

    def set(client: ClientBase, token: Optional[str]) -> None:
        client._lost_token = False
        client._set_option("token", conceal(token))

    return property(get, set, doc=doc)


class ClientBase(Guarded):
    """The base of all clients: their options, which can be changed, and their native client."""

    _options: Json
    # The native client, and the ambient token it was built with, if it has no token of its own.
    _cached: Optional[NativeClient] = None
    _cached_token: Optional[Secret] = None
    _transport: Any = None
    _hooks: Optional[Hooks] = None
    # The emulator that this is a client of, which stops when it is collected.
    _kept: object = None
    # The native clients whose requests go through replaced methods, by that which they derive from and by whether
    # creates are replaced.
    _through: Mapping[Tuple[NativeClient, bool], NativeClient] = {}
    # Options of the requests of this client; a derived client with others shares the native client.
    _request_options: Json = {}
    # The list that receives statuses and headers, for `with_raw_response`.
    _responses: Optional[List[Any]] = None
    # Whether this was unpickled from a client that had a token.
    _lost_token = False
    # The native clients of the Cog scopes, by token.
    _scopes: Dict[Secret, NativeClient]
    # What the user was already warned of.
    _warned: FrozenSet[str] = frozenset()

    def _configure(
        self,
        options: Json,
        *,
        transport: Any = None,
        hooks: Optional[Hooks] = None,
        now: bool = True,
    ) -> None:
        self._options = options
        self._transport = adapter(transport)
        self._hooks = hooks
        self._cached = None
        if now:
            self._direct  # noqa: B018  # refuses wrong options

    @property
    def _direct(self) -> NativeClient:
        cached = self._cached
        if cached is not None and "token" in self._options:
            return cached
        token, scoped = self._ambient_token()
        if scoped:
            return self._native_of_scope(token)
        if cached is None or token != self._cached_token:
            cached = self._cached = self._build(self._resolved_options())
            self._cached_token = token
        return cached

    def _build(self, options: Json) -> NativeClient:
        native = native_client(options, self._transport, self._hooks, self._kept)
        return self._checked(native)

    def _checked(self, native: NativeClient) -> NativeClient:
        """Returns `native` after the warnings about its options."""
        for text in native.warnings:
            if text not in self._warned:
                from ._warnings import warn_of_connection

                warn_of_connection(text)
                self._warned |= {text}
        return native

    def _ambient_token(self) -> Tuple[Any, bool]:
        """Returns the token of the Cog scope or the environment, and whether it is the scope's."""
        if "token" in self._options:
            return None, False
        scoped = token_of_cog()
        if scoped is not None:
            return conceal(scoped), True
        token = os.environ.get("REPLICATE_API_TOKEN")
        if self._lost_token and not token:
            raise _missing_token()
        return conceal(token), False

    def _native_of_scope(self, token: Secret) -> NativeClient:
        """Returns the native client of one Cog scope: a user's token must not serve another's request."""
        # Runs, streams and files keep the native client they began with, and so its token.
        scopes: Dict[Secret, NativeClient] = self.__dict__.setdefault("_scopes", {})
        found = scopes.get(token)
        if found is None:
            while len(scopes) >= SCOPES:
                scopes.pop(next(iter(scopes)), None)
            found = scopes[token] = self._build({**self._resolved_options(), "token": token})
        return found

    def _keep(self: C, owner: object) -> C:
        """Keeps `owner` alive as long as this client and its files."""
        self._kept = owner
        self._cached = None
        self._direct  # noqa: B018
        return self

    def _resolved_options(self) -> Json:
        return self._options

    def _set_option(self, name: str, value: Any) -> None:
        """Changes an option for the requests that follow; running requests are not affected."""
        changes = core_options({name: value})
        options = {key: old for key, old in self._options.items() if key != name}
        before = self._options, self._cached, self._request_options
        self._options = {**options, **changes}
        self._request_options = {
            key: old for key, old in self._request_options.items() if key != name
        }
        self._cached = None
        self.__dict__.pop("_scopes", None)
        try:
            self._direct  # noqa: B018  # refuses a wrong value
        except BaseException:
            self._options, self._cached, self._request_options = before
            raise

    def _derive(
        self,
        cls: Type[C],
        changes: Json,
        responses: Optional[List[Any]] = None,
        transport: Any = None,
        hooks: Optional[Hooks] = None,
    ) -> C:
        """Returns a client of `cls` with other options; it shares the connections if it can."""
        request = dict(self._request_options)
        for name in _OF_A_REQUEST:
            change = changes.pop(name, None)
            if change is not None:
                request[name] = {**request.get(name, {}), **change} if name in TABLES else change
        other = cls.__new__(cls)
        other._warned = self._warned
        other._kept = self._kept
        other._lost_token = self._lost_token
        if hooks is not None and self._hooks is not None:
            hooks = self._hooks.updated(hooks)
        hooks = hooks or self._hooks
        if changes or transport is not None or hooks is not self._hooks:
            options = {**self._resolved_options(), **changes}
            other._configure(options, transport=transport or self._transport, hooks=hooks)
        else:
            self._direct  # noqa: B018  # builds it, so that the copy shares its connections
            other._options = self._resolved_options()
            other._transport = self._transport
            other._hooks = hooks
            other._cached, other._cached_token = self._cached, self._cached_token
            if "_scopes" in self.__dict__:
                other.__dict__["_scopes"] = self.__dict__["_scopes"]
        other._request_options = request
        other._responses = responses
        other.__dict__.update(self._added())
        self._copy_replaced(other)
        return other

    base_url: str = _option("base_url", "The URL of the API, with its version.")
    timeout: Optional[float] = _option(
        "timeout",
        "Seconds for a request with all its retries. If unset, reads as 60, the limit of each attempt.",
    )
    max_retries: int = _option("max_retries", "The maximum number of retries of a request.")
    # A number, because programs written for 1.x sleep for it.
    poll_interval: float = _option(
        "poll_interval",
        "Seconds between polls of a running prediction. 0.5 if it was not set, or set to None: then polling is adaptive.",
        default=0.5,
    )
    user_agent: str = _option("user_agent", "The `User-Agent` header of every request.")
    use_file_output: bool = _option(
        "use_file_output", "Whether files in outputs are `FileOutput` objects or URLs."
    )
    file_encoding_strategy: str = _option(
        "file_encoding_strategy", "How files in inputs are sent: uploaded or inlined."
    )
    verify_uploads: bool = _option(
        "verify_uploads", "Whether the SHA-256 of each upload is compared with the response."
    )
    require_https: bool = _option(
        "require_https", "Whether a `base_url` over plain http is refused, except for loopback."
    )
    on_abandon: str = _option(
        "on_abandon", "What to do with a running prediction whose `run` or `stream` is abandoned."
    )
    idle_timeout: float = _option(
        "idle_timeout", "Seconds without a byte after which an event stream is resumed."
    )

    @property
    def rate_limit(self) -> Optional[RateLimits]:
        """The rate limits that the client has learned, which all clients with the same token share. None if the
        option `rate_limit` is None."""
        from ._rate_limits import RateLimits, RateLimitState

        limits = self._direct.rate_limit()
        if limits is None:
            return None
        return RateLimits(**{name: RateLimitState(**limits[name]) for name in limits})

    api_token: Optional[str] = _token(
        "The API token: the client's own, or that of the scope or environment."
    )
    bearer_token: Optional[str] = _token("An alias of `api_token`.")
    _api_token: Optional[str] = _token("The name of `api_token` in 1.x.")

    def __repr__(self) -> str:
        # Does not build a native client, which would settle the options of the default client.
        where = "" if self._cached is None else f" {self.base_url}"
        return f"<replicant.{type(self).__name__.lstrip('_')}{where}>"

    def __copy__(self: C) -> C:
        return self._derive(type(self), {})

    def __deepcopy__(self: C, memo: Any) -> C:
        from copy import deepcopy

        other = self._derive(type(self), {})
        other.__dict__.update(deepcopy(other._added(), memo))
        return other

    def __reduce__(self) -> Any:
        # A pickle holds options and no secrets.
        options, request = without_secrets(self._options), without_secrets(self._request_options)
        had_token = self._lost_token or "token" in self._options
        arguments = (type(self), options, self._transport, request, had_token, self._hooks)
        return _unpickled, arguments, self._added() or None


def _unpickled(
    cls: Type[C],
    options: Json,
    transport: Any,
    request: Json,
    lost_token: bool,
    hooks: Optional[Hooks] = None,
) -> C:
    client = cls.__new__(cls)
    client._lost_token = lost_token
    client._configure(options, transport=transport, hooks=hooks, now=False)
    client._request_options = request
    return client


def _missing_token() -> Exception:
    from ._errors import InvalidArgumentError

    return InvalidArgumentError(
        "`api_token` is missing: this client was pickled, and a pickle holds no token. Set "
        "REPLICATE_API_TOKEN in the process that unpickles the client, or set `client.api_token` there"
    )
