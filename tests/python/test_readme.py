"""The Python code of the README files, of docs/operating.md and at the beginning of other guides runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Emulator

BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


def run(program: str, emulator: Emulator, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("REPLICATE_")}
    env.update(REPLICATE_API_TOKEN="r8_test", REPLICATE_BASE_URL=emulator.base_url)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("name", ["README.md", "python/README.md"])
def test_the_code_of_a_readme_runs(name: str, emulator: Emulator, tmp_path: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    program = "\n".join(BLOCK.findall(text)).replace("https://example.com", "http://127.0.0.1:9")
    done = run(program, emulator, tmp_path)
    assert program.count("\n") > 40
    assert "input.prompt" in done.stdout
    assert (tmp_path / "larger.png").stat().st_size > 1000


# Follows the first lines of docs/webhooks.md: serves the application, and has a webhook delivered to it.
SERVE = """
import builtins, threading, time
import uvicorn, replicant

printed = threading.Event()

def print(*words):
    builtins.print(*words)
    printed.set()

server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.01)
port = server.servers[0].sockets[0].getsockname()[1]
url = f"http://127.0.0.1:{port}/webhook"
replicant.predictions.create(
    model="emulator/echo", input={"value": "hi"}, webhook=url, webhook_events_filter=["completed"]
)
assert printed.wait(timeout=60)
server.should_exit = True
"""


@pytest.mark.parametrize(
    "page, more, printed", [("testing", "", r"^$"), ("webhooks", SERVE, r"^\S+ succeeded hi$")]
)
def test_the_first_lines_of_a_guide_run(
    page: str, more: str, printed: str, emulator: Emulator, tmp_path: Path
) -> None:
    pytest.importorskip("fastapi")
    guide = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    assert re.match(r"# .+\n\n(?:\w.+\n)+\n```python\n", guide), "no paragraph, then code"
    done = run(BLOCK.findall(guide)[0] + more, emulator, tmp_path)
    assert re.search(printed, done.stdout.strip())


def test_the_code_of_the_guide_to_many_rows_runs(emulator: Emulator, tmp_path: Path) -> None:
    guide = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in re.split(r"^## ", guide, flags=re.M)[1:])
    # Ray, Dask and Spark are in tests/integration/tables.
    (program,) = BLOCK.findall(sections["One machine"])
    (tmp_path / "rows.csv").write_text("id,url\nheron,a\nfox,b\n")
    program = program.replace("acme/captioner", "emulator/echo").replace('"image"', '"value"')
    for _ in range(2):
        done = run(program, emulator, tmp_path)
        assert sorted(done.stdout.splitlines()) == ["fox succeeded b", "heron succeeded a"]
    assert (tmp_path / "captions.jsonl").exists()
    section = sections["A hundred million rows"]
    (program,) = BLOCK.findall(section)
    (printed,) = re.findall(r"^```text\n(.*?)^```", section, re.M | re.S)
    assert run(program, emulator, tmp_path).stdout == printed


# What each section of docs/operating.md shows, and what its program prints.
SECTIONS = {
    "Logs": (r"^$", r"^DEBUG sending request .*^INFO created prediction "),
    "Hooks": (r"^acme Counter\(\)\n\S+ 200 RateLimit", r"^$"),
    "Tracing": (r"generate_content acme/captions", r"^$"),
    "Timeouts": (r"^$", r"^$"),
    "Rate limits": (r"^acme\nNone 0\.0 0$", r"^$"),
    "Handles": (r"\A\n\n\Z", r"\A\Z"),
    "Proxies": (r"^$", r"^$"),
    "Certificates": (r"^$", r"^$"),
    "Connection pools": (r"^acme$", r"^$"),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_code_of_the_operating_guide_runs(
    section: str, emulator: Emulator, tmp_path: Path
) -> None:
    if section == "Tracing":
        pytest.importorskip("opentelemetry.sdk")
    guide = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    sections = dict(part.split("\n", 1) for part in re.split(r"^## ", guide, flags=re.M)[1:])
    assert sections.keys() >= SECTIONS.keys()
    blocks = BLOCK.findall(sections[section])
    assert blocks
    program = "\n".join(blocks).replace("acme/captions", "emulator/echo")
    program = program.replace('"image": "https://example.com/heron.png"', '"value": ""')
    for name in ("company.pem", "me.pem", "me.key"):
        file = {"company.pem": "authority.pem"}.get(name, name.replace("me", "client"))
        program = program.replace(f"/etc/ssl/{name}", (ROOT / "tests/tls" / file).as_posix())
    done = run(program, emulator, tmp_path)
    printed, logged = SECTIONS[section]
    printed = printed.replace("acme/captions", "emulator/echo")
    assert re.search(printed, done.stdout, re.M | re.S), done.stdout
    assert re.search(logged, done.stderr, re.M | re.S), done.stderr
