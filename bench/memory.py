"""Measures the memory used by downloads and uploads: `make memory`.

It downloads 1 GiB with a fast and a slow reader, uploads 90 MiB, and prints how much the process grew. The server is
the emulator's replay server, in a child process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable

import replicant

GIB = 1 << 30
UPLOAD = 90 << 20
LIMITS = {"download": 16, "upload": 24}  # MiB


def resident() -> int:
    """Returns the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Server:
    def __init__(self) -> None:
        binary = Path(__file__).parent.parent / "target/debug/replicant-emulator"
        command = [str(binary), "--until-stdin-closes"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        self.addresses: dict[str, str] = json.loads(self.process.stdout.readline())

    def replay(self, *exchanges: dict[str, Any]) -> dict[str, str]:
        body = json.dumps({"exchanges": exchanges}).encode()
        request = urllib.request.Request(f"{self.addresses['replay_origin']}/_replay", data=body)
        with urllib.request.urlopen(request) as response:
            run: dict[str, str] = json.load(response)
        return run

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(name: str, kind: str, work: Callable[[Callable[[], None]], int]) -> bool:
    before = peak = resident()

    def sample() -> None:
        nonlocal peak
        peak = max(peak, resident())

    began = time.perf_counter()
    size = work(sample)
    took = time.perf_counter() - began
    sample()
    grown = (peak - before) / (1 << 20)
    ok = grown < LIMITS[kind]
    print(
        f"{name:34} {size / (1 << 20):7.0f} MiB  grew {grown:5.1f} MiB"
        f"  (limit {LIMITS[kind]})  {took:5.1f} s  {'ok' if ok else 'TOO MUCH'}"
    )
    return ok


def main() -> int:
    server = Server()
    reply = {"repeat": {"byte": 120, "length": GIB}}
    file = {"expect": {"method": "GET", "path": "/file"}, "reply": reply, "times": "any"}
    made = {"status": 201, "json": {"id": "f", "urls": {"get": "https://example.com/f"}}}
    upload = {"expect": {"method": "POST", "path": "/v1/files"}, "reply": made, "times": "any"}
    run = server.replay(file, upload)
    client = replicant.Client("r8_test", base_url=run["base_url"])
    output = replicant.FileOutput(f"{run['origin']}/file", client)
    # The first request creates the runtime and the connection pool, which are not measured.
    for _ in zip(output, range(8)):
        pass

    def download(pause: float, stop: int) -> Callable[[Callable[[], None]], int]:
        def work(sample: Callable[[], None]) -> int:
            size = 0
            for number, chunk in enumerate(output):
                size += len(chunk)
                if number % 64 == 0:
                    sample()
                if pause:
                    time.sleep(pause)
                if size >= stop:
                    break
            return size

        return work

    results = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.bin"
        with path.open("wb") as source:
            source.truncate(UPLOAD)

        def save(sample: Callable[[], None]) -> int:
            output.save(Path(folder) / "download.bin")
            return (Path(folder) / "download.bin").stat().st_size

        def send(sample: Callable[[], None]) -> int:
            client.files.create(path)
            return UPLOAD

        def send_open(sample: Callable[[], None]) -> int:
            with path.open("rb") as source:
                client.files.create(source)
            return UPLOAD

        results.append(measure("download, iterated", "download", download(0, GIB)))
        results.append(measure("download, slow reader", "download", download(0.01, 256 << 20)))
        results.append(measure("download, saved", "download", save))
        results.append(measure("upload from a path", "upload", send))
        results.append(measure("upload from an open file", "upload", send_open))
    server.close()
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
