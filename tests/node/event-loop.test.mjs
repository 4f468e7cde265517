// The event loop turns while results arrive, so that timers and other events are handled.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmulator, within } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const { id } = await replicate.predictions.create({ model: "emulator/echo", input: { value: "x" } });

function compute(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/**
 * Runs 64 loops of `work` for a second. Returns the longest time between two ticks of a 1 ms timer, and how many results
 * arrived between two of them on average.
 */
async function pauses(work) {
  let running = true;
  let ticks = 0;
  let results = 0;
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
    while (running && performance.now() < until + 3000) {
      await work(() => running);
      results++;
    }
  };
  const loops = Promise.all(Array.from({ length: 64 }, loop));
  await sleep(1000);
  running = false;
  await loops;
  tick();
  clearInterval(timer);
  return { longest, results: results / ticks };
}

test("timers run between the results of 64 calls", async () => {
  await within(500, async () => {
    const { longest } = await pauses(async () => {
      await replicate.predictions.get(id);
      compute(5);
    });
    return longest;
  });
});

test("timers run between errors", async () => {
  const { results } = await pauses(() => replicate.predictions.get("nothing").catch(() => {}));
  // Counted, because a busy machine makes both rare.
  assert.ok(results < 64, `${results} results for each tick`);
});

test("timers run between the events of streams and the chunks of files", async () => {
  const input = { chunks: Array.from({ length: 100 }, () => "a heron "), repeat: 100 };
  const read = async (open) => {
    const { longest } = await pauses(async (running) => {
      for await (const _ of open()) {
        if (!running()) return;
        compute(1);
      }
    });
    return longest;
  };
  await within(500, () => read(() => replicate.stream("emulator/stream", { input })));

  const [file] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  await within(500, () => read(() => file.stream()));
});

test("AbortSignal.timeout acts while results arrive", async () => {
  await within(700, async () => {
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
    return aborted;
  });
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
