"""Logs, hooks and spans: the Python half of `crates/python/src/telemetry.rs`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

if TYPE_CHECKING:
    from ._hooks import Hooks
    from ._spans import Spans

Record = Dict[str, Any]
Changes = List[Tuple[str, Optional[str]]]

# The levels of the core as those of `logging`.
_LEVELS = {"debug": 10, "info": 20, "warn": 30}


class Receiver:
    """Receives what one call reports, in the context of its caller."""

    __slots__ = ("_hooks", "_spans", "_tasks", "level")

    level: str
    """The level of the events to receive."""

    def __init__(self, hooks: Optional[Hooks], logs: bool, spans: Optional[Spans]) -> None:
        self._hooks = hooks
        self._spans = spans
        self._tasks: List[Any] = []
        self.level = "warn"
        if logs:
            self.level = "debug" if _logger().isEnabledFor(_LEVELS["debug"]) else "info"

    @property
    def spans(self) -> bool:
        """Whether to receive spans."""
        return self._spans is not None

    @property
    def asks(self) -> Tuple[bool, bool, bool]:
        """Whether to be asked before requests, after responses and before retries."""
        before, after, retry = (False,) * 3 if self._hooks is None else self._hooks.given()
        return before or self._spans is not None, after, retry

    def record(self, record: Record) -> None:
        """Logs an event, or reports a span to OpenTelemetry."""
        if "span" not in record:
            log(record)
        elif self._spans is not None:
            self._spans.report(record)

    def ask(self, question: Record, reply: Any, awaited: bool) -> None:
        """Calls the hook for a request, response or retry, and sends the headers to change to `reply`.

        Args:
            question: The request, response or retry.
            reply: Where to send the answer.
            awaited: Whether the running event loop awaits the call.
        """
        changes: Changes = []
        span = question.pop("inside", None)
        if question["hook"] == "request" and self._spans is not None and span is not None:
            changes = self._spans.headers(span)
            question["headers"].update(changes)
        if self._hooks is None:
            reply(changes)
            return
        pending = self._hooks.call(question, changes, awaited)
        if pending is None:
            reply(changes)
            return
        import asyncio

        task = asyncio.ensure_future(_answer(pending, changes, reply))
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)


async def _answer(pending: Any, changes: Changes, reply: Any) -> None:
    try:
        await pending
    except BaseException as error:
        reply.fail(error)
        if not isinstance(error, Exception):
            raise
    else:
        reply(changes)


def receiver_of(hooks: Optional[Hooks], logs: bool, traces: bool) -> Optional[Receiver]:
    """Returns the receiver of a call in the current context; None if nothing receives more than warnings.

    Args:
        hooks: The hooks of the client.
        logs: Whether the logger `replicant` is enabled for more than warnings.
        traces: Whether the program has imported OpenTelemetry.
    """
    spans = None
    if traces:
        from ._spans import current_spans

        spans = current_spans()
    if hooks is None and not logs and spans is None:
        return None
    return Receiver(hooks, logs, spans)


def log(record: Record) -> None:
    """Logs an event, if the program has imported `logging`."""
    if "logging" in sys.modules:
        level, extra = _LEVELS[record["level"]], {"replicant": record["fields"]}
        _logger().log(level, record["text"], extra=extra)


def _logger() -> Any:
    import logging

    return logging.getLogger("replicant")


def log_to_stderr() -> None:
    """Writes logs to standard error if `REPLICATE_LOG` is `debug`, `info` or `warn`."""
    given = os.environ.get("REPLICATE_LOG", "").strip().lower()
    level = _LEVELS.get(given)
    if level is None:
        if given not in ("", "off"):
            import warnings

            warnings.warn(
                "the environment variable REPLICATE_LOG must be `debug`, `info`, `warn` or `off`, "
                f"not {given!r}",
                stacklevel=2,
            )
        return
    import logging

    # Has no effect if the program has configured `logging` itself.
    logging.basicConfig(format="[%(asctime)s - %(name)s - %(levelname)s] %(message)s")
    _logger().setLevel(level)
