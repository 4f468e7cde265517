"""Fixtures of the tests with Ray, Dask and Spark: an emulator, and the environment of their workers."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from typing import Any, Dict, Iterator

import pytest

from replicant.testing import Emulator

TOKEN = "r8_secretsecretsecretsecretsecretsecret0"

# Ray reads these when it is imported. The token is that of the clusters of these tests: Ray would store one in the home
# folder otherwise.
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def environment(emulator: Emulator) -> Dict[str, str]:
    """Returns the variables with which the workers find the emulator."""
    return {
        "REPLICATE_API_TOKEN": TOKEN,
        "REPLICATE_BASE_URL": emulator.base_url,
    }


def new_emulator(rate_limit: int = 1_000_000, **options: Any) -> Emulator:
    # The limit of the API for polls, which the emulator counts with other requests.
    return Emulator(rate_limit=rate_limit, read_limit=60_000, keep_requests=500_000, **options)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with new_emulator() as running:
        yield running


@pytest.fixture(scope="module")
def variables(emulator: Emulator) -> Iterator[Dict[str, str]]:
    """Sets the environment for the tests of a module, and returns it."""
    given = environment(emulator)
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    yield given
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value


def creates(emulator: Emulator) -> int:
    return sum(
        one["method"] == "POST" and one["path"].endswith("/predictions")
        for one in emulator.requests
    )


def paid(emulator: Emulator, name: str) -> Counter[Any]:
    """Returns the number of predictions for each value of an input."""
    return Counter(one["input"][name] for one in emulator.predictions)
