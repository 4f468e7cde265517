// Sends 100,000 mixed requests from Node and checks what the process keeps: `make soak`. Calls succeed, fail, are retried,
// resumed, timed out, aborted and abandoned. The server (`server.mjs`) breaks connections on a schedule.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import Replicate from "../../node/index.mjs";

const SMALL = process.env.SOAK === "small";
const REQUESTS = SMALL ? 1000 : 100_000;
// In MiB. The heap of Node has not settled after the short warm-up of the small form.
const GROWTH = SMALL ? 32 : 8;
// In milliseconds of CPU time.
const PAUSE = SMALL ? 50 : 10;
const TASKS = 64;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

const child = spawn("node", [new URL("server.mjs", import.meta.url).pathname], {
  stdio: ["pipe", "pipe", "inherit"],
});
const [line] = await once(createInterface({ input: child.stdout }), "line");
const { origin } = JSON.parse(line);
const replicate = new Replicate({
  auth: "r8_soak",
  baseUrl: `${origin}/v1`,
  timeout: 10_000,
  // Idle connections are closed while the program waits for its descriptors.
  poolIdleTimeout: 5_000,
  pollInterval: 20,
});

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const counts = async () => (await replicate.request(`${origin}/counts`)).json();

/** Ignores the errors that a call is meant to end with. */
async function failing(call, names) {
  try {
    await call;
  } catch (error) {
    if (!names.includes(error.name) && !names.includes(error.code)) throw error;
  }
}

async function one(number) {
  const turn = number % 100;
  if (turn < 72) return replicate.predictions.get("p1");
  if (turn < 80) return failing(replicate.predictions.get("missing"), ["not_found"]);
  if (turn < 86) {
    const signal = AbortSignal.timeout(10);
    return failing(replicate.predictions.get("slow", { signal }), ["TimeoutError"]);
  }
  if (turn < 89) return replicate.run("acme/picture", { input: { image: Buffer.alloc(700) } });
  if (turn < 91) {
    const run = replicate.run("acme/text", { input: { prompt: "x" }, signal: AbortSignal.timeout(30) });
    return failing(run, ["TimeoutError"]);
  }
  if (turn < 94) {
    let events = 0;
    for await (const _ of replicate.stream("acme/text", { input: {} })) events += 1;
    if (events !== 41) throw new Error(`${events} events`);
    return undefined;
  }
  if (turn < 97) {
    for await (const _ of replicate.stream("acme/text", { input: {} })) break; // abandoned
    return undefined;
  }
  const [file] = await replicate.predictions.output([`${origin}/v1/files/p1`]);
  if (turn < 99) return file.bytes();
  for await (const _ of file) break; // half read
  return undefined;
}

async function send(requests) {
  const until = (await counts()).requests + requests;
  let number = 0;
  let done = false;
  const work = async () => {
    while (!done) await one(number++);
  };
  const working = Promise.all(Array.from({ length: TASKS }, work));
  while ((await counts()).requests < until) await Promise.race([sleep(200), working]);
  done = true;
  await working;
}

function usage() {
  collect();
  const fields = readFileSync("/proc/self/status", "utf8");
  const field = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(fields)[1]);
  return {
    memory: field("VmRSS") / 1024,
    threads: field("Threads"),
    descriptors: readdirSync("/proc/self/fd").length,
  };
}

/** Returns a function that adds the CPU time of this thread since its last call, in milliseconds. */
function pauseTimer(pauses) {
  // Unlike the time of day, it does not count the time in which other processes have the processor.
  const file = `/proc/self/task/${process.pid}/schedstat`;
  const used = () => Number(readFileSync(file, "utf8").split(" ", 1)[0]) / 1e6;
  let last = used();
  return () => {
    const now = used();
    pauses.push(now - last);
    last = now;
  };
}

// After 50,000 requests the heap of Node keeps its size.
await send(Math.max(REQUESTS / 2, 500));
await sleep(500);
const before = usage();
const pauses = [];
const ticking = setInterval(pauseTimer(pauses), 1);
await send(REQUESTS);
clearInterval(ticking);
pauses.sort((a, b) => a - b);
let after = usage();
// Idle connections are closed after a while, and threads that block end after they were idle for a while.
const kept = () => after.descriptors > before.descriptors || after.threads > before.threads;
for (let turn = 0; turn < 600 && kept(); turn += 1) {
  await sleep(100);
  after = usage();
}
const { requests, faults } = await counts();
const growth = after.memory - before.memory;
const most = pauses[Math.floor(0.999 * (pauses.length - 1))];
console.log(`Node: ${requests} requests, ${faults} faults`);
console.log(
  `  memory ${before.memory.toFixed(1)} MiB after the warm-up, grew by ${growth.toFixed(1)} MiB (at most ${GROWTH})`,
);
console.log(`  descriptors ${before.descriptors} before, ${after.descriptors} after`);
console.log(`  threads ${before.threads} before, ${after.threads} after`);
console.log(
  `  pauses of the event loop, CPU time: ${most.toFixed(1)} ms in 99.9 % (at most ${PAUSE}), the longest ${pauses.at(-1).toFixed(1)} ms`,
);
const fine =
  growth < GROWTH &&
  after.descriptors <= before.descriptors &&
  after.threads <= before.threads &&
  most < PAUSE;
console.log(fine ? "  within the bounds" : "  NOT within the bounds");
child.stdin.end();
process.exitCode = fine ? 0 : 1;
