"""Builds the WebAssembly module of the npm package: `node/dist/web/replicant.wasm` and `glue.js`.

    python3 scripts/web.py [--fetch] [--require]

It needs a Rust toolchain for wasm32-unknown-unknown. The first of these is used: the compiler in `RUSTC`, the active one, the
other toolchains of rustup, and those that `scripts/web_toolchain.py` fetched from Debian. `--fetch` fetches one if there is
none. Without a toolchain the script says so and ends with 0, or with `--require` with 1.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import web_toolchain
from web_toolchain import TARGET, Toolchain

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "crates/web"
BUILD = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute() / "web"
OUTPUT = ROOT / "node/dist/web"

# Largest size of the module and its JavaScript together, compressed, in bytes.
MAX_SIZE = 300_000
# Longest time to compile and instantiate the module, in milliseconds.
MAX_START = 15.0

# Not `--all-features`: some of them are unknown to the runtimes.
FEATURES = [
    "bulk-memory",
    "bulk-memory-opt",
    "nontrapping-float-to-int",
    "sign-ext",
    "mutable-globals",
    "reference-types",
    "multivalue",
]
OPTIMIZATION = [
    "--reorder-functions-by-name",
    # As small as with `-Oz`, and calls are faster.
    "-O3",
    # Functions of one type are compressed better side by side, and inlining larger ones makes the module less compressible.
    "--one-caller-inline-max-function-size=0",
    "--flexible-inline-max-function-size=8",
    "--always-inline-max-function-size=4",
    *(f"--enable-{name}" for name in FEATURES),
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
    # Again, after the others: half a kilobyte less.
    "-O3",
]


def run(command: list, **options):
    """Runs a command. Returns its output if `options` capture it."""
    completed = subprocess.run([str(part) for part in command], check=False, **options)
    if completed.returncode != 0:
        sys.exit(f"{command[0]} failed with exit code {completed.returncode}")
    return completed.stdout


def tool(name: str) -> Path:
    """Returns the path of a program of `crates/web/package.json`."""
    path = CRATE / "node_modules/.bin" / name
    if not path.exists():
        run(["npm", "ci", "--loglevel=error", "--no-audit", "--no-fund"], cwd=CRATE)
    return path


def compile_module(toolchain: Toolchain) -> Path:
    command = [
        "cargo",
        "build",
        "--quiet",
        "--release",
        "--lib",
        "--locked",
        "--package",
        "replicant-web",
    ]
    environment = {**os.environ, **toolchain.environment, "CARGO_TARGET_DIR": str(BUILD)}
    environment["RUSTFLAGS"] = " ".join(toolchain.rustflags)
    run([*command, f"--target={TARGET}", *toolchain.flags], cwd=CRATE, env=environment)
    return BUILD / TARGET / "release/replicant_web.wasm"


def write_glue(module: Path) -> None:
    """Writes `glue.js` and the module that it loads."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILD)}
    command = ["cargo", "build", "--quiet", "--locked", "--package", "replicant-bindgen"]
    run(command, cwd=CRATE, env=environment)
    run([BUILD / "debug/replicant-bindgen", module, OUTPUT, "glue"])
    glue = OUTPUT / "glue.js"
    glue.write_text(minified(quickened(glue.read_text())))


def quickened(glue: str) -> str:
    """Encodes text of 200 characters to 64 KiB with `encodeInto`. The loop for ASCII is slow for it, and does not need three
    times the memory for more."""
    loop = "for (; offset < len; offset++) {"
    if glue.count(loop) != 1:
        sys.exit("glue.js has an unexpected form")
    return glue.replace(loop, loop.replace("len;", "len && (len < 200 || len > 65536);"))


def minified(glue: str) -> str:
    """Minifies the script, without the asynchronous start, which nothing uses."""
    exports = "export { initSync, __wbg_init as default };"
    if glue.count(exports) != 1:
        sys.exit("glue.js has an unexpected form")
    command = [tool("esbuild"), "--minify", "--format=esm", "--tree-shaking=true"]
    return run(
        command,
        input=glue.replace(exports, "export { initSync };"),
        stdout=subprocess.PIPE,
        text=True,
    )


def optimize() -> None:
    before, after = OUTPUT / "glue_bg.wasm", OUTPUT / "replicant.wasm"
    run([tool("wasm-opt"), *OPTIMIZATION, before, "-o", after])
    before.unlink()
    number_imports(after)


def number_imports(module: Path) -> None:
    """Replaces the names of imports, whose hashes cannot be compressed, by numbers of the same length."""
    glue = OUTPUT / "glue.js"
    code, script = module.read_bytes(), glue.read_bytes()
    for number, name in enumerate(sorted(set(re.findall(rb"\b__wbg_\w+_[0-9a-f]{16}\b", script)))):
        if code.count(name) != 1:
            sys.exit(f"{name.decode()} is not an import of the module")
        short = b"_%0*d" % (len(name) - 1, number)
        code, script = code.replace(name, short), script.replace(name, short)
    module.write_bytes(code)
    glue.write_bytes(script)


def check() -> bool:
    """Prints the sizes and the time to start. Returns whether they are within the limits."""
    sizes = {
        name: len(gzip.compress((OUTPUT / name).read_bytes(), 9))
        for name in ("replicant.wasm", "glue.js")
    }
    total = sum(sizes.values())
    parts = ", ".join(f"{name} {size / 1000:.0f} KB" for name, size in sizes.items())
    print(f"Compressed size: {total / 1000:.0f} KB of at most {MAX_SIZE / 1000:.0f} KB ({parts})")
    measured = subprocess.run(
        ["node", CRATE / "start.mjs", OUTPUT / "replicant.wasm"],
        capture_output=True,
        text=True,
        check=True,
    )
    start = float(measured.stdout)
    print(f"Time to start: {start:.1f} ms of at most {MAX_START:.0f} ms")
    return total <= MAX_SIZE and start <= MAX_START


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fetch", action="store_true", help="fetch a toolchain from Debian if there is none"
    )
    parser.add_argument("--require", action="store_true", help="fail without a toolchain")
    arguments = parser.parse_args()
    toolchain = web_toolchain.find()
    if toolchain is None and arguments.fetch:
        toolchain = web_toolchain.fetch()
    if toolchain is None:
        print("== Skipping the WebAssembly module and its tests: no toolchain for it was found.")
        print("   Add one with: rustup target add wasm32-unknown-unknown")
        print("   or, on Debian and Ubuntu, with: python3 scripts/web.py --fetch")
        return 1 if arguments.require else 0
    print(f"== Compiling the WebAssembly module with {toolchain.name}")
    module = compile_module(toolchain)
    stamp = OUTPUT / ".built"
    content = hashlib.sha256(module.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == content):
        shutil.rmtree(OUTPUT, ignore_errors=True)
        OUTPUT.mkdir(parents=True)
        write_glue(module)
        optimize()
        stamp.write_text(content)
    if check():
        return 0
    print("The module is too large or starts too slowly.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
