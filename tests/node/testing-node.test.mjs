// The helpers for node:test.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Replicate from "replicant";
import { useEmulator } from "replicant/testing/node";

process.env.REPLICATE_API_TOKEN = "r8_of-the-program";

/** Returns where a client of the application sends its requests, and with which token, without the number of its test. */
function target(client = new Replicate()) {
  return { baseUrl: client.baseUrl, token: client.auth.replace(/-for-test-\d+$/, "-for-tests") };
}

const API = { baseUrl: "https://api.replicate.com/v1", token: "r8_of-the-program" };
const of = (emulator) => ({ baseUrl: emulator.baseUrl, token: "r8_a-token-for-tests" });

test("a test before the suites uses the API", () => assert.deepEqual(target(), API));

describe("a suite without an emulator", () => {
  test("uses the API", () => assert.deepEqual(target(), API));
});

describe("a suite with an emulator", () => {
  const emulator = useEmulator();
  const client = new Replicate();

  before(() => assert.deepEqual(target(), of(emulator)));

  test("clients that the suite creates use it", () => {
    assert.deepEqual(target(client), of(emulator));
    assert.deepEqual(target(), of(emulator));
  });

  test("clients of the application use it", async () => {
    emulator.script("acme/captioner", { output: "a heron" });
    assert.equal(await new Replicate().run("acme/captioner", { input: {} }), "a heron");
    emulator.assertCalled("acme/captioner", { times: 1 });
  });

  test("the next test finds it empty", async () => {
    emulator.assertNotCalled();
    assert.equal(await emulator.client().run("acme/captioner", { input: {} }), "a heron");
  });

  test("a request is refused with a pause", async () => {
    emulator.failNext("predictions.create", { status: 429, retryAfter: 60 });
    const refused = new Replicate({ maxRetries: 0 }).run("emulator/echo", { input: { value: 1 } });
    await assert.rejects(refused, { code: "rate_limited" });
  });

  test("the next test does not wait for the end of the pause", async () => {
    const options = { input: { value: 1 }, timeout: 20_000 };
    assert.equal(await new Replicate().run("emulator/echo", options), 1);
  });

  test("a function is a model", async () => {
    emulator.model("acme/shout", ({ text }) => text.toUpperCase());
    assert.equal(await emulator.client().run("acme/shout", { input: { text: "hi" } }), "HI");
  });

  describe("a suite inside with an emulator of its own", () => {
    const inner = useEmulator({ token: "r8_inner" });
    test("uses that one", () => {
      assert.deepEqual(target(), { baseUrl: inner.baseUrl, token: "r8_inner" });
    });
  });

  describe("a suite inside without one", () => {
    test("uses that of the outer suite", () => assert.deepEqual(target(), of(emulator)));
  });

  // Hooks run in order: that of the emulator is registered before this one.
  after(async () => {
    assert.deepEqual(target(), API);
    await assert.rejects(fetch(emulator.baseUrl));
  });
});

test("a test between the suites uses the API", () => assert.deepEqual(target(), API));

describe("a second suite with an emulator", () => {
  const emulator = useEmulator();

  test("clients of the application use it", async () => {
    assert.deepEqual(target(), of(emulator));
    emulator.script("acme/captioner", { output: "a gull" });
    assert.equal(await new Replicate().run("acme/captioner", { input: {} }), "a gull");
  });
});

// The connection of the model ends after the suite: an error of it would fail this file.
test("a test after the suite runs", () => new Promise((resolve) => setTimeout(resolve, 300)));
