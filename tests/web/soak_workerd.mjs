// Streams a million events in workerd and checks what the process keeps: `make soak`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { startEmulator, TOKEN } from "../node/support/emulator.mjs";
import { test } from "./support/build.mjs";
import { startWorker } from "./support/workerd.mjs";

const SMALL = process.env.SOAK === "small";
const EVENTS = 5000;
// The heap of V8 grows until about 100,000 events have passed.
const [WARM_UP, REQUESTS] = SMALL ? [30, 20] : [50, 200];
const GROWTH = 24 * 1024;

/** Memory of a process, in KiB. */
const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

test("the memory of workerd stays flat over a million streamed events", async (t) => {
  if (process.platform !== "linux") return t.skip("reads /proc");
  const emulator = await startEmulator();
  const worker = await startWorker("tests/web/worker-faults.mjs");
  const client = { baseUrl: emulator.base_url, auth: TOKEN };
  const run = async (count) => {
    for (let n = 0; n < count; n++) {
      const body = JSON.stringify({ client, events: EVENTS });
      const response = await fetch(`${worker.url}/many`, { method: "POST", body });
      assert.deepEqual(await response.json(), { result: EVENTS });
    }
    await fetch(`${worker.url}/collect`, { method: "POST", body: JSON.stringify({ client }) });
    return memoryOf(worker.pid);
  };
  const before = await run(WARM_UP);
  const grown = (await run(REQUESTS)) - before;
  t.diagnostic(`${grown} KiB more than ${before} KiB after ${REQUESTS * EVENTS} events`);
  assert.ok(grown < GROWTH, `${grown} KiB`);
});
