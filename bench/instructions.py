"""Counts the instructions of the core's hot paths: `make bench-instructions`.

    instructions.py [--write]

Unlike times, instruction counts are the same on a busy machine, so they are compared with a baseline,
`bench/instructions.json`. Without valgrind, or with another rustc than that of the baseline, it prints why and
compares nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from prepare import PROGRAM, ROOT, command

BASELINE = ROOT / "bench/instructions.json"
# The accepted growth of a path. Hash seeds and allocation sizes account for about one percent.
TOLERANCE = 0.05
# The counts of two runs are subtracted, which removes one-time setup.
FEW, MANY = 20, 120


def instructions(path: str, times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        words = ["valgrind", "--tool=callgrind", out, str(PROGRAM), "path", path, str(times)]
        done = subprocess.run(words, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        sys.exit(f"valgrind failed at {path!r}:\n{done.stderr[-2000:]}")
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Counts the instructions of the core's hot paths.")
    parser.add_argument("--write", action="store_true", help="save these counts as the baseline")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("Skipped: valgrind is not installed (Debian: apt-get install valgrind).")
        return 0
    compiler = f"{command('rustc', '--version').split(' (')[0].strip()}, {platform.machine()}"
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {"rustc": "", "paths": {}}
    if baseline["rustc"] != compiler and not options.write:
        print(f"Skipped: the baseline was made by {baseline['rustc']}, and this is {compiler}.")
        return 0
    command("cargo", "build", "--quiet", "--release", "-p", "replicant-bench")
    counts = {}
    grown = []
    for path in command(PROGRAM, "paths", "--list").splitlines():
        count = (instructions(path, MANY) - instructions(path, FEW)) // (MANY - FEW)
        counts[path] = count
        before = baseline["paths"].get(path)
        change = count / before - 1 if before else 0
        print(f"{path:34} {count:>12,}" + (f"  {change:+.1%}" if before else "  new"))
        if change > TOLERANCE:
            grown.append(path)
    if options.write:
        BASELINE.write_text(json.dumps({"rustc": compiler, "paths": counts}, indent=2) + "\n")
        return 0
    if grown:
        print(f"Grown by more than {TOLERANCE:.0%}: {', '.join(grown)}.")
        print("If this is intended, run: python3 bench/instructions.py --write")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
