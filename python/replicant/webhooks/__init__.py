"""Webhooks in web frameworks, and the namespace `webhooks` of the default client.

`replicant.webhooks.fastapi`, `replicant.webhooks.flask` and `replicant.webhooks.django` receive webhooks.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from replicant._callable import PickledModule as PickledModule
from replicant._callable import become as become
from replicant._default import default_client as default_client
from replicant._sync.webhook import Webhooks as Webhooks
from replicant._webhook_once import AsyncStore as AsyncStore
from replicant._webhook_once import MemoryStore as MemoryStore
from replicant._webhook_once import Once as Once
from replicant._webhook_once import Store as Store


class WebhooksModule(PickledModule, Webhooks):
    """This module, which replaces the namespace `replicant.webhooks` once it is imported."""

    _client = default_client

    def __setattr__(self, name: str, value: Any) -> None:
        # Modules that are imported become attributes. Since Python 3.13, `ModuleType` inherits this method.
        ModuleType.__setattr__(self, name, value)


become(__name__, WebhooksModule)
