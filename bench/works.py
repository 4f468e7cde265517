"""What is measured, and what it should come to: one list, from which the table is made."""

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


@dataclass(frozen=True)
class Target:
    """How many times as fast as `than` it should be at least, and would be at best."""

    than: str
    least: float
    best: Optional[float] = None


@dataclass(frozen=True)
class Work:
    """A work in one language, the clients that do it, and the targets for ours."""

    key: str
    language: str
    title: str
    unit: str
    others: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    # The most seconds, and the most memory in MiB that may be added by the work itself.
    seconds: Optional[float] = None
    best_seconds: Optional[float] = None
    grown: Optional[float] = None

    @property
    def equal(self) -> int:
        """After how many rounds memory is read; each takes the slowest client part of a second."""
        return {"stream_sync": 1, "stream_async": 1, "webhook_1k": 64, "webhook_1m": 64}.get(
            self.key, 4
        )

    @property
    def name(self) -> str:
        return f"{self.language}/{self.key}"

    @property
    def clients(self) -> tuple[str, ...]:
        return (OURS, *self.others)


# What the Rust SDK is measured at: where the bindings add something to it.
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
) -> Work:
    others = (PYTHON1, PYTHON2, *(limits(key) if limit else ()))
    return Work(key, "python", title, unit, others, targets, **more)


def node(
    key: str, title: str, unit: str, *targets: Target, limit: bool = True, **more: float
) -> Work:
    others = (
        NODE1,
        *((FETCH,) if key.startswith("download") else ()),
        *(limits(key) if limit else ()),
    )
    return Work(key, "node", title, unit, others, targets, **more)


WORKS = (
    python(
        "import",
        "import",
        "imports",
        Target(PYTHON1, 10),
        limit=False,
        seconds=0.015,
        best_seconds=0.005,
    ),
    python(
        "import_client", "import and make a client", "imports", Target(PYTHON1, 10), limit=False
    ),
    python(
        "create_1", "create, one at a time", "calls", Target(PYTHON1, 4), Target(PLAIN, 0.65, 0.85)
    ),
    python("run_1", "run, one at a time", "calls", Target(PYTHON1, 4), Target(PLAIN, 0.65, 0.85)),
    python(
        "create_64", "create, 64 at a time", "calls", Target(PYTHON1, 40, 60), Target(PLAIN, 0.5)
    ),
    python("run_64", "run, 64 at a time", "calls", Target(PYTHON1, 40, 60), Target(PLAIN, 0.5)),
    python("stream_sync", "event stream, blocking", "events", Target(PYTHON1, 15, 25)),
    python("stream_async", "event stream, awaited", "events", Target(PYTHON1, 8, 15)),
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
    python("wait", "1,000 predictions waited for at once", "predictions"),
    python("webhook_1k", "webhook of 1 KiB verified", "webhooks", Target(PYTHON1, 5), limit=False),
    python("webhook_1m", "webhook of 1 MiB verified", "webhooks", Target(PYTHON1, 5), limit=False),
    python("large", "answer of 10 MiB of JSON", "answers"),
    node("import", "import", "imports", limit=False),
    node("import_client", "import and make a client", "imports", limit=False),
    node("create_1", "create, one at a time", "calls", Target(NODE1, 3), Target(PLAIN, 0, 0.7)),
    node("run_1", "run, one at a time", "calls", Target(NODE1, 3), Target(PLAIN, 0, 0.7)),
    node("create_64", "create, 64 at a time", "calls", Target(NODE1, 8), Target(PLAIN, 0, 0.8)),
    node("run_64", "run, 64 at a time", "calls", Target(NODE1, 8), Target(PLAIN, 0, 0.8)),
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
    node("wait", "1,000 predictions waited for at once", "predictions"),
    node("webhook_1k", "webhook of 1 KiB verified", "webhooks", Target(NODE1, 5), limit=False),
    node("webhook_1m", "webhook of 1 MiB verified", "webhooks", Target(NODE1, 5), limit=False),
    node("large", "answer of 10 MiB of JSON", "answers"),
)
