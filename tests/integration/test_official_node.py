"""The emulator serves npm `replicate` 1.4.0: official.mjs, with the certificate authority in the environment."""

from __future__ import annotations

import re
from typing import Callable

from conftest import StartEmulator


def test_calls_of_the_npm_client(
    start_emulator: StartEmulator, node_program: Callable[..., str]
) -> None:
    server = start_emulator("--tls", "--page-size", "4")
    output = node_program(
        "official.mjs", BASE_URL=server["tls_base_url"], NODE_EXTRA_CA_CERTS=server["ca_bundle"]
    )
    passed = re.search(r"^# pass (\d+)$", output, re.MULTILINE)
    assert passed and int(passed[1]) > 10, output
