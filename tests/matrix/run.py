"""Installs the packages of dist/ into clean environments and runs them there.

    run.py                 everything
    run.py --only REGEX    environments whose name matches
    run.py --list          their names

Prints a table and fails if an environment failed. Environments that are not available are skipped, with a reason.
The folder of each environment, with its log, remains for inspection. Downloads are cached in target/matrix/cache.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from typing import Callable, List, Tuple

import bundlers
import nodes
import pythons
import web
from environment import DIST, PROJECTS, Skip, registry

Environment = Tuple[str, Callable[[str], str]]


def environments() -> List[Environment]:
    """Returns names and functions that take the URL of an npm registry and return the tested version."""
    found: List[Environment] = [
        *((f"Python {name}", partial(pythons.wheel, name)) for name in pythons.WANTED),
        ("Python beside old httpx", pythons.beside_old_packages),
        ("Emulator with uvx", pythons.uvx),
        ("Python libraries", pythons.libraries),
        ("Python from source", pythons.source_distribution),
        (
            "Python on musl",
            unavailable("no registry has a Python for musl: the release workflow tests it"),
        ),
        *(
            (f"Node {line}", partial(nodes.runtime, line))
            for line in ["18", "20", "22", "24", "latest"]
        ),
        (
            "Node on musl",
            unavailable("no registry has a Node for musl: the release workflow tests it"),
        ),
        ("Node without its module", nodes.missing_module),
        ("Node without the emulator", nodes.missing_emulator),
        ("Bun", nodes.bun),
        ("Deno", nodes.deno),
        ("pnpm", nodes.pnpm),
        ("Yarn Plug'n'Play", nodes.yarn),
    ]
    for version in ["5", "latest"]:
        for module, resolution in [("node16",) * 2, ("nodenext",) * 2, ("es2022", "bundler")]:
            attempt = partial(nodes.typescript, version, module, resolution)
            found.append((f"TypeScript {version} {resolution}", attempt))
    found += [
        ("TypeScript 5 node10", partial(nodes.typescript, "5", "commonjs", "node10")),
        ("esbuild cjs", partial(bundlers.esbuild, "cjs")),
        ("esbuild esm", partial(bundlers.esbuild, "esm")),
        ("webpack", bundlers.webpack),
        ("Vite SSR", partial(bundlers.vite, False)),
        ("Vite SSR, all bundled", partial(bundlers.vite, True)),
        ("Next.js turbopack", partial(bundlers.next_js, "turbopack", False)),
        ("Next.js turbopack, standalone", partial(bundlers.next_js, "turbopack", True)),
        ("Next.js webpack", partial(bundlers.next_js, "webpack", False)),
        ("Next.js webpack, standalone", partial(bundlers.next_js, "webpack", True)),
        ("Worker", web.wrangler(web.WORKER)),
        ("Worker with Hono", web.wrangler(web.HONO, "hono")),
        ("Workers of the documentation", web.documented_worker),
        ("Nitro on Workers", web.nitro),
        ("Next.js edge, turbopack", partial(web.next_edge, "turbopack")),
        ("Next.js edge, webpack", partial(web.next_edge, "webpack")),
        ("Deno with --allow-net only", web.deno_net_only),
        ("Bun without addons", partial(web.without_addons, "bun")),
        ("Node without addons", partial(web.without_addons, "node")),
        *((f"Page, {name}", partial(web.browser, name)) for name in web.BUNDLERS),
        ("Page, dev server", web.documented_dev_server),
    ]
    return found


def unavailable(reason: str) -> Callable[[str], str]:
    def skip(_: str) -> str:
        raise Skip(reason)

    return skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    chosen = [(name, attempt) for name, attempt in environments() if re.search(options.only, name)]
    if options.list or not chosen:
        print("\n".join(name for name, _ in chosen) or f"no environment matches {options.only!r}")
        return 0 if chosen else 1
    if not list(DIST.glob("npm/*.tgz")) or not list(DIST.glob("python/*.whl")):
        print("dist/ is empty: run `make dist` first")
        return 1
    shutil.rmtree(PROJECTS, ignore_errors=True)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    print(f"{'environment':28} {'version':32} {'result':8} {'seconds':>7}", flush=True)
    with registry() as url:
        for name, attempt in chosen:
            started = time.monotonic()
            note = ""
            try:
                version, result = attempt(url), "passed"
            except Skip as reason:
                version, result, note = "-", "skipped", f"  {reason}"
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                version, result, note = "?", "failed", f"\n    {error}"
            counts[result] += 1
            print(
                f"{name:28} {version:32} {result:8} {time.monotonic() - started:7.1f}{note}",
                flush=True,
            )
    print(f"Logs: {PROJECTS}/*/log")
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
