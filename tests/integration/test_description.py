"""The emulator agrees with the API's OpenAPI document, for requests that Schemathesis generates from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Tuple

import pytest
from conftest import ROOT, StartEmulator

#: Each is a property of all responses. Not checked: that every invalid request is refused, as the API ignores
#: unknown members and query parameters; that every valid one succeeds, as most owners, names and ids do not exist.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ignored_auth",
]

#: The body of every error response.
PROBLEM = {
    "type": "object",
    "required": ["detail", "status"],
    "properties": {
        "detail": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
        "title": {"type": "string"},
    },
}

Document = Dict[str, Any]


def declare_errors(document: Document) -> None:
    for path in document["paths"].values():
        for operation in path.values():
            for status in ("400", "401", "403", "404", "422"):
                content = {"application/problem+json": {"schema": PROBLEM}}
                operation["responses"].setdefault(status, {"description": "", "content": content})


def children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def allow_hidden_versions(document: Document) -> None:
    def loosen(value: Any) -> None:
        for part in children(value):
            loosen(part)
        if isinstance(value, dict) and {"type": "string"} in value.get("oneOf", []):
            value["anyOf"] = value.pop("oneOf")

    loosen(document)


#: How the document is changed before the emulator is compared with it, and why.
DEVIATIONS: List[Tuple[Callable[[Document], None], str]] = [
    (
        declare_errors,
        "the document declares few error statuses, while the API refuses tokens, names and inputs with these",
    ),
    (
        allow_hidden_versions,
        'the document gives a version as `oneOf` a string and "hidden", and "hidden" is both',
    ),
]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    changed: Document = json.loads((ROOT / "tests/openapi.json").read_text())
    for change, reason in DEVIATIONS:
        before = json.dumps(changed)
        change(changed)
        assert json.dumps(changed) != before, (
            f"the document no longer needs the deviation: {reason}"
        )
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(changed))
    return path


def test_responses_to_generated_requests_match_the_document(
    start_emulator: StartEmulator, document: Path
) -> None:
    server = start_emulator("--token", "r8_generated")
    ran = subprocess.run(
        [
            *[sys.executable, "-m", "schemathesis.cli", "--no-color", "run", str(document)],
            *["--url", server["base_url"], "--header", "Authorization: Bearer r8_generated"],
            *["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"],
            *["--seed", "14", "--max-examples", "40", "--continue-on-failure", "--no-shrink"],
        ],
        cwd=document.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"Tested: 37\b", ran.stdout), ran.stdout
    generated = re.search(r"(\d+) generated", ran.stdout)
    assert generated and int(generated[1]) > 1000, ran.stdout
