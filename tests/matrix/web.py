"""The npm package in runtimes without native modules: Workers, edge functions, Deno, Bun without addons, browsers."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
import urllib.error
import urllib.request
from typing import Callable, Iterator

from bundlers import LAYOUT, check_response
from environment import ROOT, Project, free_port, version_of
from nodes import create_project

WORKER = """
import Replicate, * as replicant from "replicant";
import { webSteps } from "./web-steps.mjs";

export default {
  async fetch(request, env, ctx) {
    const waitUntil = (promise) => ctx.waitUntil(promise);
    const replicate = new Replicate({ auth: "r8_test", baseUrl: env.REPLICATE_BASE_URL, waitUntil });
    return new Response(await webSteps(replicant, replicate).catch((error) => error.stack));
  },
};
"""
HONO = """
import { Hono } from "hono";
import Replicate, * as replicant from "replicant";
import { webSteps } from "./web-steps.mjs";

const app = new Hono();
app.get("/", async (c) => {
  const waitUntil = (promise) => c.executionCtx.waitUntil(promise);
  const replicate = new Replicate({ auth: "r8_test", baseUrl: c.env.REPLICATE_BASE_URL, waitUntil });
  return c.text(await webSteps(replicant, replicate).catch((error) => error.stack));
});
export default app;
"""
NITRO = """
import { eventHandler } from "h3";
import Replicate, * as replicant from "replicant";
import { webSteps } from "../../web-steps.mjs";
export default eventHandler(async (event) => {
  const { env } = event.context.cloudflare;
  const replicate = new Replicate({ auth: "r8_test", baseUrl: env.REPLICATE_BASE_URL });
  return webSteps(replicant, replicate).catch((error) => error.stack);
});
"""
ROUTE = """
import Replicate, * as replicant from "replicant";
import { webSteps } from "../../../web-steps.mjs";
export const runtime = "edge";
export async function GET() {
  const replicate = new Replicate();
  return new Response(await webSteps(replicant, replicate).catch((error) => error.stack));
}
"""
PROGRAM = """
import Replicate, * as replicant from "PACKAGE";
import { webSteps } from "./web-steps.mjs";
const replicate = new Replicate({ auth: "r8_test", baseUrl: "BASE" });
console.log(await webSteps(replicant, replicate));
"""
PAGE = """
import Replicate, * as replicant from "replicant";
import { webSteps } from "./web-steps.mjs";
async function run() {
  let refused;
  try { new Replicate({ auth: "r8_test" }); } catch (error) { refused = error.code; }
  if (refused !== "invalid_argument") throw new Error("a token in a page was not refused");
  await webSteps(replicant, new Replicate({ baseUrl: "/api/v1" }));
  const other = new URLSearchParams(location.search).get("other");
  return webSteps(replicant, new Replicate({ baseUrl: `${other}/api/v1` }));
}
run().catch((error) => error.stack).then((text) => { document.body.textContent = text; document.title = "done"; });
"""
PAGE_SERVER = """
import { createServer, request } from "node:http";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
const [port, otherPort, folder, base, cors] = process.argv.slice(2);
const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
const server = (from, to) => {
  if (from.url.startsWith("/api/")) {
    if (from.headers.origin) {
      to.setHeader("access-control-allow-origin", from.headers.origin);
      for (const line of cors.split("\\n")) to.setHeader(...line.split(": "));
    }
    if (from.method === "OPTIONS") return to.writeHead(204).end();
    const headers = { ...from.headers, authorization: "Bearer r8_test", host: new URL(base).host };
    for (const name of ["accept-encoding", "origin", "referer"]) delete headers[name];
    const sent = request(new URL(from.url.slice(4), base), { method: from.method, headers }, (response) => {
      if (!/json/.test(response.headers["content-type"])) {
        to.writeHead(response.statusCode, response.headers);
        response.pipe(to);
        return;
      }
      // The page reaches the files and streams of the emulator through this server too.
      let text = "";
      response.setEncoding("utf8").on("data", (data) => { text += data; }).on("end", () => {
        const { "content-length": _, ...others } = response.headers;
        to.writeHead(response.statusCode, others);
        to.end(text.replaceAll(base, `http://${from.headers.host}/api`));
      });
    });
    sent.on("error", () => to.destroy());
    to.on("close", () => sent.destroy());
    from.pipe(sent);
    return;
  }
  try {
    const { pathname } = new URL(from.url, base);
    const path = join(folder, pathname === "/" ? "index.html" : pathname);
    const content = readFileSync(path);
    to.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(content);
  } catch { to.writeHead(404).end(); }
};
for (const each of [port, otherPort]) createServer(server).listen(Number(each), "127.0.0.1");
"""
DEV_PAGE = """
import Replicate from "replicant";
async function run() {
  const replicate = new Replicate({ baseUrl: "/v1" });
  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
  let text = "";
  const input = { prompt: "Describe a harbor.", max_tokens: 8 };
  for await (const event of replicate.stream("meta/meta-llama-3-8b-instruct", { input })) text += event;
  if ((await image.blob()).type !== "image/webp" || text === "") throw new Error("no image or no text");
  return "smoke ok";
}
run().catch((error) => error.stack).then((text) => { document.body.textContent = text; document.title = "done"; });
"""
SCRIPT = '<!doctype html><body></body><script type="module" src="%s"></script>\n'
WORKERD = "workerd@1.20261117.1"
CONFIG = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [%s], bindings = [%s], compatibilityDate = "2025-10-01",
    )),
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:%d", http = (), service = "main")],
);
"""
BROWSER = """
import chromium from "@sparticuz/chromium";
import { launch } from "puppeteer-core";
const browser = await launch({ args: chromium.args, executablePath: await chromium.executablePath(), headless: "shell" });
const page = await browser.newPage();
page.on("pageerror", (error) => console.error(error.message));
await page.goto(process.argv[2]);
await page.waitForFunction(() => document.title === "done", { timeout: 60000 });
console.log(await page.evaluate(() => document.body.textContent));
await browser.close();
"""


class Emulated:
    """An emulator for programs in other processes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.base_url = process.stdout.readline().strip()

    def latest_status(self) -> str:
        """Returns the status of the newest prediction."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("latest\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextlib.contextmanager
def emulator(registry: str) -> Iterator[Emulated]:
    """Runs an emulator with the package in Node during a `with` block."""
    project = create_project("web emulator", registry)
    project.copy("emulator.mjs")
    process = subprocess.Popen(
        ["node", "emulator.mjs"],
        cwd=project.folder,
        env=project.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Emulated(process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait()


def web_project(name: str, registry: str, *packages: str) -> Project:
    project = create_project(name, registry, *packages)
    project.copy("web-steps.mjs")
    return project


@contextlib.contextmanager
def worker(project: Project, base_url: str, main: str = "src/index.mjs") -> Iterator[str]:
    """Serves `main` with `wrangler dev` during a `with` block, and yields its URL."""
    project.write(
        "wrangler.json",
        f'{{ "name": "smoke", "main": "{main}", "compatibility_date": "2025-10-01" }}\n',
    )
    port = free_port()
    variables = (f"REPLICATE_BASE_URL:{base_url}", "REPLICATE_API_TOKEN:r8_test")
    flags = [word for variable in variables for word in ("--var", variable)]
    with project.serving(
        *("node_modules/.bin/wrangler", "dev", "--ip", "127.0.0.1", "--port", port),
        *("--inspector-port", free_port(), "--show-interactive-dev-session=false", *flags),
        WRANGLER_SEND_METRICS="false",
        CI="1",
    ):
        yield f"http://127.0.0.1:{port}"


def wrangler(program: str, *packages: str) -> Callable[[str], str]:
    """Returns the test of a Worker that wrangler bundles and workerd runs."""

    def run(registry: str) -> str:
        name = "hono" if packages else "worker"
        project = web_project(f"wrangler {name}", registry, "wrangler", *packages)
        project.write("src/index.mjs", program.replace("./web-steps", "../web-steps"))
        with emulator(registry) as emulated, worker(project, emulated.base_url) as url:
            check_response(url)
        return version_of(project.folder, "wrangler")

    return run


@contextlib.contextmanager
def workerd(project: Project, base_url: str) -> Iterator[str]:
    """Serves what wrangler would deploy with workerd alone during a `with` block, and yields its URL.

    The workerd of older wranglers, which Node 20 gets, does not tell a Worker that its client has left.
    """
    project.run("node_modules/.bin/wrangler", "deploy", "--dry-run", "--outdir", "out")
    modules = [
        f'(name = "{path.name}", {"wasm" if path.suffix == ".wasm" else "esModule"} = embed "{path.name}")'
        for path in sorted((project.folder / "out").glob("*"))
        if path.suffix in (".js", ".wasm")
    ]
    modules.sort(key=lambda module: ".wasm" in module)
    bindings = [
        f'(name = "{name}", text = "{value}")'
        for name, value in {"BASE_URL": base_url, "API_TOKEN": "r8_test"}.items()
    ]
    port = free_port()
    config = CONFIG % (
        ", ".join(modules),
        ", ".join(bindings).replace('name = "', 'name = "REPLICATE_'),
        port,
    )
    project.write("out/config.capnp", config)
    with project.serving("node_modules/.bin/workerd", "serve", "out/config.capnp"):
        yield f"http://127.0.0.1:{port}"


def documentation(language: str, *words: str) -> str:
    """Returns the block in docs/edge.md that contains all `words`."""
    text = (ROOT / "docs/edge.md").read_text(encoding="utf-8")
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.S)
    [block] = [block for block in blocks if all(word in block for word in words)]
    return block


def documented(name: str) -> str:
    """Returns the Worker in docs/edge.md that contains `name`, with the emulator as its API."""
    program = documentation("js", name, "ctx")
    given = "auth: env.REPLICATE_API_TOKEN"
    assert given in program
    return program.replace(given, f"{given}, baseUrl: env.REPLICATE_BASE_URL")


def documented_worker(registry: str) -> str:
    """Runs the Workers of docs/edge.md as they are. The second is left by its client."""
    project = web_project("wrangler documented", registry, "wrangler", WORKERD)
    with emulator(registry) as emulated:
        project.write("src/index.mjs", documented("flux-schnell"))
        with worker(project, emulated.base_url) as url:
            image = wait_for(url)
            if image[8:12] != b"WEBP":
                raise RuntimeError(f"the Worker returned {image[:200]!r}")
        long = documented("Sing of the sea").replace(
            '"meta/meta-llama-3-8b-instruct"', '"emulator/stream"'
        )
        prompt = 'prompt: "Sing of the sea."'
        project.write(
            "src/index.mjs", long.replace(prompt, 'chunks: ["a"], pause: 0.01, repeat: 10000')
        )
        with workerd(project, emulated.base_url) as url:
            if wait_for(url, 1) != b"a":
                raise RuntimeError("the Worker streamed nothing")
            end = time.monotonic() + 10
            while emulated.latest_status() != "canceled":
                if time.monotonic() > end:
                    raise RuntimeError("the prediction was not canceled when its client left")
                time.sleep(0.1)
    return version_of(project.folder, "wrangler")


def wait_for(url: str, size: int = -1) -> bytes:
    """Requests `url` until the server is up. Reads `size` bytes of the response and leaves."""
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return response.read() if size < 0 else response.read(size)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{url} returned {error.code}: {error.read()[:500]!r}") from None
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError(f"{url} does not respond") from None
            time.sleep(0.2)


def nitro(registry: str) -> str:
    """Serves a handler of Nitro, which Nuxt contains, with `wrangler dev`."""
    project = web_project("nitro worker", registry, "nitropack@2", "wrangler")
    project.write(
        "nitro.config.mjs",
        "export default { srcDir: 'server', compatibilityDate: '2025-10-01', experimental: { wasm: true } };\n",
    )
    project.write("server/routes/index.mjs", NITRO)
    project.run(
        "node_modules/.bin/nitropack", "build", "--preset", "cloudflare_module", timeout=400
    )
    with (
        emulator(registry) as emulated,
        worker(project, emulated.base_url, ".output/server/index.mjs") as url,
    ):
        check_response(url)
    return version_of(project.folder, "nitropack")


def next_edge(bundler: str, registry: str) -> str:
    """Serves a route handler with the edge runtime.

    Next.js 16.4 cannot build such a route with webpack. Next.js 15 uses it without a flag.
    """
    package, flags = ("next@15", ()) if bundler == "webpack" else ("next", ("--turbopack",))
    project = web_project(f"next edge {bundler}", registry, package, "react", "react-dom")
    project.write("app/layout.jsx", LAYOUT)
    project.write("app/page.jsx", "export default () => <p>A page</p>;\n")
    project.write("app/api/smoke/route.js", ROUTE)
    project.run("node_modules/.bin/next", "build", *flags, timeout=400)
    port = free_port()
    with emulator(registry) as emulated:
        variables = {"REPLICATE_BASE_URL": emulated.base_url, "REPLICATE_API_TOKEN": "r8_test"}
        address = ("--port", port, "--hostname", "127.0.0.1")
        with project.serving("node_modules/.bin/next", "start", *address, **variables):
            check_response(f"http://127.0.0.1:{port}/api/smoke")
    return version_of(project.folder, "next")


def deno_net_only(registry: str) -> str:
    """Runs the package in Deno with `--allow-net` as its only permission."""
    tool = create_project("deno net tool", registry, "deno")
    program = tool.folder / "node_modules/.bin/deno"
    project = web_project("deno net", registry)
    project.environment.update(NPM_CONFIG_REGISTRY=registry, DENO_NO_UPDATE_CHECK="1")
    with emulator(registry) as emulated:
        project.write(
            "main.mjs", PROGRAM.replace("PACKAGE", "replicant").replace("BASE", emulated.base_url)
        )
        project.smoke(program, "run", "--no-prompt", "--allow-net", "main.mjs")
        output = project.run(program, "run", "--no-prompt", "main.mjs", fails=True)
        if "ConnectionError: `fetch` failed: Requires net access" not in output:
            raise RuntimeError(f"without the permission, the program printed {output!r}")
    return project.run(program, "--version").split()[1]


def without_addons(runtime: str, registry: str) -> str:
    """Runs `replicant/web` with native addons disabled."""
    project = web_project(
        f"{runtime} without addons", registry, *(["bun"] if runtime == "bun" else [])
    )
    program = project.folder / "node_modules/.bin/bun" if runtime == "bun" else "node"
    with emulator(registry) as emulated:
        text = PROGRAM.replace("PACKAGE", "replicant/web").replace("BASE", emulated.base_url)
        project.write("main.mjs", text)
        project.smoke(program, "--no-addons", "main.mjs")
    return project.run(program, "--version").strip().lstrip("v")


#: Commands that bundle entry.mjs for a web page into out/, without configuration.
BUNDLERS = {
    "vite": ("vite", "build", "--outDir", "out"),
    "esbuild": ("esbuild", "entry.mjs", "--bundle", "--format=esm", "--outfile=out/entry.js"),
    "webpack": (
        "webpack",
        "--mode",
        "production",
        "--entry",
        "./entry.mjs",
        "--output-path",
        "out",
    ),
    "rollup": ("rollup", "entry.mjs", "--plugin", "node-resolve", "--file", "out/entry.js"),
}
PACKAGES = {
    "webpack": ("webpack", "webpack-cli"),
    "rollup": ("rollup", "@rollup/plugin-node-resolve"),
}


def browser(bundler: str, registry: str) -> str:
    """Opens a page in headless Chromium, whose requests go through small proxies that add the token.

    One has the origin of the page. The other allows what docs/edge.md says.
    """
    packages = PACKAGES.get(bundler, (bundler,))
    project = web_project(f"page {bundler}", registry, *packages)
    project.write("entry.mjs", PAGE)
    project.write("index.html", SCRIPT % "./entry.mjs")
    tool, *arguments = BUNDLERS[bundler]
    if "out" in arguments and bundler == "webpack":
        arguments[arguments.index("out")] = str(project.folder / "out")
    if bundler == "rollup":
        arguments = [
            word if word != "node-resolve" else "node-resolve={browser:true}" for word in arguments
        ]
    project.run(f"node_modules/.bin/{tool}", *arguments)
    if bundler != "vite":
        project.write(
            "out/index.html", SCRIPT % ("main.js" if bundler == "webpack" else "entry.js")
        )
    project.write("server.mjs", PAGE_SERVER)
    port, other = free_port(), free_port()
    cors = documentation("text", "Access-Control-Allow-Headers").strip()
    with emulator(registry) as emulated:
        origin = emulated.base_url[: -len("/v1")]
        with project.serving("node", "server.mjs", port, other, "out", origin, cors):
            open_page(registry, f"http://127.0.0.1:{port}/?other=http://127.0.0.1:{other}")
    return version_of(project.folder, packages[0])


def documented_dev_server(registry: str) -> str:
    """Opens a page of Vite's dev server, with the configuration in docs/edge.md."""
    project = web_project("page dev", registry, "vite")
    project.write("entry.mjs", DEV_PAGE)
    project.write("index.html", SCRIPT % "./entry.mjs")
    port = free_port()
    with emulator(registry) as emulated:
        origin = emulated.base_url[: -len("/v1")]
        given = "http://127.0.0.1:4000"
        config = documentation("js", "vite.config", given).replace(given, origin)
        project.write("vite.config.mjs", config)
        address = ("--host", "127.0.0.1", "--port", port)
        with project.serving("node_modules/.bin/vite", *address):
            open_page(registry, f"http://127.0.0.1:{port}/")
    return version_of(project.folder, "vite")


def open_page(registry: str, url: str) -> None:
    """Opens a page in headless Chromium, and checks its text."""
    chromium = create_project("chromium", registry, "@sparticuz/chromium", "puppeteer-core")
    chromium.write("open.mjs", BROWSER)
    wait_for(url)
    chromium.smoke("node", "open.mjs", url)
