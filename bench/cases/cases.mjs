// Runs one workload with one Node client: `cases.mjs CLIENT WORKLOAD ORIGIN SECONDS`.
//
// CLIENT is `replicant`, `replicate` (npm replicate 1) or `fetch` (no client). `BENCH_MODULES` is the folder that has
// the client. If a client does not support a workload, the program prints why and exits with status 3.
import { createHmac } from "node:crypto";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Clock, once, recordMemory, report } from "./measure.mjs";

const [CLIENT, WORKLOAD, ORIGIN, seconds] = process.argv.slice(2);
const SECONDS = Number(seconds);
const OURS = CLIENT === "replicant";
const FETCH = CLIENT === "fetch";
const input = { prompt: "a heron at dawn, oil on canvas" };
const version = "0".repeat(64);
const CONCURRENT = 64;
const WAITED = 1000;
const require = createRequire(join(process.env.BENCH_MODULES, "package.json"));
if (!FETCH && !require.resolve(CLIENT).startsWith(process.env.BENCH_MODULES)) {
  throw new Error(`${require.resolve(CLIENT)} is not the client that was installed for the benchmark`);
}

function cannot(why) {
  console.error(why);
  process.exit(3);
}

function assert(truth) {
  if (!truth) throw new Error(`${WORKLOAD}: unexpected result`);
}

function load() {
  const loaded = require(CLIENT);
  return loaded.default ?? loaded;
}

function client() {
  return new (load())({ auth: "r8_bench", baseUrl: `${ORIGIN}/v1` });
}

async function imported() {
  const clock = new Clock();
  const Replicate = load();
  if (WORKLOAD === "import_client") new Replicate({ auth: "r8_bench" });
  clock.stop(1);
}

const create = async (replicate) =>
  assert((await replicate.predictions.create({ version, input })).id === "p1");
const run = async (replicate) => assert((await replicate.run("bench/run", { input })) === "a heron at dawn");

async function sequential(call) {
  const replicate = client();
  await report(SECONDS, async () => {
    for (let n = 0; n < 64; n++) await call(replicate);
    return 64;
  });
}

async function concurrent(call) {
  const replicate = client();
  const caller = async () => {
    for (let n = 0; n < 8; n++) await call(replicate);
  };
  await report(SECONDS, async () => {
    await Promise.all(Array.from({ length: CONCURRENT }, caller));
    return CONCURRENT * 8;
  });
}

async function stream() {
  const replicate = client();
  // The official client reads 4,000 events a second, so it reads only these. Memory is compared after them.
  const enough = 20_000;
  await (OURS ? report.bind(undefined, SECONDS) : once)(async () => {
    let events = 0;
    for await (const event of replicate.stream("bench/stream", { input })) {
      events += event.data ? 1 : 0;
      if (events !== enough) continue;
      recordMemory();
      if (!OURS) break;
    }
    return events;
  });
}

function file() {
  if (FETCH) return fetch(`${ORIGIN}/file`).then((response) => response.body);
  if (OURS) return client().predictions.output(`${ORIGIN}/file`);
  // The object that its `run` returns for an https URL in an output.
  return require("replicate/lib/stream").createFileOutput({ url: `${ORIGIN}/file`, fetch });
}

async function download() {
  const body = await file();
  await once(async () => {
    let size = 0;
    for await (const chunk of body) size += chunk.length;
    return size;
  });
}

async function downloadSaved() {
  const folder = mkdtempSync(join(tmpdir(), "replicant-bench-"));
  const path = join(folder, "file");
  const body = await file();
  await once(async () => {
    if (OURS) await body.save(path);
    else await pipeline(body, createWriteStream(path));
    return statSync(path).size;
  });
  rmSync(folder, { recursive: true });
}

async function upload() {
  const replicate = client();
  const path = process.env.BENCH_FILE;
  const size = statSync(path).size;
  const content = WORKLOAD === "upload_memory" ? readFileSync(path) : undefined;
  // The official client reads any other file into memory first.
  const { openAsBlob } = await import("node:fs");
  await report(SECONDS, async () => {
    assert((await replicate.files.create(content ?? (await openAsBlob(path)))).id === "f1");
    return size;
  });
}

/** Returns the number of requests since the previous call of this function. */
const requestsSoFar = async () => (await fetch(`${ORIGIN}/requests`)).json();

async function wait() {
  const replicate = client();
  await requestsSoFar();
  const clock = new Clock();
  const one = async () => {
    const created = await replicate.predictions.create({ model: "bench/slow", input });
    assert((await replicate.wait(created, {})).status === "succeeded");
  };
  const outcomes = await Promise.allSettled(Array.from({ length: WAITED }, one));
  const failed = outcomes.filter(({ status }) => status === "rejected");
  const wall = clock.passed();
  const requests = await requestsSoFar();
  clock.wall += (clock.passed() - wall) * 1000;
  if (failed.length) cannot(`${failed.length} of ${WAITED} failed: ${failed[0].reason}`);
  clock.stop(WAITED, { requests });
}

async function webhook(size) {
  const key = "0123456789abcdef01234567";
  const secret = `whsec_${Buffer.from(key).toString("base64")}`;
  const [begin, end] = ['{"id":"p1","status":"succeeded","output":"', '"}'];
  const body = begin + "x".repeat(size - begin.length - end.length) + end;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const digest = createHmac("sha256", key).update(`msg_1.${timestamp}.${body}`).digest("base64");
  const webhook = { id: "msg_1", timestamp, signature: `v1,${digest}`, body, secret };
  const { validateWebhook } = require(CLIENT);
  const repeats = Math.max(1, (64 * 1024) / size);
  await report(SECONDS, async () => {
    for (let n = 0; n < repeats; n++) assert(await validateWebhook(webhook));
    return repeats;
  });
}

async function large() {
  const replicate = client();
  await report(SECONDS, async () => {
    assert((await replicate.predictions.get("big")).output.length === 54_000);
    return 1;
  });
}

const workloads = {
  import: imported,
  import_client: imported,
  create_1: () => sequential(create),
  create_64: () => concurrent(create),
  run_1: () => sequential(run),
  run_64: () => concurrent(run),
  stream_async: stream,
  download,
  download_saved: downloadSaved,
  upload,
  upload_memory: upload,
  wait,
  webhook_1k: () => webhook(1 << 10),
  webhook_1m: () => webhook(1 << 20),
  large,
};
if (FETCH && !WORKLOAD.startsWith("download")) cannot("runs only the downloads");
await workloads[WORKLOAD]();
// An abandoned stream of the official client would keep the process alive.
process.exit();
