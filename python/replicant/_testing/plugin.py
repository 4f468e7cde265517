"""Fixtures for pytest, which finds them by the entry point of the package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Iterator

import pytest

if TYPE_CHECKING:
    from .._async.client import AsyncClient
    from .._sync.client import Client
    from ..testing import Emulator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the setting of this plugin."""
    parser.addini(
        "replicant_tls",
        "The emulator serves HTTPS, and the fixtures set the certificate authority to trust",
        type="bool",
    )


@pytest.hookimpl(tryfirst=True)
def _renew_redirects() -> None:
    # Present only if the test uses an emulator.
    printed: Any = sys.modules.get("replicant._testing.printed")
    if printed is not None:
        printed.renew()


# Pytest sets the standard streams before and after each phase of a test, and so do its fixtures. A model may run on.
pytest_runtest_setup = pytest_runtest_call = pytest_runtest_teardown = _renew_redirects
pytest_runtest_makereport = pytest_fixture_post_finalizer = _renew_redirects


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup() -> Iterator[None]:
    """Keeps the logs of models although a fixture sets the standard streams."""
    yield
    _renew_redirects()


@pytest.fixture(scope="session")
def replicant_session_emulator(pytestconfig: pytest.Config) -> Iterator[Emulator]:
    """An emulator for all tests. What they create stays; use `replicant_emulator` for one that each test finds empty."""
    # Not imported with the plugin, which every run of pytest loads.
    from ..testing import Emulator

    with Emulator(tls=pytestconfig.getini("replicant_tls")) as emulator:
        yield emulator


@pytest.fixture
def replicant_emulator(
    replicant_session_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Emulator]:
    """The emulator of the session, reset before the test.

    `REPLICATE_BASE_URL` and `REPLICATE_API_TOKEN` are set, so that clients of the application use it, too. The URL is
    without `/v1`, which the official client adds. With `replicant_tls = true` in the settings of pytest, it is that of
    HTTPS, and `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE` name the certificate authority.
    """
    emulator = replicant_session_emulator
    emulator.reset()
    url = emulator.origin
    if emulator.tls_base_url is not None and emulator.ca_bundle is not None:
        url = emulator.tls_base_url[: -len("/v1")]
        monkeypatch.setenv("SSL_CERT_FILE", emulator.ca_bundle)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", emulator.ca_bundle)
    monkeypatch.setenv("REPLICATE_BASE_URL", url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", emulator._new_token() or "")
    yield emulator


@pytest.fixture
def replicant_client(replicant_emulator: Emulator) -> Client:
    """A client of the emulator."""
    return replicant_emulator.client()


@pytest.fixture
def replicant_async_client(replicant_emulator: Emulator) -> AsyncClient:
    """An async client of the emulator."""
    return replicant_emulator.async_client()
