// Callbacks run in the async context (`AsyncLocalStorage`) of the call.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const storage = new AsyncLocalStorage();

/** Calls `work` concurrently in several contexts, and checks the context of each callback. */
async function inContexts(work) {
  const each = ["A", "B", "C"].map((name) =>
    storage.run(name, async () => {
      const seen = [];
      await work(() => seen.push(storage.getStore()));
      assert.equal(storage.getStore(), name);
      assert.ok(seen.length > 0, "the callback was not called");
      assert.deepEqual([...new Set(seen)], [name]);
    }),
  );
  await Promise.all(each);
}

test("progress runs in the context of the call", () =>
  inContexts((note) =>
    emulator.client().run("emulator/echo", { input: { value: 1, delay: 0.1 } }, () => note()),
  ));

test("onUpload and onProgress run in the context of the call", async () => {
  const input = { file: new Blob(["x".repeat(100_000)]) };
  await inContexts((note) => emulator.client().run("emulator/echo", { input, onUpload: () => note() }));
  const [image] = await emulator.client().run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  await inContexts((note) => {
    const target = path.join(os.tmpdir(), `context-${process.pid}-${storage.getStore()}.webp`);
    return image.save(target, { onProgress: () => note() });
  });
});

test("stop runs in the context of the call", async () => {
  const client = emulator.client();
  const started = await client.predictions.create({ model: "emulator/echo", input: { delay: 0.2 } });
  await inContexts((note) => client.wait(started, { interval: 20 }, async () => void note()));
});

test("`fetch` runs in the context of the call, also in the background", async () => {
  await inContexts(async (note) => {
    const client = emulator.client({
      fetch: (...call) => {
        note();
        return fetch(...call);
      },
    });
    await client.run("emulator/echo", {
      input: { value: 1, delay: 0.1 },
      wait: { mode: "poll", interval: 20 },
    });
    const [image] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
    await image.bytes();
    for await (const _ of client.stream("emulator/stream", { input: { chunks: ["a"] } }));
    // Leaving the loop cancels the prediction.
    for await (const _ of client.stream("emulator/stream", {
      input: { chunks: ["a"], repeat: 99, pause: 0.1 },
    }))
      break;
    await client.files.create(new Blob(["x".repeat(2_000_000)]));
  });
});

test("concurrent calls of one client keep their contexts", async () => {
  const seen = new Map();
  const client = emulator.client({
    fetch: (url, init) => {
      seen.set(JSON.parse(init.body).input.value, storage.getStore());
      return fetch(url, init);
    },
  });
  const names = Array.from({ length: 20 }, (_, n) => `context ${n}`);
  const create = (value) => client.predictions.create({ model: "emulator/echo", input: { value } });
  await Promise.all(names.map((name) => storage.run(name, () => create(name))));
  for (const name of names) assert.equal(seen.get(name), name);
});
