// A `fetch` of the user's carries everything, and the core does with it what it always does.
import assert from "node:assert/strict";
import { test } from "node:test";
import Replicate, { ConnectionError, OutcomeUnknownError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();

function counting() {
  const calls = [];
  const carrier = (url, init) => {
    calls.push(`${init.method} ${new URL(url).pathname}`);
    return fetch(url, init);
  };
  return { calls, client: emulator.client({ fetch: carrier }) };
}

test("run, files, uploads and streams go through it", async () => {
  const { calls, client } = counting();
  await emulator.forgetRequests();
  const [file] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  assert.ok((await file.bytes()).length > 1000);
  const upload = await client.files.create(new Blob(["x".repeat(300_000)]));
  assert.equal(upload.size, 300_000);
  let text = "";
  for await (const event of client.stream("emulator/stream", { input: { chunks: ["a", "b"] } }))
    text += event;
  assert.equal(text, "ab");
  const seen = (await emulator.requests()).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(calls, seen);
});

test("a double without a server, as tests of applications have it", async () => {
  const double = async (_url, init) => {
    assert.equal(init.headers.authorization, "Bearer t");
    assert.deepEqual(JSON.parse(Buffer.from(init.body).toString()), {
      version: "v".repeat(64),
      input: { a: 1 },
    });
    return new Response(JSON.stringify({ id: "p", status: "succeeded", output: "done", urls: {} }), {
      status: 201,
      headers: { "content-type": "application/json" },
    });
  };
  const client = new Replicate({ auth: "t", fetch: double });
  assert.equal(await client.run(`owner/name:${"v".repeat(64)}`, { input: { a: 1 } }), "done");
});

test("it can be set later, as the guide for Next.js does it", async () => {
  const client = emulator.client();
  let used = 0;
  client.fetch = (url, options) => {
    used++;
    return fetch(url, { ...options, cache: "no-store" });
  };
  await client.models.get("emulator", "echo");
  assert.equal(used, 1);
});

test("the core's retries stay: a read is repeated, a lost create is not", async () => {
  let calls = 0;
  const failing = async () => {
    calls++;
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
  };
  const client = emulator.client({ fetch: failing, maxRetries: 1 });
  await assert.rejects(client.predictions.get("x"), ConnectionError);
  assert.equal(calls, 2);
  calls = 0;
  await assert.rejects(client.predictions.create({ model: "a/b", input: {} }), (error) => {
    assert.ok(error instanceof OutcomeUnknownError);
    assert.match(error.message, /reset/);
    return true;
  });
  assert.equal(calls, 1);
});

test("an abort reaches it, and leaving a stream ends its body", async () => {
  let signal;
  const hanging = (_url, init) => {
    signal = init.signal;
    return new Promise((_, reject) =>
      init.signal.addEventListener("abort", () => reject(init.signal.reason)),
    );
  };
  const controller = new AbortController();
  const call = emulator.client({ fetch: hanging }).predictions.get("x", { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 30);
  await assert.rejects(call, /enough/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(signal.aborted, true);

  const { client } = counting();
  for await (const _ of client.stream("emulator/stream", {
    input: { chunks: ["a"], pause: 0.01, repeat: 10000 },
  }))
    break;
  await emulator.until((state) => state.active_streams === 0);
});
