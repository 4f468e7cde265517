"""From measured processes to a table of ratios."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Optional

from works import CORE, FETCH, OURS, PLAIN, SYNCED, Work

Measured = dict[str, list[Any]]


@dataclass
class Figures:
    """The medians of one client at one work."""

    rate: float
    # The lowest and the highest rate.
    low: float
    high: float
    # Seconds of processor time for an item.
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
    """The figures of those that did the work, and why the others could not."""
    done, failed = {}, {}
    for client, runs in measured.items():
        why = next((run for run in runs if isinstance(run, str)), None)
        if why is None:
            done[client] = Figures.of(runs)
        else:
            failed[client] = why
    return done, failed


def checks(
    work: Work, done: dict[str, Figures], failed: dict[str, str]
) -> Iterator[tuple[str, str, str]]:
    """Each target of a work: what it asks for, what was measured, and how that stands."""
    ours = done.get(OURS)
    if ours is None:
        yield "done at all", failed.get(OURS, "not measured"), "NOT MET"
        return
    for target in work.targets:
        aim = [f"at least {target.least:g}x"] if target.least else []
        aim += [f"at best {target.best:g}x"] if target.best else []
        text = f"{', '.join(aim)} {target.than}"
        if target.than in done:
            ratio = ours.rate / done[target.than].rate
            yield text, f"{ratio:.2f}x", standing(ratio, target.least, target.best)
        else:
            yield text, failed.get(target.than, "not measured"), "-"
    if work.seconds:
        best = f", at best {work.best_seconds * 1000:g} ms" if work.best_seconds else ""
        text = f"under {work.seconds * 1000:g} ms{best}"
        how = standing(ours.rate, 1 / work.seconds, work.best_seconds and 1 / work.best_seconds)
        yield text, shown_rate(work, ours.rate), how
    if work.grown:
        grown = ours.grown / (1 << 20)
        text = f"grows by less than {work.grown:g} MiB"
        yield text, f"{grown:.1f} MiB", "met" if grown < work.grown else "NOT MET"
    official = [
        f.rss for client, f in done.items() if client not in (OURS, PLAIN, SYNCED, CORE, FETCH)
    ]
    if official:
        ratio = ours.rss / min(official)
        text = "peak memory below that of the official, at best half"
        yield text, f"{ratio:.2f}x", standing(1 / ratio, 1, 2)


def standing(ratio: float, least: float, best: Optional[float]) -> str:
    if best and ratio >= best:
        return "best"
    if not least:
        return "not at best"
    return "met" if ratio >= least else "NOT MET"


def shown_rate(work: Work, rate: float) -> str:
    if work.unit == "bytes":
        return f"{rate / 1e6:,.0f} MB/s"
    if work.unit == "imports":
        return f"{1000 / rate:,.1f} ms"
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def shown_cpu(work: Work, cpu: float) -> str:
    if work.unit == "bytes":
        return f"{cpu * (1 << 30):.2f} s/GiB"
    return f"{cpu * 1e3:,.1f} ms" if cpu >= 1e-3 else f"{cpu * 1e6:,.2f} us"


def rows(work: Work, measured: Measured) -> Iterator[tuple[str, ...]]:
    done, failed = figures(measured)
    ours = done.get(OURS)
    for client in work.clients:
        if client in failed:
            yield client, failed[client], "", "", "", "", ""
            continue
        if client not in done:
            continue
        it = done[client]
        spread = (
            f"{shown_rate(work, it.low)} to {shown_rate(work, it.high)}"
            if it.runs > 1
            else "one run"
        )
        times = "" if client == OURS or ours is None else f"{ours.rate / it.rate:.2f}x"
        cheaper = "" if client == OURS or ours is None else f"{it.cpu / ours.cpu:.2f}x"
        memory = f"{it.rss / (1 << 20):,.0f} MiB"
        more = f" ({it.requests:,.0f} requests)" if it.requests else ""
        yield (
            client,
            shown_rate(work, it.rate) + more,
            spread,
            times,
            shown_cpu(work, it.cpu),
            cheaper,
            memory,
        )


HEAD = ("client", "rate", "spread", "ours is", "CPU each", "its CPU", "peak memory")


def lines(work: Work, measured: Measured) -> list[str]:
    """A work as Markdown."""
    table = [f"### {work.language.capitalize()}: {work.title}", ""]
    table += [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    table += [f"| {' | '.join(row)} |" for row in rows(work, measured)]
    return [*table, ""]


def summary(works: list[Work], results: dict[str, Measured]) -> str:
    """One line for each target."""
    table = ["| work | target | measured | |", "|---|---|---|---|"]
    for work in works:
        for check in checks(work, *figures(results[work.name])):
            table.append(f"| {work.language.capitalize()}: {work.title} | {' | '.join(check)} |")
    return "\n".join(table)


def document(works: list[Work], results: dict[str, Measured], rounds: int, seconds: float) -> str:
    parts = [
        "# Results",
        "",
        f"Written by `make bench`: medians of {rounds} rounds, in which the clients take turns, each in a process "
        f"of its own that repeats short works for {seconds:g} s. Server and client share the machine, over loopback: "
        "compare the ratios, not the digits. `ours is 4.00x` says that this SDK did four times as much in the same "
        "time; `its CPU` of 4.00x, that the other took four times the processor time for each item.",
        "",
        machine(),
        "",
        "## Targets",
        "",
        summary(works, results),
        "",
        "## Figures",
        "",
    ]
    for work in works:
        parts += lines(work, results[work.name])
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
