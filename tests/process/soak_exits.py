"""Programs that end while their daemon threads use the package.

    python tests/process/soak_exits.py [EXITS] [PROGRAM ...]

runs each program that many times (20 unless given) under every CPython of this machine, one process for each CPU at a
time. It fails if an exit code is not the one that the program asked for, if anything was printed, or if an exit took longer
than a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

HEAD = """
import asyncio, io, os, random, sys, tempfile, threading, time
import replicant
client = replicant.Client("r8_token", base_url=sys.argv[1])
picture = replicant.FileOutput(sys.argv[2], client)
def forever(work, threads=3):
    def repeat():
        while True:
            try:
                work()
            except Exception:
                pass
    for _ in range(threads):
        threading.Thread(target=repeat, daemon=True).start()
def end(code=0):
    time.sleep(0.05 + 0.05 * random.random())
    print(time.time(), flush=True)
    sys.exit(code)
"""

RUN = """
forever(lambda: client.run("emulator/echo", {"value": 1}))
end()
"""
GET = """
forever(lambda: client.models.get("emulator/echo"))
end()
"""
STREAM = """
words = {"chunks": ["a", "b"], "repeat": 50}
forever(lambda: list(client.stream("emulator/stream", words)))
end(3)
"""
READ = """
forever(picture.read)
end()
"""
SAVE = """
folder = tempfile.mkdtemp()
forever(lambda: picture.save(os.path.join(folder, str(random.random()))))
time.sleep(0.05 * random.random())
end(4)
"""
OBSERVE = """
def observe(prediction):
    return sorted(str(prediction.status) for _ in range(200))
forever(lambda: client.run("emulator/echo", {"value": 1}, on_update=observe))
end()
"""
UPLOAD = """
class Slow(io.BytesIO):
    def read(self, size=-1):
        sum(range(2000))
        return super().read(min(size, 20000))
forever(lambda: client.files.create(Slow(bytes(200000))))
end()
"""
TRANSPORT = """
import urllib.error, urllib.request
def carry(request):
    body = request.content or None
    sent = urllib.request.Request(request.url, body, request.headers, method=request.method)
    try:
        with urllib.request.urlopen(sent) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
other = replicant.Client("r8_token", base_url=sys.argv[1], transport=carry)
forever(lambda: other.run("emulator/echo", {"value": 1}))
end()
"""
LOOP = """
awaited = replicant.AsyncClient("r8_token", base_url=sys.argv[1])
async def one():
    while True:
        try:
            await awaited.run("emulator/echo", {"value": 1})
            async for event in awaited.stream("emulator/stream", {"chunks": ["a"], "repeat": 50}):
                pass
        except Exception:
            pass
async def all():
    await asyncio.gather(*(one() for _ in range(8)))
threading.Thread(target=lambda: asyncio.run(all()), daemon=True).start()
end()
"""
POOL = """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(4)
for _ in range(12):
    pool.submit(client.run, "emulator/echo", {"value": 1})
forever(lambda: client.models.get("emulator/echo"), 1)
end()
"""
ABANDONED = """
words = {"chunks": ["a", "b"], "pause": 0.002, "repeat": 1000}
left = [client.stream("emulator/stream", words) for _ in range(3)]
for stream in left:
    next(stream)
forever(lambda: next(client.stream("emulator/stream", words)), 2)
end()
"""
UNAWAITED = """
awaited = replicant.AsyncClient("r8_token", base_url=sys.argv[1])
async def main():
    left = [asyncio.ensure_future(awaited.run("emulator/endless", {})) for _ in range(4)]
    stream = awaited.stream("emulator/stream", {"chunks": ["a"], "pause": 0.01, "repeat": 100})
    await stream.__anext__()
    await asyncio.sleep(0.05)
asyncio.run(main())
end()
"""
EXIT_IN_THREAD = """
forever(lambda: client.models.get("emulator/echo"), 2)
def leave():
    client.models.get("emulator/echo")
    sys.exit(5)
thread = threading.Thread(target=leave)
thread.start()
end()
"""
COMPUTE = """
headers = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
def verify():
    replicant.webhooks.validate(headers=headers, body='{"a": 1}', secret="whsec_AAAA")
forever(verify)
end()
"""


class Case(NamedTuple):
    script: str
    code: int = 0


CASES = {
    "run": Case(RUN),
    "get": Case(GET),
    "stream": Case(STREAM, 3),
    "read": Case(READ),
    "save": Case(SAVE, 4),
    "observer": Case(OBSERVE),
    "upload": Case(UPLOAD),
    "transport": Case(TRANSPORT),
    "asyncio in a thread": Case(LOOP),
    "thread pool": Case(POOL),
    "abandoned streams": Case(ABANDONED),
    "unawaited calls": Case(UNAWAITED),
    "sys.exit in a thread": Case(EXIT_IN_THREAD),
    "webhook": Case(COMPUTE),
}


class Exit(NamedTuple):
    """The end of a program."""

    code: int
    output: str
    seconds: float
    """From its last statement to the end of the process."""


def run(program: str, case: Case, base_url: str, picture: str, environment: dict[str, str]) -> Exit:
    """Runs a program once."""
    process = subprocess.Popen(
        [program, "-c", HEAD + case.script, base_url, picture],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    began = process.stdout.readline()
    output, errors = process.communicate(timeout=60)
    seconds = time.time() - float(began or "nan")
    return Exit(process.returncode, output + errors, seconds)


def main() -> None:
    from processes import ROOT, Emulator, clean_environment

    sys.path.insert(0, str(ROOT / "tests/matrix"))
    from pythons import WANTED, interpreters

    default = 2 if os.environ.get("SOAK") == "small" else 20
    exits = int(sys.argv[1]) if len(sys.argv) > 1 else default
    names = sys.argv[2:] or list(CASES)
    server = subprocess.Popen(
        [ROOT / "target/debug/replicant-emulator", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    emulator = Emulator(server)
    picture = paint(emulator.base_url)
    failed = 0
    found = interpreters()
    for version, program in (found[line] for line in WANTED if line in found):
        for name in names:
            arguments = program, CASES[name], emulator.base_url, picture, clean_environment()
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                ends = [
                    end.result() for end in [pool.submit(run, *arguments) for _ in range(exits)]
                ]
            emulator.forget()
            wrong = [end for end in ends if end.code != CASES[name].code or end.output]
            slow = [end for end in ends if not end.seconds < 1]
            failed += len(wrong) + len(slow)
            longest = max(end.seconds for end in ends)
            print(
                f"{version:8} {name:22} {exits} exits, {len(wrong)} wrong, {len(slow)} slow, "
                f"longest {longest:.2f} s",
                flush=True,
            )
            for end in wrong[:2]:
                print("   ", end.code, end.output.strip()[-500:])
    server.communicate()
    sys.exit(1 if failed else 0)


def paint(base_url: str) -> str:
    """Returns the URL of an output file."""
    import replicant

    client = replicant.Client("r8_token", base_url=base_url)
    return client.run("black-forest-labs/flux-schnell", {"prompt": "a heron"})[0].url


if __name__ == "__main__":
    main()
