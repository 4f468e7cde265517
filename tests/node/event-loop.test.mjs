// The event loop turns while results arrive, so that timers and other events are handled.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const { id } = await replicate.predictions.create({ model: "emulator/echo", input: { value: "x" } });

function compute(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Runs 64 loops of `work` for a second. Returns the ticks of a 1 ms timer and the longest time between two of them. */
async function pauses(work) {
  let running = true;
  let ticks = 0;
  let longest = 0;
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(() => {
    ticks++;
    tick();
  }, 1);
  const until = performance.now() + 1000;
  const loop = async () => {
    while (running && performance.now() < until + 3000) await work(() => running);
  };
  const loops = Promise.all(Array.from({ length: 64 }, loop));
  await sleep(1000);
  running = false;
  await loops;
  tick();
  clearInterval(timer);
  return { ticks, longest };
}

test("timers run between the results of 64 calls", async () => {
  const { longest } = await pauses(async () => {
    await replicate.predictions.get(id);
    compute(5);
  });
  assert.ok(longest < 500, `no timer ran for ${longest} ms`);
});

test("timers run between errors", async () => {
  const { ticks } = await pauses(() => replicate.predictions.get("nothing").catch(() => {}));
  assert.ok(ticks > 50, `${ticks} ticks in a second`);
});

test("timers run between the events of streams and the chunks of files", async () => {
  const input = { chunks: Array.from({ length: 100 }, () => "a heron "), repeat: 100 };
  const events = await pauses(async (running) => {
    for await (const _ of replicate.stream("emulator/stream", { input })) {
      if (!running()) return;
      compute(1);
    }
  });
  assert.ok(events.longest < 500, `no timer ran for ${events.longest} ms`);

  const [file] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  const chunks = await pauses(async (running) => {
    for await (const _ of file.stream()) {
      if (!running()) return;
      compute(1);
    }
  });
  assert.ok(chunks.longest < 500, `no timer ran for ${chunks.longest} ms`);
});

test("AbortSignal.timeout acts while results arrive", async () => {
  const from = performance.now();
  let aborted;
  const signal = AbortSignal.timeout(200);
  signal.addEventListener("abort", () => {
    aborted = performance.now() - from;
  });
  await pauses(async () => {
    // A call with an aborted signal rejects at once.
    if (signal.aborted) return sleep(10);
    await replicate.predictions.get(id, { signal }).catch(() => {});
    compute(5);
  });
  assert.ok(aborted < 700, `after ${aborted} ms`);
});

test("calls settle while timers are faked", { skip: mock.timers === undefined }, async () => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate"] });
  try {
    for (let n = 0; n < 20; n++) {
      await replicate.predictions.get(id);
      compute(3);
    }
  } finally {
    mock.timers.reset();
  }
});
