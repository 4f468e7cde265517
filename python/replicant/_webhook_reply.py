"""How to respond to a webhook that is not processed."""

from __future__ import annotations

from typing import Optional, Tuple

from ._errors import WebhookValidationError
from ._webhook_once import State

Reply = Tuple[int, str]
"""A status and a text."""


def refused(error: WebhookValidationError) -> Reply:
    """Returns the response to an invalid webhook: 400 or 401 and the reason.

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
