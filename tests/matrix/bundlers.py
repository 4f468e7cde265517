"""Runs the npm package from the output of bundlers, without configuring them for it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from environment import Project, free_port, version_of
from nodes import create_project, emulator_of

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
    """Runs the bundle in its project, from another folder, and alone with the native module beside it."""
    project = create_project(f"esbuild {form}", registry, "esbuild")
    project.write("entry.mjs", ENTRY)
    name = "bundle.mjs" if form == "esm" else "bundle.cjs"
    project.run(
        *("node_modules/.bin/esbuild", "entry.mjs", "--bundle", "--platform=node"),
        *(f"--format={form}", f"--outfile=out/{name}"),
    )
    project.smoke("node", f"out/{name}")
    elsewhere = Project(f"esbuild {form} elsewhere")
    elsewhere.environment["REPLICANT_EMULATOR"] = emulator_of(project)
    elsewhere.smoke("node", project.folder / "out" / name)
    alone = Project(f"esbuild {form} alone")
    alone.environment["REPLICANT_EMULATOR"] = emulator_of(project)
    [module] = project.folder.glob("node_modules/replicant-*/*.node")
    for path in (project.folder / "out" / name, module):
        (alone.folder / path.name).write_bytes(path.read_bytes())
    alone.smoke("node", name)
    return version_of(project.folder, "esbuild")


def webpack(registry: str) -> str:
    project = create_project("webpack", registry, "webpack", "webpack-cli")
    project.write("entry.mjs", ENTRY)
    project.run(
        *("node_modules/.bin/webpack", "--mode", "production", "--target", "node"),
        *("--entry", "./entry.mjs", "--output-path", project.folder / "out"),
    )
    project.smoke("node", "out/main.js")
    return version_of(project.folder, "webpack")


def vite(bundled: bool, registry: str) -> str:
    """Renders on the server, with the package external or bundled."""
    project = create_project(f"vite {'bundled' if bundled else 'ssr'}", registry, "vite")
    project.write("entry.mjs", ENTRY)
    project.write("ssr.mjs", SSR)
    if bundled:
        project.write("vite.config.mjs", "export default { ssr: { noExternal: true } };\n")
    else:
        project.smoke("node", "ssr.mjs")
    project.run("node_modules/.bin/vite", "build", "--ssr", "entry.mjs", "--outDir", "out")
    [built] = (project.folder / "out").glob("entry.*js")
    project.smoke("node", built)
    return version_of(project.folder, "vite")


def next_js(bundler: str, standalone: bool, registry: str) -> str:
    """Serves a route handler of the app router with `next start` or from the standalone output."""
    project = create_project(
        f"next {bundler}{' standalone' if standalone else ''}",
        registry,
        "next",
        "react",
        "react-dom",
    )
    project.write("app/layout.jsx", LAYOUT)
    project.write("app/page.jsx", "export default () => <p>A page</p>;\n")
    project.write("app/api/smoke/route.js", ROUTE)
    (project.folder / "steps.mjs").rename(project.folder / "app/api/smoke/steps.mjs")
    if standalone:
        project.write(
            "next.config.mjs",
            "export default { output: 'standalone', outputFileTracingRoot: import.meta.dirname };\n",
        )
    project.run("node_modules/.bin/next", "build", f"--{bundler}", timeout=400)
    version = version_of(project.folder, "next")
    port = free_port()
    if standalone:
        shipped = Project(f"next {bundler} shipped")
        (project.folder / ".next/standalone").rename(shipped.folder / "app")
        # Not shipped, because it is no dependency of the application.
        shipped.environment["REPLICANT_EMULATOR"] = emulator_of(project)
        with shipped.serving("node", "app/server.js", PORT=str(port), HOSTNAME="127.0.0.1"):
            check_response(f"http://127.0.0.1:{port}/api/smoke")
    else:
        address = ("--port", port, "--hostname", "127.0.0.1")
        with project.serving("node_modules/.bin/next", "start", *address):
            check_response(f"http://127.0.0.1:{port}/api/smoke")
    return version


def check_response(url: str) -> None:
    """Requests `url` until the server is up, and checks the response."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                text = response.read().decode()
            break
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{url} returned {error.code}") from None
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError(f"{url} does not respond") from None
            time.sleep(0.2)
    if text != "smoke ok":
        raise RuntimeError(f"{url} returned {text!r}")
