"""Event streams, and `stream` of the default client."""

from __future__ import annotations

from ._callable import CallableModule, become
from ._default import default_client
from ._events import EventStream as EventStream
from ._events import EventType as EventType
from ._events import ServerSentEvent as ServerSentEvent

stream = default_client.stream
async_stream = default_client.async_stream

become(__name__, CallableModule)
