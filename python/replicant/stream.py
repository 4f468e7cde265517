"""Event streams, and `stream` of the default client."""

from __future__ import annotations

from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._errors import ReplicateError as ReplicateError
from replicant._events import EventStream as EventStream
from replicant._events import EventType as EventType
from replicant._events import ServerSentEvent as ServerSentEvent
from replicant._functions import async_stream as async_stream
from replicant._functions import stream as stream

become(__name__, CallableModule)
