"""Event streams, and the function `stream` in the module path of 1.x: `stream(client, ref, input)`. The client can be left out."""

from __future__ import annotations

from typing import Any

from replicant._callable import CallableModule as CallableModule
from replicant._callable import become as become
from replicant._callable import like, split_client
from replicant._default import default_client
from replicant._errors import ReplicateError as ReplicateError
from replicant._events import AwaitableStream as AwaitableStream
from replicant._events import EventStream as EventStream
from replicant._events import EventType as EventType
from replicant._events import ServerSentEvent as ServerSentEvent


@like(default_client.stream)
def stream(*arguments: Any, **options: Any) -> EventStream:
    client, others = split_client(arguments, options)
    events: EventStream = client.stream(*others, **options)
    return events


@like(default_client.async_stream)
def async_stream(*arguments: Any, **options: Any) -> AwaitableStream:
    client, others = split_client(arguments, options)
    events: AwaitableStream = client.async_stream(*others, **options)
    return events


become(__name__, CallableModule)
