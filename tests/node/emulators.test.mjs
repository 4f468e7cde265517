// An emulator in this process lives as long as what uses it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Emulator } from "../../node/testing.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Collects garbage until finalizers have run. */
async function collected() {
  for (let n = 0; n < 5; n++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a client keeps its emulator alive", async () => {
  const client = new Emulator().client();
  await collected();
  assert.equal(await client.run("emulator/echo", { input: { value: 1 } }), 1);
});

test("what a client returns keeps the emulator alive", async () => {
  const make = () => new Emulator({ timeScale: 0.5 }).client();
  const { predictions } = make();
  const [file] = await make().run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  const events = make().stream("emulator/stream", { input: { chunks: ["a", "b"] } });
  const call = make().run("emulator/echo", { input: { value: "late", delay: 0.3 } });
  const page = await make().models.list();
  await collected();
  assert.equal((await predictions.create({ model: "emulator/echo", input: { value: 1 } })).error, null);
  assert.ok((await file.blob()).size > 0);
  assert.equal((await events.next()).value.data, "a");
  assert.equal(await call, "late");
  assert.ok(Array.isArray(page.results));
});

test("an emulator without clients stops", async () => {
  const origin = (() => new Emulator().baseUrl)();
  await collected();
  await assert.rejects(fetch(`${origin}/hardware`));
});
