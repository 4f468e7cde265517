"""Event streams, and `stream` of the default client."""

from __future__ import annotations

from ._callable import CallableModule, become
from ._events import EventStream as EventStream
from ._events import EventType as EventType
from ._events import ServerSentEvent as ServerSentEvent
from ._functions import async_stream as async_stream
from ._functions import stream as stream

become(__name__, CallableModule)
