"""Spans of the core as spans of OpenTelemetry, if the program uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional

from .__about__ import __version__

if TYPE_CHECKING:
    from ._telemetry import Changes, Record

# Providers that create no spans: that of the API alone, and those of a disabled SDK.
_NO_PROVIDERS = ("ProxyTracerProvider", "NoOpTracerProvider", "DefaultTracerProvider")


class Spans:
    """The spans of one call."""

    __slots__ = ("_context", "_open", "_tracer")

    def __init__(self, tracer: Any, context: Any) -> None:
        # None creates no spans and only passes the current one on.
        self._tracer = tracer
        self._context = context
        self._open: Dict[int, Any] = {}

    def report(self, record: Record) -> None:
        """Starts, changes or ends a span."""
        if self._tracer is None:
            return
        from opentelemetry.trace import SpanKind, StatusCode

        change, id = record["span"], record["id"]
        if change == "open":
            kind = SpanKind.CLIENT if record["kind"] == "client" else SpanKind.INTERNAL
            self._open[id] = self._tracer.start_span(
                record["name"],
                context=self._inside(record["parent"]),
                kind=kind,
                attributes=record["attributes"],
                start_time=record["time"],
            )
        elif change == "set" and id in self._open:
            self._open[id].set_attributes(record["attributes"])
            if record["status"] == "ERROR":
                self._open[id].set_status(StatusCode.ERROR)
        elif change == "close" and id in self._open:
            self._open.pop(id).end(end_time=record["time"])

    def headers(self, id: int) -> Changes:
        """Returns the headers that pass the context of a span on, such as `traceparent`."""
        from opentelemetry import propagate

        carrier: Dict[str, str] = {}
        propagate.inject(carrier, context=self._inside(id))
        return [(name.lower(), value) for name, value in carrier.items()]

    def _inside(self, id: Optional[int]) -> Any:
        """Returns the context in which a span is the current one."""
        from opentelemetry.trace import set_span_in_context

        span = None if id is None else self._open.get(id)
        return self._context if span is None else set_span_in_context(span, self._context)


def current_spans() -> Optional[Spans]:
    """Returns the spans of a call in the current context; None if the program does not trace."""
    from opentelemetry import context, trace

    current = context.get_current()
    if type(trace.get_tracer_provider()).__name__ not in _NO_PROVIDERS:
        return Spans(trace.get_tracer("replicant", __version__), current)
    # Without an SDK there can still be a span to pass on, such as that of an incoming request.
    if trace.get_current_span(current).get_span_context().is_valid:
        return Spans(None, current)
    return None
