// Uses the package in every way that prints something. `token.test.mjs` searches what it printed for the token.
import { inspect } from "node:util";
import { serialize } from "node:v8";
import Replicate from "../../node/index.mjs";

const [api, proxy, folder] = process.argv.slice(2);
const options = (changes = {}) => ({ baseUrl: api, proxy, maxRetries: 1, timeout: 5000, ...changes });

function show(value) {
  console.log(inspect(value, { showHidden: true, depth: 12, maxStringLength: 5000 }));
  console.log(String(value), typeof value === "object" ? JSON.stringify(value) : "");
  for (const copy of [structuredClone, (it) => serialize(it).toString("latin1"), (it) => ({ ...it })]) {
    try {
      console.log(inspect(copy(value), { showHidden: true, depth: 12 }));
    } catch (error) {
      console.log(inspect(error, { showHidden: true }));
    }
  }
}

async function attempt(call) {
  try {
    show(await call());
  } catch (error) {
    show(error);
    console.error(error);
  }
}

const replicate = new Replicate(options());
await attempt(() => ({ replicate }));
await attempt(() => replicate.predictions);
await attempt(() => replicate.accounts.current());
await attempt(() => replicate.models.list());
await attempt(() => replicate.predictions.create({ version: "5c7d", input: { image: Buffer.from("a") } }));
await attempt(() => replicate.run("acme/text", { input: { image: Buffer.from("a") } }));
await attempt(async () => {
  const events = [];
  for await (const event of replicate.stream("acme/text", { input: {} })) events.push(event);
  return events;
});
await attempt(() => replicate.predictions.get("echo"));
await attempt(() => replicate.predictions.get("broken"));
await attempt(() => replicate.request("/echo", { headers: { "x-mine": "1" } }));
await attempt(() => replicate.predictions.output([`${api}/v1/files/a`]));
await attempt(() => replicate.saveAll([`${api}/v1/files/a`], folder));
await attempt(() => replicate.predictions.get("slow", { signal: AbortSignal.timeout(50) }));
for (const changes of [
  { baseUrl: "nowhere" },
  { timeout: "soon" },
  { unknown: 1 },
  { caBundle: "missing.pem" },
  { baseUrl: "http://api.example" },
  { baseUrl: "http://api.example", requireHttps: true },
]) {
  await attempt(() => new Replicate(options(changes)));
}
replicate.run("acme/text", { input: {} });
throw new Error("the last stack");
