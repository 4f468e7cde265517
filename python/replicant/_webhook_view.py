"""The views of web frameworks that receive webhooks."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Generic, Optional, Union, cast

from ._errors import WebhookValidationError
from ._webhook_once import Once, blocking
from ._webhook_reply import R, Unprocessed, processed, refused, repeated

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._sync.client import Client


class Receiver(Generic[R]):
    """Passes the events of valid webhooks to a view, and responds to the other webhooks.

    Args:
        client: See `unwrapper`.
        secret: The signing secret.
        tolerance: The tolerance of the timestamp, in seconds.
        once: Processes each webhook once.
        respond: Builds a response of the framework from a status and a text.
        awaited: Whether the view is `async`.
    """

    def __init__(
        self,
        client: Union[Client, AsyncClient],
        secret: Any,
        tolerance: Optional[float],
        once: Optional[Once],
        respond: Callable[[int, str], R],
        *,
        awaited: bool,
    ) -> None:
        self._unwrap = unwrapper(client, once, awaited=awaited)
        self._options = {"secret": secret, "tolerance": tolerance}
        self._once = once
        self._respond = respond

    def receive(self, headers: Any, read: Callable[[], bytes], call: Callable[[Any], R]) -> R:
        """Verifies a request, and calls the view with the event.

        Args:
            headers: The headers of the request.
            read: Returns the body of the request.
            call: Calls the view.
        """
        try:
            event = self._unwrap(headers=headers, body=read(), **self._options)
        except WebhookValidationError as error:
            return self._respond(*refused(error))
        if self._once is None:
            return call(event)
        try:
            with self._once.claim(event.webhook_id) as state:
                reply = repeated(state)
                return processed(call(event)) if reply is None else self._respond(*reply)
        except Unprocessed as ended:
            return cast(R, ended.response)

    async def async_receive(
        self, headers: Any, read: Callable[[], bytes], call: Callable[[Any], Awaitable[R]]
    ) -> R:
        """The async form of `receive`."""
        try:
            event = await self._unwrap(headers=headers, body=read(), **self._options)
        except WebhookValidationError as error:
            return self._respond(*refused(error))
        if self._once is None:
            return await call(event)
        try:
            async with self._once.async_claim(event.webhook_id) as state:
                reply = repeated(state)
                return processed(await call(event)) if reply is None else self._respond(*reply)
        except Unprocessed as ended:
            return cast(R, ended.response)


def unwrapper(client: Any, once: Any, *, awaited: bool) -> Callable[..., Any]:
    """Returns the `webhooks.unwrap` of a client in the form that a view needs.

    Args:
        client: A `Client`, or an `AsyncClient` if the view is `async`.
        once: Checked only: its store must suit the view.
        awaited: Whether the view is `async`.

    Raises:
        TypeError: `client` or `once` has another type, or the view cannot await it.
    """
    webhooks = getattr(client, "webhooks", None)
    unwrap = getattr(webhooks, "unwrap", None)
    if not callable(unwrap):
        raise TypeError(
            f"`client` must be a `Client` or an `AsyncClient`, not {_kind(client)}; "
            "pass a signing secret as `secret`"
        )
    if once is not None and not isinstance(once, Once):
        raise TypeError(
            f"`once` must be a `Once`, not {_kind(once)}; pass a store as `Once(store)`"
        )
    if awaited:
        # A `Client` has both forms, an `AsyncClient` only this one.
        return cast(Callable[..., Any], getattr(webhooks, "async_unwrap", unwrap))
    if inspect.iscoroutinefunction(unwrap):
        raise _blocking_view()
    if once is not None:
        once.check_blocking()

    def verified(**arguments: Any) -> Any:
        # A wrapper of an `AsyncClient` is recognized only by what it returns, which is not verified yet.
        return blocking(unwrap(**arguments), _blocking_view())

    return verified


def check_view(view: Any, remedy: str) -> None:
    """Raises `TypeError` if `view` is not a function, or is a method in the body of its class.

    Args:
        view: What is decorated.
        remedy: What to do with a class or a method.
    """
    if inspect.isclass(view):
        raise TypeError(f"`view` must be a function, not a class; {remedy}")
    if not callable(view):
        raise TypeError(
            f"`view` must be a function, not {_kind(view)}; pass options by name, such as "
            "`webhook(secret=...)`"
        )
    if inspect.isfunction(view) and view.__code__.co_varnames[:1] == ("self",):
        raise TypeError(f"`view` must be a function, not a method; {remedy}")


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _blocking_view() -> TypeError:
    return TypeError(
        "`client` must be a `Client`, not an `AsyncClient`, since the view is blocking; "
        "pass a `Client`, or make the view `async`"
    )
