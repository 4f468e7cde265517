"""The npm package inside what bundlers make, without a word of configuration for it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from environment import Project, free_port, version_of
from nodes import project

ENTRY = """
import Replicate from "replicant";
import { Emulator } from "replicant/testing";
import { steps } from "./steps.mjs";
steps(Replicate, Emulator).then(console.log);
"""
ROUTE = """
import Replicate from "replicant";
import { Emulator } from "replicant/testing";
import { steps } from "./steps.mjs";
export const dynamic = "force-dynamic";
export async function GET() {
  return new Response(await steps(Replicate, Emulator));
}
"""
LAYOUT = "export default ({ children }) => <html><body>{children}</body></html>;\n"
SSR = """
import { createServer } from "vite";
const server = await createServer({ server: { middlewareMode: true, hmr: false, ws: false }, appType: "custom" });
await server.ssrLoadModule("/smoke.mjs");
await server.close();
"""


def esbuild(form: str, registry: str) -> str:
    """In the project, from elsewhere, and away from every node_modules with the module beside it."""
    made = project(f"esbuild {form}", registry, "esbuild")
    made.write("entry.mjs", ENTRY)
    name = "bundle.mjs" if form == "esm" else "bundle.cjs"
    made.run(
        *("node_modules/.bin/esbuild", "entry.mjs", "--bundle", "--platform=node"),
        *(f"--format={form}", f"--outfile=out/{name}"),
    )
    made.smoke("node", f"out/{name}")
    elsewhere = Project(f"esbuild {form} elsewhere")
    elsewhere.smoke("node", made.folder / "out" / name)
    alone = Project(f"esbuild {form} alone")
    [module] = made.folder.glob("node_modules/replicant-*/*.node")
    for path in (made.folder / "out" / name, module):
        (alone.folder / path.name).write_bytes(path.read_bytes())
    alone.smoke("node", name)
    return version_of(made.folder, "esbuild")


def webpack(registry: str) -> str:
    made = project("webpack", registry, "webpack", "webpack-cli")
    made.write("entry.mjs", ENTRY)
    made.run(
        *("node_modules/.bin/webpack", "--mode", "production", "--target", "node"),
        *("--entry", "./entry.mjs", "--output-path", made.folder / "out"),
    )
    made.smoke("node", "out/main.js")
    return version_of(made.folder, "webpack")


def vite(bundled: bool, registry: str) -> str:
    """Server-side rendering: as a dependency that stays outside, and bundled."""
    made = project(f"vite {'bundled' if bundled else 'ssr'}", registry, "vite")
    made.write("entry.mjs", ENTRY)
    made.write("ssr.mjs", SSR)
    if bundled:
        made.write("vite.config.mjs", "export default { ssr: { noExternal: true } };\n")
    else:
        made.smoke("node", "ssr.mjs")
    made.run("node_modules/.bin/vite", "build", "--ssr", "entry.mjs", "--outDir", "out")
    [built] = (made.folder / "out").glob("entry.*js")
    made.smoke("node", built)
    return version_of(made.folder, "vite")


def next_js(bundler: str, standalone: bool, registry: str) -> str:
    """A route handler in the app router, built and served; or shipped as what Next says is needed."""
    made = project(
        f"next {bundler}{' standalone' if standalone else ''}",
        registry,
        "next",
        "react",
        "react-dom",
    )
    made.write("app/layout.jsx", LAYOUT)
    made.write("app/page.jsx", "export default () => <p>A page</p>;\n")
    made.write("app/api/smoke/route.js", ROUTE)
    (made.folder / "steps.mjs").rename(made.folder / "app/api/smoke/steps.mjs")
    if standalone:
        made.write(
            "next.config.mjs",
            "export default { output: 'standalone', outputFileTracingRoot: import.meta.dirname };\n",
        )
    made.run("node_modules/.bin/next", "build", f"--{bundler}", timeout=400)
    version = version_of(made.folder, "next")
    port = free_port()
    if standalone:
        shipped = Project(f"next {bundler} shipped")
        (made.folder / ".next/standalone").rename(shipped.folder / "app")
        with shipped.serving("node", "app/server.js", PORT=str(port), HOSTNAME="127.0.0.1"):
            fetched(f"http://127.0.0.1:{port}/api/smoke")
    else:
        address = ("--port", port, "--hostname", "127.0.0.1")
        with made.serving("node_modules/.bin/next", "start", *address):
            fetched(f"http://127.0.0.1:{port}/api/smoke")
    return version


def fetched(url: str) -> None:
    """Ask until the server is there; then the answer has to be right."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                text = answer.read().decode()
            break
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{url} answered {error.code}") from None
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError(f"{url} does not answer") from None
            time.sleep(0.2)
    if text != "smoke ok":
        raise RuntimeError(f"{url} said {text!r}")
