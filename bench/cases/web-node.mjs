// Runs one workload of the web in Node: `web-node.mjs CLIENT WORKLOAD ORIGIN SECONDS`. See `web.mjs`.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { report } from "./measure.mjs";
import { round } from "./web.mjs";

const [name, workload, origin, seconds] = process.argv.slice(2);
const FILES = { replicant: "replicant/node/web/index.mjs", replicate: "replicate/index.js" };

async function client() {
  if (name === "fetch") return { name };
  const file = join(process.env.BENCH_MODULES, "node_modules", FILES[name]);
  const loaded = await import(pathToFileURL(file).href);
  return {
    name,
    Replicate: loaded.default,
    validateWebhook: loaded.validateWebhook ?? loaded.default.validateWebhook,
  };
}

const used = await client();
await report(Number(seconds), () => round(used, workload, origin));
// An abandoned stream of the official client would keep the process alive.
process.exit();
