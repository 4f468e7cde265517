"""How to respond to a webhook that is not processed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Tuple, TypeVar

from ._errors import WebhookValidationError
from ._webhook_once import State

if TYPE_CHECKING:
    from typing import Protocol

    class Response(Protocol):
        """The part of a response that is used."""

        @property
        def status_code(self) -> Optional[int]: ...


R = TypeVar("R", bound="Response")
Reply = Tuple[int, str]
"""A status and a text."""


class Unprocessed(Exception):
    """Ends the claim of a webhook whose response makes the API deliver it again."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.response = response


def processed(response: R) -> R:
    """Returns a response whose status is 2xx, or None, the default of FastAPI.

    Raises:
        Unprocessed: The response has another status.
    """
    if response.status_code is not None and not 200 <= response.status_code < 300:
        raise Unprocessed(response)
    return response


def refused(error: WebhookValidationError) -> Reply:
    """Returns the response to an invalid webhook: 400, 401 or 413 and the reason.

    Raises:
        WebhookValidationError: The secret is to blame, not the webhook.
    """
    if error.status is None:
        raise error
    return error.status, error.message


def repeated(state: State) -> Optional[Reply]:
    """Returns the response to a webhook in this state; None if it is new.

    One that is still being processed is refused, so that the API delivers it again if the processing fails.
    """
    if state == "new":
        return None
    return (204, "") if state == "done" else (409, "the webhook is being processed")
