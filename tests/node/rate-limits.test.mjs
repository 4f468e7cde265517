import assert from "node:assert/strict";
import test from "node:test";
import { Emulator } from "replicant/testing";
import { eventually } from "./support/emulator.mjs";

test("runs beyond the rate limit wait for their turn", async (t) => {
  const emulator = new Emulator({ rateLimit: 600 });
  t.after(() => emulator.close());
  const clients = [emulator.client(), emulator.client()];
  const run = (_, value) => clients[value % 2].run("emulator/echo", { input: { value } });
  const began = performance.now();
  const outputs = await Promise.all(Array.from({ length: 620 }, run));
  assert.deepEqual(outputs, Array.from(outputs.keys()));
  assert.ok(performance.now() - began > 1500);
  const { creates } = clients[0].rateLimit;
  assert.equal(creates.waiting, 0);
  assert.ok(creates.perMinute > 0);
});

test("the rate limit is an option", async (t) => {
  const emulator = new Emulator();
  t.after(() => emulator.close());
  const unknown = { perMinute: null, remaining: null, paused: 0, waiting: 0 };
  assert.deepEqual(emulator.client().rateLimit.others, unknown);
  assert.equal(emulator.client({ rateLimit: 60 }).rateLimit.creates.perMinute, 60);
  assert.equal(emulator.client({ rateLimit: null }).rateLimit, null);
  for (const rateLimit of [0, -1, "fast"]) {
    assert.throws(() => emulator.client({ rateLimit }), /`rateLimit` must be a number/);
  }
});

test("an aborted run leaves the queue", async (t) => {
  const emulator = new Emulator();
  t.after(() => emulator.close());
  const client = emulator.client({ rateLimit: 60 });
  const controller = new AbortController();
  const runs = Array.from({ length: 30 }, () =>
    client
      .run("emulator/echo", { input: { value: 1 }, signal: controller.signal })
      .catch((error) => error.name),
  );
  await eventually(() => client.rateLimit.creates.waiting > 0);
  controller.abort();
  await Promise.all(runs);
  await eventually(() => client.rateLimit.creates.waiting === 0);
});
