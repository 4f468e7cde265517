// Runs programs in workerd, the runtime of Cloudflare Workers, on a loopback port.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { default as workerd } from "workerd";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What every program imports. */
const PACKAGE = ["node/web/workerd.mjs", "node/dist/web/core.mjs", "node/dist/web/replicant.wasm"];

/** Dates of the behavior of workerd: one before `fetch` had `cache`, and a recent one. */
export const OLD = "2024-01-01";
export const RECENT = "2025-10-01";

/**
 * Starts workerd with a program and the modules that it imports, as paths from the root of the repository. It runs without
 * `nodejs_compat`. Returns its URL, and stops it after the tests.
 */
export async function startWorker(program, modules = [], { date = RECENT, flags = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "replicant-workerd-"));
  const names = [program, ...modules, ...PACKAGE];
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    copyFileSync(join(root, name), join(folder, name));
  }
  const embedded = names.map((name) => {
    const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
    return `(name = ${JSON.stringify(name)}, ${kind} = embed ${JSON.stringify(name)})`;
  });
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ["--expose-gc"],
  services = [
    (name = "main", worker = (
      modules = [${embedded.join(", ")}],
      compatibilityDate = ${JSON.stringify(date)},
      compatibilityFlags = ${JSON.stringify(flags)},
    )),
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`,
  );
  const child = spawn(workerd.default, ["serve", "--control-fd=3", join(folder, "config.capnp")], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  after(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  });
  const listening = new Promise((resolve) => {
    createInterface({ input: child.stdio[3] }).on("line", (line) => {
      const { event, port } = JSON.parse(line);
      if (event === "listen") resolve(port);
    });
  });
  const port = await Promise.race([listening, ended]);
  if (port === null || child.exitCode !== null) throw new Error(`workerd ended: ${errors}`);
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, errors: () => errors };
}
