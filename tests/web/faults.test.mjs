// Faults inside workerd: aborts, clients that leave, requests that end, many requests at a time, memory.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after } from "node:test";
import { eventually, startEmulator, TOKEN } from "../node/support/emulator.mjs";
import { signer } from "../node/support/webhooks.mjs";
import { skip, test } from "./support/build.mjs";
import { OLD, RECENT, startWorker } from "./support/workerd.mjs";

const emulator = skip || (await startEmulator());
const client = { baseUrl: emulator.base_url, auth: TOKEN };
const worker = skip || (await startWorker("tests/web/worker-faults.mjs"));

function send(program, params = {}, { to = worker, ...init } = {}) {
  const body = JSON.stringify({ client, ...params });
  return fetch(`${to.url}/${program}`, { method: "POST", body, ...init });
}

async function call(program, params, init) {
  const response = await send(program, params, init);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

async function isRight(program, n, init) {
  const { result, ...failure } = await call(program, { n }, init);
  assert.ok(result?.right, JSON.stringify(result ?? failure));
}

test("two hundred concurrent requests in one isolate do not disturb each other", async () => {
  await Promise.all(Array.from({ length: 200 }, (_, n) => isRight("mixed", n)));
});

test("it works with a compatibility date before fetch had the option cache", async () => {
  const to = await startWorker("tests/web/worker-faults.mjs", [], { date: OLD });
  await isRight("mixed", 1, { to });
});

// One client holds back the runs of all requests, and a response to one request lets the run of another continue.
test("requests that share a client run together", async () => {
  for (const date of [RECENT, OLD]) {
    const to = await startWorker("tests/web/worker-faults.mjs", [], { date });
    const signal = AbortSignal.timeout(120_000);
    await Promise.all(Array.from({ length: 150 }, (_, n) => isRight("together", n, { to, signal })));
  }
});

test("requests that share a client wait out a rate limit", async () => {
  for (const date of [RECENT, OLD]) {
    const limited = await startEmulator("--rate-limit", "600", "--rate-burst", "10");
    const to = await startWorker("tests/web/worker-faults.mjs", [], { date });
    const signal = AbortSignal.timeout(120_000);
    const own = { client: { ...client, baseUrl: limited.base_url } };
    const run = async (_, n) => {
      const { result, ...failure } = await call("together", { n, ...own }, { to, signal });
      assert.ok(result?.right, JSON.stringify(result ?? failure));
    };
    await Promise.all(Array.from({ length: 40 }, run));
    // Requests that end while their runs wait for a turn.
    await Promise.all(Array.from({ length: 40 }, () => call("leave", own, { to, signal })));
    await Promise.all(Array.from({ length: 10 }, run));
  }
});

test("aborts of a client that requests share cancel all of their predictions", async () => {
  const own = await startEmulator();
  const to = await startWorker("tests/web/worker-faults.mjs");
  const params = { ms: 1000, client: { ...client, baseUrl: own.base_url } };
  await own.fault({ match: { method: "POST", path: "/v1/models/*" }, action: { delay_ms: 2000 } });
  const names = await Promise.all(Array.from({ length: 100 }, () => call("abortTogether", params, { to })));
  assert.deepEqual([...new Set(names.map(({ name }) => name))], ["TimeoutError"]);
  const all = await eventually(async () => {
    const predictions = await own.predictions();
    return predictions.every(({ status }) => status === "canceled") && predictions;
  });
  assert.ok(all.length > 64, String(all.length));
});

for (const waits of [true, false]) {
  const how = waits ? "the call waits for the cancel" : "the cancel is passed to waitUntil";
  test(`an abort of a run rejects and cancels the prediction: ${how}`, async () => {
    const { name } = await call("run", { ms: 200, waits });
    assert.equal(name, "TimeoutError");
    assert.equal(await emulator.latestEnded(), "canceled");
  });

  test(`an abort of a stream rejects and cancels the prediction: ${how}`, async () => {
    const { name } = await call("stream", { ms: 200, waits });
    assert.equal(name, "TimeoutError");
    await emulator.until((state) => state.active_streams === 0);
    assert.equal(await emulator.latestEnded(), "canceled");
  });
}

test("an abort while the create is sent cancels the prediction once its id is known", async () => {
  await emulator.fault({ match: { method: "POST", path: "/v1/models/*" }, times: 1, action: { delay_ms: 500 } });
  const { name } = await call("run", { ms: 100 });
  assert.equal(name, "TimeoutError");
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("an abort of a download rejects", async () => {
  const [image] = await emulator.client().run("black-forest-labs/flux-schnell", { input: { prompt: "a" } });
  const url = String(image);
  const whole = await call("read", { url, ms: 10_000 });
  assert.ok(whole.result > 1000, JSON.stringify(whole));
  const path = new URL(url).pathname;
  await emulator.fault({ match: { path }, times: 1, action: { stall_body_at: 100 } });
  const { name } = await call("read", { url, ms: 200 });
  assert.equal(name, "TimeoutError");
  await emulator.fault({ match: { path }, times: 1, action: { cut_body_at: 1000 } });
  assert.deepEqual(await call("read", { url, ms: 10_000 }), whole);
});

test("a request that ends while it fetches the secret of webhooks does not harm others", async () => {
  const body = JSON.stringify({ id: "p1", status: "succeeded" });
  const to = await startWorker("tests/web/worker-faults.mjs");
  await emulator.fault({ match: { path: "/v1/webhooks/default/secret" }, times: 4, action: { delay_ms: 500 } });
  const webhook = { body, headers: signer(emulator.webhook_secret)(body) };
  await call("leaveUnwrap", webhook, { to });
  const all = await Promise.all([1, 2, 3].map(() => call("unwrap", webhook, { to })));
  assert.deepEqual(all, [{ result: "p1" }, { result: "p1" }, { result: "p1" }]);
});

test("a call outside a handler says so", async () => {
  const { result } = await call("atTheTop");
  assert.equal(result.name, "UnsupportedError");
  assert.match(result.message, /outside a handler/);
});

test("the body of a response is uploaded, unless it was read", async () => {
  const server = createServer((_request, response) => response.end(Buffer.alloc(300_000))).listen(0, "127.0.0.1");
  after(() => server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}`;
  const refused = { name: "InvalidArgumentError", argument: "file" };
  assert.deepEqual((await call("upload", { url })).result, { whole: 300_000, parts: 300_000, refused });
});

test("a client that leaves a relay cancels the prediction", async () => {
  const controller = new AbortController();
  const response = await send("relay", {}, { signal: controller.signal });
  const reader = response.body.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value).slice(0, 1), "a");
  controller.abort();
  await emulator.until((state) => state.active_streams === 0);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("a request that ends during a call does not harm later requests", async () => {
  for (let n = 0; n < 5; n++) {
    assert.deepEqual(await call("leave"), { result: {} });
    await isRight("afterwards", n);
  }
  await Promise.all(Array.from({ length: 20 }, (_, n) => isRight(n % 2 ? "mixed" : "afterwards", n)));
});

test("an abort does not wait for the creates of requests that have ended", async () => {
  await call("leave");
  const from = performance.now();
  const { name } = await call("run", { ms: 200, waits: true });
  assert.equal(name, "TimeoutError");
  // Otherwise for 6 s.
  assert.ok(performance.now() - from < 5000);
});

test("a rate limit is waited out", async () => {
  const action = { status: 429, headers: { "retry-after": "0" } };
  await emulator.fault({ match: { method: "POST", path: "/v1/models/*" }, times: 2, action });
  await isRight("mixed", 7);
});
