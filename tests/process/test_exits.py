"""A process ends quietly and quickly, whatever its threads do. `soak_exits.py` runs the same programs more often."""

from __future__ import annotations

import sys

import pytest
import soak_exits
from processes import Emulator, clean_environment, emulator, environment, shared_emulator

__all__ = ["emulator", "environment", "shared_emulator"]


@pytest.fixture(scope="module")
def picture(shared_emulator: Emulator) -> str:
    return soak_exits.paint(shared_emulator.base_url)


@pytest.mark.parametrize("name", soak_exits.CASES)
def test_a_process_ends_while_threads_use_the_package(
    name: str, emulator: Emulator, picture: str
) -> None:
    case = soak_exits.CASES[name]
    for _ in range(3):
        end = soak_exits.run(sys.executable, case, emulator.base_url, picture, clean_environment())
        assert (end.code, end.output) == (case.code, "")
        # Takes less than a second. The margin is for busy machines.
        assert end.seconds < 4
