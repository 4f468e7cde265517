"""Progress bars on stderr: those of tqdm if it is installed, otherwise plain lines."""

from __future__ import annotations

import sys
from typing import Any, Dict, Optional

from ._progress import Progress


class BytesBar:
    """A bar for a transfer."""

    def __init__(self, name: str) -> None:
        self._bar = _bar(name, "B")

    def show(self, data: Dict[str, Any]) -> None:
        self._bar.show(data["loaded"], data["total"])

    def close(self) -> None:
        self._bar.close()


class RowsBar:
    """A bar for a batch."""

    def __init__(self, name: str) -> None:
        self._bar = _bar(name, "row")

    def show(self, stats: Any) -> None:
        finished = stats.succeeded + stats.failed
        self._bar.show(finished, stats.total)
        notes = [f"{stats.failed} failed"] if stats.failed else []
        if stats.stopped is not None:
            notes.append(f"stopped: {stats.stopped}")
        self._bar.note(", ".join([f"{stats.per_minute:.0f} a minute", *notes]), stats.remaining)

    def close(self) -> None:
        self._bar.close()


class PredictionBars:
    """A bar for each upload, and one for the model."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bars: Dict[str, Any] = {}

    def show(self, data: Dict[str, Any]) -> None:
        upload: Optional[Dict[str, Any]] = data.get("upload")
        if upload is not None:
            bar = self._bar(upload["place"], upload["name"], "B")
            bar.show(upload["loaded"], upload["total"])
            return
        bar = self._bar("", self._name, "step")
        progress = Progress.parse(data.get("logs") or "")
        if progress is None:
            bar.say(data.get("status"))
        else:
            bar.show(progress.current, progress.total)

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()

    def _bar(self, key: str, name: str, unit: str) -> Any:
        if key not in self._bars:
            self._bars[key] = _bar(name, unit)
        return self._bars[key]


def _bar(name: str, unit: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Lines(name, unit)
    return _Tqdm(tqdm, name, unit)


class _Tqdm:
    def __init__(self, tqdm: Any, name: str, unit: str) -> None:
        self._name = name
        self._bar = tqdm(desc=name, unit=unit, unit_scale=unit == "B", bar_format="{desc}")

    def show(self, done: int, total: Optional[int]) -> None:
        self._bar.bar_format = None
        self._bar.set_description_str(self._name, refresh=False)
        self._bar.total = total
        # Negative when an upload is retried, as it begins again.
        self._bar.update(done - self._bar.n)

    def say(self, text: Optional[str]) -> None:
        self._bar.set_description_str(f"{self._name}: {text}")

    def note(self, text: str, remaining: Optional[float]) -> None:
        # The bar itself estimates the end.
        self._bar.set_postfix_str(text)

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """One line that is overwritten on a terminal; elsewhere a line for each quarter."""

    def __init__(self, name: str, unit: str) -> None:
        self._name = name
        self._unit = unit
        self._file = sys.stderr
        self._over = self._file is not None and self._file.isatty()
        self._last = ""
        self._quarter = -1
        self._amounts = ""
        self._due = False

    def show(self, done: int, total: Optional[int]) -> None:
        quarter = 4 * done // total if total else 0
        text = self._amount(done)
        if total:
            text += f" of {self._amount(total)} ({done / total:.0%})"
        self._amounts = text
        if self._unit == "row":
            self._due = quarter != self._quarter
        elif self._over or quarter != self._quarter:
            self.say(text)
        self._quarter = quarter

    def note(self, text: str, remaining: Optional[float]) -> None:
        """Adds a note to the amounts."""
        left = "" if remaining is None else f", {_time(remaining)} left"
        if self._over or self._due:
            self.say(f"{self._amounts}, {text}{left}")

    def say(self, text: Optional[str]) -> None:
        line = f"{self._name}: {text}"
        if self._file is None or line == self._last:
            return
        if self._over:
            self._file.write(f"\r{line.ljust(len(self._last))}")
            self._file.flush()
        else:
            self._file.write(f"{line}\n")
        self._last = line

    def close(self) -> None:
        if self._over and self._last:
            self._file.write("\n")

    def _amount(self, count: int) -> str:
        if self._unit != "B":
            return str(count)
        return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _time(seconds: float) -> str:
    """Returns a duration as `4:05` or `1:04:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
