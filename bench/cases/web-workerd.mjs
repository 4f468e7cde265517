// Runs one workload of the web in workerd: `web-workerd.mjs CLIENT WORKLOAD ORIGIN SECONDS`. See `web.mjs`.
//
// The time is measured here, because the clock of a Worker stands still between its inputs and outputs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { report } from "./measure.mjs";

const [name, workload, origin, seconds] = process.argv.slice(2);
const modules = join(process.env.BENCH_MODULES, "node_modules");
const tools = createRequire(join(process.env.BENCH_TOOLS, "package.json"));
const folder = mkdtempSync(join(tmpdir(), "replicant-bench-"));
const wasm = join(modules, "replicant/node/dist/web/replicant.wasm");

const IMPORTS = {
  replicant: `import * as loaded from ${JSON.stringify(join(modules, "replicant/node/web/workerd.mjs"))};`,
  replicate: `import * as loaded from ${JSON.stringify(join(modules, "replicate/index.js"))};`,
  fetch: "const loaded = {};",
};

/** Writes the Worker and the configuration that serves it. */
async function bundle() {
  const entry = `${IMPORTS[name]}
import { worker } from ${JSON.stringify(fileURLToPath(new URL("./web.mjs", import.meta.url)))};
const Replicate = loaded.default;
const validateWebhook = loaded.validateWebhook ?? Replicate?.validateWebhook;
export default worker({ name: ${JSON.stringify(name)}, Replicate, validateWebhook });`;
  await tools("esbuild").build({
    stdin: { contents: entry, resolveDir: folder },
    outfile: join(folder, "worker.mjs"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["*.wasm", "node:*"],
    logLevel: "error",
    plugins: [
      {
        name: "wasm",
        setup: (build) =>
          build.onResolve({ filter: /\.wasm$/ }, () => ({ path: "./replicant.wasm", external: true })),
      },
    ],
  });
  const module = name === "replicant" ? ', (name = "replicant.wasm", wasm = embed "replicant.wasm")' : "";
  if (module) copyFileSync(wasm, join(folder, "replicant.wasm"));
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.mjs")${module}],
      compatibilityDate = "2026-01-01", compatibilityFlags = ["nodejs_compat"], globalOutbound = "loopback")),
    (name = "loopback", network = (allow = ["private", "public"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`,
  );
}

await bundle();
const process_ = spawn(
  tools.resolve("workerd/bin/workerd"),
  ["serve", "--control-fd=3", join(folder, "config.capnp")],
  { stdio: ["ignore", "ignore", "inherit", "pipe"] },
);
let ports = "";
while (!ports.includes("\n")) ports += (await once(process_.stdio[3], "data"))[0];
const { port } = JSON.parse(ports.split("\n")[0]);
try {
  const round = async () => {
    const query = new URLSearchParams({ workload, origin });
    const response = await fetch(`http://127.0.0.1:${port}/?${query}`);
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  await report(Number(seconds), round, process_.pid);
} finally {
  process_.kill();
  rmSync(folder, { recursive: true });
}
process.exit();
