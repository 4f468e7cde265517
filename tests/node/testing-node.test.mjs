// The helpers for node:test.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import Replicate from "replicant";
import { useEmulator } from "replicant/testing/node";

describe("a suite with an emulator", () => {
  const emulator = useEmulator();

  test("clients of the application use it", async () => {
    emulator.script("acme/captioner", { output: "a heron" });
    assert.equal(await new Replicate().run("acme/captioner", { input: {} }), "a heron");
    emulator.assertCalled("acme/captioner", { times: 1 });
  });

  test("the next test finds it empty", async () => {
    emulator.assertNotCalled();
    assert.equal(await emulator.client().run("acme/captioner", { input: {} }), "a heron");
  });

  test("a function is a model", async () => {
    emulator.model("acme/shout", ({ text }) => text.toUpperCase());
    assert.equal(await emulator.client().run("acme/shout", { input: { text: "hi" } }), "HI");
  });

  // Hooks run in order: that of the emulator is registered before this one.
  after(async () => {
    assert.equal(process.env.REPLICATE_BASE_URL, undefined);
    await assert.rejects(fetch(emulator.baseUrl));
  });
});

// The connection of the model ends after the suite: an error of it would fail this file.
test("a test after the suite runs", () => new Promise((resolve) => setTimeout(resolve, 300)));
