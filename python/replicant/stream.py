"""Event streams and the function `stream`, in the module path of 1.x."""

from __future__ import annotations

from replicant import async_stream as async_stream
from replicant import stream as stream
from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._errors import ReplicateError as ReplicateError
from replicant._events import EventStream as EventStream
from replicant._events import EventType as EventType
from replicant._events import ServerSentEvent as ServerSentEvent

become(__name__, CallableModule)
