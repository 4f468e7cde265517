"""The page of the emulator in headless Chromium: page.mjs."""

from __future__ import annotations

import re
from typing import Callable

from conftest import StartEmulator


def test_the_page_in_chromium(
    start_emulator: StartEmulator, node_program: Callable[..., str]
) -> None:
    server = start_emulator()
    output = node_program("page.mjs", ORIGIN=server["origin"])
    passed = re.search(r"^# pass (\d+)$", output, re.MULTILINE)
    assert passed and int(passed[1]) >= 8, output
