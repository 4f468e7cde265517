"""Runs a model 900 times, 64 at a time, under the rate limit of the API: 600 creates a minute.

    python bench/rate_limit.py [RUNS]

prints for bursts of 10 and of 60, with the rate gate, without it (`rate_limit=None`) and with the official client, how many
runs failed, the creates for each run, and the time in relation to the ideal one. It takes about six minutes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import prepare

import replicant
from replicant.testing import Emulator

AT_ONCE = 64
PER_MINUTE = 600
# The same loop for the official client, which has its own interpreter. Prints the number of successes.
OFFICIAL = """
import sys
from concurrent.futures import ThreadPoolExecutor
import replicate
client = replicate.Client(api_token="r8_bench")
def run(value):
    try:
        return client.run("emulator/echo", input={"value": value}) == value
    except replicate.exceptions.ReplicateError:
        return False
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    print(sum(pool.map(run, range(int(sys.argv[1])))))
"""


def with_official(emulator: Emulator, runs: int) -> int:
    command = [prepare.python_of("replicate1"), "-c", OFFICIAL, str(runs), str(AT_ONCE)]
    environment = {"REPLICATE_BASE_URL": emulator.base_url.removesuffix("/v1")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return int(done.stdout)


def with_replicant(emulator: Emulator, runs: int, gate: bool) -> int:
    options = {} if gate else {"rate_limit": None}
    client = emulator.client(**options)

    def run(value: int) -> bool:
        try:
            return bool(client.run("emulator/echo", {"value": value}) == value)
        except replicant.RateLimitError:
            return False

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(run, range(runs)))


def measure(runs: int, burst: int, name: str) -> None:
    with Emulator(rate_limit=PER_MINUTE, rate_burst=burst) as emulator:
        began = time.monotonic()
        if name == "official":
            succeeded = with_official(emulator, runs)
        else:
            succeeded = with_replicant(emulator, runs, name == "rate gate")
        took = time.monotonic() - began
        requests = emulator.requests
        # Runs of this model end within their create, so that dropped records are creates too.
        creates = requests.dropped + sum(one["path"].endswith("/predictions") for one in requests)
    ideal = (runs - burst) / (PER_MINUTE / 60)
    print(
        f"burst {burst:2}, {name:9}: {runs - succeeded:3} of {runs} failed, {creates / runs:.3f} creates a run, "
        f"{took / ideal:.2f} of the ideal time",
        flush=True,
    )


def main() -> None:
    prepare.install_official()
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 900
    for burst in (10, 60):
        for name in ("rate gate", "without", "official"):
            measure(runs, burst, name)


if __name__ == "__main__":
    main()
