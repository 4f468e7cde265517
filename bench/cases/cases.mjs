// One work with one Node client: `cases.mjs CLIENT WORK ORIGIN SECONDS`.
//
// CLIENT is `replicant`, `replicate` (npm replicate 1) or `fetch` (bare). `BENCH_MODULES` is the folder the
// client is installed in. A work that a client cannot do ends with status 3 and says why.
import { createHmac } from "node:crypto";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Clock, noteMemory, once, report } from "./measure.mjs";

const [CLIENT, WORK, ORIGIN, seconds] = process.argv.slice(2);
const SECONDS = Number(seconds);
const OURS = CLIENT === "replicant";
const BARE = CLIENT === "fetch";
const input = { prompt: "a heron at dawn, oil on canvas" };
const version = "0".repeat(64);
const AT_ONCE = 64;
const WAITED = 1000;
const require = createRequire(join(process.env.BENCH_MODULES, "package.json"));
if (!BARE && !require.resolve(CLIENT).startsWith(process.env.BENCH_MODULES)) {
  throw new Error(`${require.resolve(CLIENT)} is not what was installed to be measured`);
}

function cannot(why) {
  console.error(why);
  process.exit(3);
}

function assert(truth) {
  if (!truth) throw new Error(`${WORK}: not what was asked for`);
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
  if (WORK === "import_client") new Replicate({ auth: "r8_bench" });
  clock.stop(1);
}

const create = async (replicate) =>
  assert((await replicate.predictions.create({ version, input })).id === "p1");
const run = async (replicate) => assert((await replicate.run("bench/run", { input })) === "a heron at dawn");

async function oneAtATime(call) {
  const replicate = client();
  await report(SECONDS, async () => {
    for (let n = 0; n < 64; n++) await call(replicate);
    return 64;
  });
}

async function manyAtATime(call) {
  const replicate = client();
  const caller = async () => {
    for (let n = 0; n < 8; n++) await call(replicate);
  };
  await report(SECONDS, async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    return AT_ONCE * 8;
  });
}

async function stream() {
  const replicate = client();
  // At 4,000 a second all of the 100,000 would take half a minute; so much memory is compared after.
  const enough = 20_000;
  await (OURS ? report.bind(undefined, SECONDS) : once)(async () => {
    let events = 0;
    for await (const event of replicate.stream("bench/stream", { input })) {
      events += event.data ? 1 : 0;
      if (events !== enough) continue;
      noteMemory();
      if (!OURS) break;
    }
    return events;
  });
}

function file() {
  if (BARE) return fetch(`${ORIGIN}/file`).then((response) => response.body);
  if (OURS) return client().predictions.output(`${ORIGIN}/file`);
  // What its `run` makes of an https URL in an output.
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
  const content = WORK === "upload_memory" ? readFileSync(path) : undefined;
  // A Blob of the file is the one way by which the official client does not read it first.
  const { openAsBlob } = await import("node:fs");
  await report(SECONDS, async () => {
    assert((await replicate.files.create(content ?? (await openAsBlob(path)))).id === "f1");
    return size;
  });
}

/** How many requests the server has had since this was asked last. */
const requestsSoFar = async () => (await fetch(`${ORIGIN}/requests`)).json();

async function wait() {
  const replicate = client();
  await requestsSoFar();
  const clock = new Clock();
  const one = async () => {
    const made = await replicate.predictions.create({ model: "bench/slow", input });
    assert((await replicate.wait(made, {})).status === "succeeded");
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

const works = {
  import: imported,
  import_client: imported,
  create_1: () => oneAtATime(create),
  create_64: () => manyAtATime(create),
  run_1: () => oneAtATime(run),
  run_64: () => manyAtATime(run),
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
if (BARE && !WORK.startsWith("download")) cannot("is measured at downloads only");
await works[WORK]();
// What a stream that was left leaves behind would keep the process.
process.exit();
