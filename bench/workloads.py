"""The workloads, with the clients that are measured and the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

OURS = "replicant"
PYTHON1 = "PyPI replicate 1.0.7"
PYTHON2 = "PyPI replicate 2.0.0b4"
NODE1 = "npm replicate 1.4.0"
FETCH = "fetch"
PLAIN = "plain reqwest"
SYNCED = "plain reqwest, synced"
CORE = "replicant, Rust"
EARLIER = "earlier replicant"


@dataclass(frozen=True)
class Target:
    """The minimum and the goal for our throughput relative to that of the client `than`."""

    than: str
    minimum: float
    goal: Optional[float] = None


@dataclass(frozen=True)
class Workload:
    """A workload in one language, the other clients that run it, and the targets for ours."""

    key: str
    language: str
    title: str
    unit: str
    others: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    # Limit and goal for an item in seconds, and a limit for the growth of the process in MiB.
    seconds: Optional[float] = None
    goal_seconds: Optional[float] = None
    grown: Optional[float] = None

    @property
    def equal(self) -> int:
        """The number of rounds after which memory is read: what the slowest client does in under a second."""
        return {"stream_sync": 1, "stream_async": 1, "webhook_1k": 64, "webhook_1m": 64}.get(
            self.key, 4
        )

    @property
    def name(self) -> str:
        return f"{self.language}/{self.key}"

    @property
    def clients(self) -> tuple[str, ...]:
        return (OURS, *self.others)


# The workloads that the Rust SDK runs too, which shows the cost of the bindings.
IN_RUST = (
    *("create_1", "create_64", "run_1", "run_64", "stream_sync", "stream_async", "large"),
    *("download", "download_saved", "upload", "upload_memory", "wait"),
)


def limits(key: str) -> tuple[str, ...]:
    plain = () if key == "wait" else (PLAIN,)
    synced = (SYNCED,) if key == "download_saved" else ()
    return (*plain, *synced, *((CORE,) if key in IN_RUST else ()))


def python(
    key: str, title: str, unit: str, *targets: Target, limit: bool = True, **more: float
) -> Workload:
    others = (PYTHON1, PYTHON2, *(limits(key) if limit else ()))
    return Workload(key, "python", title, unit, others, targets, **more)


def node(
    key: str, title: str, unit: str, *targets: Target, limit: bool = True, **more: float
) -> Workload:
    others = (
        NODE1,
        *((FETCH,) if key.startswith("download") else ()),
        *(limits(key) if limit else ()),
    )
    return Workload(key, "node", title, unit, others, targets, **more)


def web(key: str, runtime: str, title: str, unit: str, *targets: Target) -> Workload:
    others = (NODE1, FETCH) if key.startswith("create") else (NODE1,)
    return Workload(key, f"web-{runtime}", title, unit, others, targets)


# The WebAssembly module: in Node, and in workerd as in Cloudflare Workers.
WEB = tuple(
    workload
    for runtime in ("node", "workerd")
    for workload in (
        web(
            "create_1",
            runtime,
            "create, sequential",
            "calls",
            Target(NODE1, 1.5),
            Target(FETCH, 0.7),
        ),
        web("create_64", runtime, "create, 64 concurrent", "calls", Target(NODE1, 1.5)),
        web("stream", runtime, "event stream", "events", Target(NODE1, 20)),
        web("webhook", runtime, "webhook of 1 KiB verified", "webhooks", Target(NODE1, 1)),
    )
)

WORKLOADS = (
    python(
        "import",
        "import",
        "imports",
        Target(PYTHON1, 10),
        limit=False,
        seconds=0.015,
        goal_seconds=0.005,
    ),
    python(
        "import_client", "import and create a client", "imports", Target(PYTHON1, 10), limit=False
    ),
    python(
        "create_1", "create, sequential", "calls", Target(PYTHON1, 4), Target(PLAIN, 0.65, 0.85)
    ),
    python("run_1", "run, sequential", "calls", Target(PYTHON1, 4), Target(PLAIN, 0.65, 0.85)),
    python(
        "create_64", "create, 64 concurrent", "calls", Target(PYTHON1, 40, 60), Target(PLAIN, 0.5)
    ),
    python("run_64", "run, 64 concurrent", "calls", Target(PYTHON1, 40, 60), Target(PLAIN, 0.5)),
    python("stream_sync", "event stream, blocking", "events", Target(PYTHON1, 15, 25)),
    python("stream_async", "event stream, asyncio", "events", Target(PYTHON1, 8, 15)),
    python("download", "download of 1 GiB, iterated", "bytes", Target(PYTHON1, 1)),
    python(
        "download_saved",
        "download of 1 GiB, saved",
        "bytes",
        Target(PYTHON1, 1),
        Target(PLAIN, 0.9),
        Target(SYNCED, 0.9),
    ),
    python("upload", "upload of 90 MiB from a path", "bytes", Target(PYTHON1, 1.5), grown=24),
    python("upload_memory", "upload of 90 MiB from memory", "bytes"),
    python("wait", "1,000 concurrent predictions awaited", "predictions"),
    python("webhook_1k", "webhook of 1 KiB verified", "webhooks", Target(PYTHON1, 5), limit=False),
    python("webhook_1m", "webhook of 1 MiB verified", "webhooks", Target(PYTHON1, 5), limit=False),
    python("large", "response of 10 MiB of JSON", "answers"),
    node("import", "import", "imports", limit=False),
    node("import_client", "import and create a client", "imports", limit=False),
    node("create_1", "create, sequential", "calls", Target(NODE1, 3), Target(PLAIN, 0, 0.7)),
    node("run_1", "run, sequential", "calls", Target(NODE1, 3), Target(PLAIN, 0, 0.7)),
    node("create_64", "create, 64 concurrent", "calls", Target(NODE1, 8), Target(PLAIN, 0, 0.8)),
    node("run_64", "run, 64 concurrent", "calls", Target(NODE1, 8), Target(PLAIN, 0, 0.8)),
    node("stream_async", "event stream", "events", Target(NODE1, 100, 200)),
    node(
        "download",
        "download of 1 GiB, iterated",
        "bytes",
        Target(NODE1, 1.5),
        Target(FETCH, 1),
        Target(PLAIN, 0, 0.8),
    ),
    node(
        "download_saved",
        "download of 1 GiB, saved",
        "bytes",
        Target(NODE1, 1.5),
        Target(PLAIN, 0, 0.8),
    ),
    node("upload", "upload of 90 MiB from a Blob of a file", "bytes", Target(NODE1, 1.5), grown=24),
    node("upload_memory", "upload of 90 MiB from memory", "bytes"),
    node("wait", "1,000 concurrent predictions awaited", "predictions"),
    node("webhook_1k", "webhook of 1 KiB verified", "webhooks", Target(NODE1, 5), limit=False),
    node("webhook_1m", "webhook of 1 MiB verified", "webhooks", Target(NODE1, 5), limit=False),
    node("large", "response of 10 MiB of JSON", "answers"),
    *WEB,
)
