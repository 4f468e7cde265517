"""Runs a model 900 times, 64 at a time, under the rate limit of the API: 600 creates a minute.

    python bench/rate_limit.py [RUNS]

prints for bursts of 10 and of 60, with the rate gate and without it (`rate_limit=None`), how many runs failed, the creates for
each run, and the time in relation to the ideal one. It takes about four minutes.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import replicant
from replicant.testing import Emulator

AT_ONCE = 64
PER_MINUTE = 600


def measure(runs: int, burst: int, gate: bool) -> None:
    with Emulator(rate_limit=PER_MINUTE, rate_burst=burst) as emulator:
        options = {} if gate else {"rate_limit": None}
        client = emulator.client(**options)

        def run(value: int) -> bool:
            try:
                return bool(client.run("emulator/echo", {"value": value}) == value)
            except replicant.RateLimitError:
                return False

        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            succeeded = sum(pool.map(run, range(runs)))
        took = time.monotonic() - began
        requests = emulator.requests
        # Runs of this model end within their create, so that dropped records are creates too.
        creates = requests.dropped + sum(one["path"].endswith("/predictions") for one in requests)
    ideal = (runs - burst) / (PER_MINUTE / 60)
    name = "rate gate" if gate else "without"
    print(
        f"burst {burst:2}, {name:9}: {runs - succeeded:3} of {runs} failed, {creates / runs:.3f} creates a run, "
        f"{took / ideal:.2f} of the ideal time",
        flush=True,
    )


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 900
    for burst in (10, 60):
        for gate in (True, False):
            measure(runs, burst, gate)


if __name__ == "__main__":
    main()
