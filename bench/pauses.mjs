// Measures how long the event loop pauses while 64 loops make calls: `node bench/pauses.mjs [replicate]`.
//
// A timer of 1 ms ticks meanwhile; a pause is the time between two ticks, and `CPU` the longest processor time of this thread
// in one, which does not depend on what else runs on the machine. `work` is the time that the program itself computes after
// each result. `abort` is when `AbortSignal.timeout(200)` ended a call, in milliseconds.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const [name = "replicant"] = process.argv.slice(2);
const loaded = createRequire(import.meta.url)(name);
const Replicate = loaded.default ?? loaded;
const OURS = name === "replicant";
const LOOPS = 64;
const SECONDS = 2;

const binary = fileURLToPath(new URL("../target/debug/replicant-emulator", import.meta.url));
const server = spawn(binary, ["--until-stdin-closes"], { stdio: ["pipe", "pipe", "ignore"] });
const [line] = await once(createInterface({ input: server.stdout }), "line");
const { base_url: baseUrl } = JSON.parse(line);
const replicate = new Replicate({ auth: "r8_test", baseUrl, ...(OURS ? {} : { useFileOutput: true }) });

function compute(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

const SCHEDULED = `/proc/self/task/${process.pid}/schedstat`;

/** Returns the processor time of this thread in milliseconds, or NaN if the system does not tell. */
function used() {
  return existsSync(SCHEDULED) ? Number(readFileSync(SCHEDULED, "utf8").split(" ", 1)[0]) / 1e6 : Number.NaN;
}

/** Runs `LOOPS` loops of `call`, each followed by `work` milliseconds of computation, and prints the pauses. */
async function measure(title, work, call) {
  let running = true;
  let calls = 0;
  const loop = async () => {
    while (running) {
      await call(() => running);
      calls++;
      compute(work);
    }
  };
  // Connections and compiled code are not measured.
  await Promise.all(Array.from({ length: LOOPS }, () => call(() => false)));
  const pauses = [];
  const turns = [];
  let last = performance.now();
  let lastUsed = used();
  const tick = setInterval(() => {
    const now = performance.now();
    const nowUsed = used();
    pauses.push(now - last);
    turns.push(nowUsed - lastUsed);
    last = now;
    lastUsed = nowUsed;
  }, 1);
  const began = performance.now();
  const loops = Array.from({ length: LOOPS }, loop);
  let aborted = Number.NaN;
  const signal = AbortSignal.timeout(200);
  signal.addEventListener("abort", () => {
    aborted = performance.now() - began;
  });
  // A timer of its own would come as late as the pauses that it measures, and no later.
  await sleep(SECONDS * 1000);
  running = false;
  await Promise.all(loops);
  pauses.push(performance.now() - last);
  clearInterval(tick);
  const took = (performance.now() - began) / 1000;
  pauses.sort((a, b) => a - b);
  const at = (part) => pauses[Math.floor(part * (pauses.length - 1))].toFixed(1).padStart(7);
  const cpu = Math.max(...turns)
    .toFixed(1)
    .padStart(6);
  const rate = (calls / took).toFixed(0).padStart(6);
  console.log(
    `${title.padEnd(30)} longest ${at(1)} ms   99 % ${at(0.99)} ms   CPU ${cpu} ms   abort ${aborted.toFixed(0).padStart(5)}   ${rate} calls/s`,
  );
}

const { id } = await replicate.predictions.create({ model: "emulator/echo", input: { value: "x" } });
await measure("get", 0, () => replicate.predictions.get(id));
await measure("get, 404", 0, () => replicate.predictions.get("nothing").catch(() => {}));
await measure("get, 5 ms of work", 5, () => replicate.predictions.get(id));
const large = Array.from({ length: 1000 }, (_, index) => ({ index, text: "x".repeat(20) }));
const { id: largeId } = await replicate.predictions.create({
  model: "emulator/echo",
  input: { value: large },
});
await measure("get, results of 100 KB", 0, () => replicate.predictions.get(largeId));
if (OURS) {
  const input = { chunks: Array.from({ length: 100 }, () => "a heron at dawn "), repeat: 20 };
  await measure("stream of 2,000 events", 0, async (running) => {
    for await (const _ of replicate.stream("emulator/stream", { input })) if (!running()) break;
  });
  await measure("stream, 1 ms of work each", 0, async (running) => {
    for await (const _ of replicate.stream("emulator/stream", { input })) {
      if (!running()) break;
      compute(1);
    }
  });
}
server.stdin.end();
