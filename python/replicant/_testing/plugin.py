"""Fixtures for pytest, which finds them by the entry point of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

import pytest

if TYPE_CHECKING:
    from .._async.client import AsyncClient
    from .._sync.client import Client
    from ..testing import Emulator


@pytest.fixture(scope="session")
def replicant_session_emulator() -> Iterator[Emulator]:
    """An emulator for all tests. What they create stays; use `replicant_emulator` for one that each test finds empty."""
    # Not imported with the plugin, which every run of pytest loads.
    from ..testing import Emulator

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def replicant_emulator(
    replicant_session_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """The emulator of the session, reset before the test.

    `REPLICATE_BASE_URL` and `REPLICATE_API_TOKEN` are set, so that clients of the application use it, too.
    """
    replicant_session_emulator.reset()
    monkeypatch.setenv("REPLICATE_BASE_URL", replicant_session_emulator.base_url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_a-token-for-tests")
    yield replicant_session_emulator


@pytest.fixture
def replicant_client(replicant_emulator: Emulator) -> Client:
    """A client of the emulator."""
    return replicant_emulator.client()


@pytest.fixture
def replicant_async_client(replicant_emulator: Emulator) -> AsyncClient:
    """An asynchronous client of the emulator."""
    return replicant_emulator.async_client()
