"""Turns measurements into tables."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Optional

from workloads import CORE, EARLIER, FETCH, OURS, PLAIN, SYNCED, Workload

Measured = dict[str, list[Any]]


@dataclass
class Figures:
    """The medians of one client for one workload."""

    rate: float
    low: float
    high: float
    # Seconds of CPU time per item.
    cpu: float
    rss: float
    grown: float
    requests: Optional[float]
    runs: int

    @classmethod
    def of(cls, runs: list[Any]) -> Figures:
        median = lambda give: statistics.median(map(give, runs))  # noqa: E731
        rates = [run["items"] / run["wall"] for run in runs]
        return cls(
            rate=statistics.median(rates),
            low=min(rates),
            high=max(rates),
            cpu=median(lambda run: run["cpu"] / run["items"]),
            rss=median(lambda run: run["rss"]),
            grown=median(lambda run: run["grown"]),
            requests=median(lambda run: run["requests"]) if "requests" in runs[0] else None,
            runs=len(runs),
        )


def figures(measured: Measured) -> tuple[dict[str, Figures], dict[str, str]]:
    """Returns the figures of each client, and the reasons of those that could not run the workload."""
    done, failed = {}, {}
    for client, runs in measured.items():
        why = next((run for run in runs if isinstance(run, str)), None)
        if why is None:
            done[client] = Figures.of(runs)
        else:
            failed[client] = why
    return done, failed


def checks(
    workload: Workload, done: dict[str, Figures], failed: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Yields each target of a workload, what was measured, and the result."""
    ours = done.get(OURS)
    if ours is None:
        yield "runs", failed.get(OURS, "not measured"), "NOT MET"
        return
    for target in workload.targets:
        aim = [f"at least {target.minimum:g}x"] if target.minimum else []
        aim += [f"goal {target.goal:g}x"] if target.goal else []
        text = f"{', '.join(aim)} {target.than}"
        if target.than in done:
            ratio = ours.rate / done[target.than].rate
            yield text, f"{ratio:.2f}x", outcome(ratio, target.minimum, target.goal)
        else:
            yield text, failed.get(target.than, "not measured"), "-"
    if workload.seconds:
        goal = f", goal {workload.goal_seconds * 1000:g} ms" if workload.goal_seconds else ""
        text = f"under {workload.seconds * 1000:g} ms{goal}"
        how = outcome(
            ours.rate, 1 / workload.seconds, workload.goal_seconds and 1 / workload.goal_seconds
        )
        yield text, format_rate(workload, ours.rate), how
    if workload.grown:
        grown = ours.grown / (1 << 20)
        text = f"grows by less than {workload.grown:g} MiB"
        yield text, f"{grown:.1f} MiB", "met" if grown < workload.grown else "NOT MET"
    others = (OURS, PLAIN, SYNCED, CORE, FETCH, EARLIER)
    official = [f.rss for client, f in done.items() if client not in others]
    if official:
        ratio = ours.rss / min(official)
        text = "peak memory below the official client's, goal half"
        yield text, f"{ratio:.2f}x", outcome(1 / ratio, 1, 2)


def outcome(ratio: float, minimum: float, goal: Optional[float]) -> str:
    if goal and ratio >= goal:
        return "goal met"
    if not minimum:
        return "below goal"
    return "met" if ratio >= minimum else "NOT MET"


def format_rate(workload: Workload, rate: float) -> str:
    if workload.unit == "bytes":
        return f"{rate / 1e6:,.0f} MB/s"
    if workload.unit == "imports":
        return f"{1000 / rate:,.1f} ms"
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def format_cpu(workload: Workload, cpu: float) -> str:
    if workload.unit == "bytes":
        return f"{cpu * (1 << 30):.2f} s/GiB"
    return f"{cpu * 1e3:,.1f} ms" if cpu >= 1e-3 else f"{cpu * 1e6:,.2f} us"


def rows(workload: Workload, measured: Measured) -> Iterator[tuple[str, ...]]:
    done, failed = figures(measured)
    ours = done.get(OURS)
    for client in workload.clients:
        if client in failed:
            yield client, failed[client], "", "", "", "", ""
            continue
        if client not in done:
            continue
        it = done[client]
        spread = (
            f"{format_rate(workload, it.low)} to {format_rate(workload, it.high)}"
            if it.runs > 1
            else "one run"
        )
        times = "" if client == OURS or ours is None else f"{ours.rate / it.rate:.2f}x"
        cheaper = "" if client == OURS or ours is None else f"{it.cpu / ours.cpu:.2f}x"
        memory = f"{it.rss / (1 << 20):,.0f} MiB"
        more = f" ({it.requests:,.0f} requests)" if it.requests else ""
        yield (
            client,
            format_rate(workload, it.rate) + more,
            spread,
            times,
            format_cpu(workload, it.cpu),
            cheaper,
            memory,
        )


HEAD = (
    "client",
    "throughput",
    "range",
    "relative throughput",
    "CPU per item",
    "relative CPU",
    "peak memory",
)


def lines(workload: Workload, measured: Measured) -> list[str]:
    """Formats a workload as Markdown."""
    table = [f"### {workload.language.capitalize()}: {workload.title}", ""]
    table += [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    table += [f"| {' | '.join(row)} |" for row in rows(workload, measured)]
    return [*table, ""]


def summary(workloads: list[Workload], results: dict[str, Measured]) -> str:
    """Formats one row per target."""
    table = ["| workload | target | measured | result |", "|---|---|---|---|"]
    for workload in workloads:
        for check in checks(workload, *figures(results[workload.name])):
            table.append(
                f"| {workload.language.capitalize()}: {workload.title} | {' | '.join(check)} |"
            )
    return "\n".join(table)


def document(
    workloads: list[Workload], results: dict[str, Measured], rounds: int, seconds: float
) -> str:
    parts = [
        "# Results",
        "",
        f"Written by `make bench`: medians of {rounds} rounds. In each round the clients take turns, each in a separate "
        f"process that repeats short workloads for {seconds:g} s. Server and client share the machine and talk over "
        "loopback, so compare ratios rather than absolute figures.",
        "",
        "- Relative throughput: throughput of replicant divided by that of the client.",
        "- Relative CPU: CPU time per item of the client divided by that of replicant.",
        "",
        machine(),
        "",
        "## Targets",
        "",
        summary(workloads, results),
        "",
        "## Figures",
        "",
    ]
    for workload in workloads:
        parts += lines(workload, results[workload.name])
    return "\n".join(parts)


def machine() -> str:
    info = Path("/proc/cpuinfo")
    models = (
        [line for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    cpu = models[0].split(":", 1)[1].strip() if models else platform.processor()
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    versions = [
        f"{os.cpu_count()} cores, {cpu}{load}",
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        f"Node {version('node', '--version').lstrip('v')}",
        version("rustc", "--version").rsplit(" (", 1)[0],
    ]
    return "; ".join(versions) + "."


def version(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
