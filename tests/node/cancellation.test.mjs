// An abort ends a call at once, with the signal's reason, and the prediction is canceled.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { eventually, startEmulator, within } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const endless = { input: {} };

/** Waits for a rejection with `reason`. Returns how long it takes from now on, in milliseconds. */
async function rejection(promise, reason) {
  const from = performance.now();
  await assert.rejects(promise, (error) => {
    assert.equal(error, reason);
    return true;
  });
  return performance.now() - from;
}

/** Aborts `promise` once `begun` is fulfilled. Returns how long the rejection takes. */
async function abortOnce(begun, promise, controller, reason) {
  promise.catch(() => {});
  await begun;
  controller.abort(reason);
  return rejection(promise, reason);
}

test("an aborted signal sends no request", async () => {
  await emulator.forgetRequests();
  const reason = new Error("too late");
  const signal = AbortSignal.abort(reason);
  await within(50, () => rejection(replicate.run("emulator/echo", { input: {}, signal }), reason));
  await within(50, () => rejection(replicate.predictions.get("x", { signal }), reason));
  await within(50, () => rejection(replicate.stream("emulator/echo", { input: {}, signal }).next(), reason));
  assert.deepEqual(await emulator.requests(), []);
});

test("an abort during the hold rejects at once and cancels the prediction", async () => {
  const reason = new Error("user left");
  const wait = { mode: "block", timeout: 60 };
  await within(50, async () => {
    const controller = new AbortController();
    const run = replicate.run("emulator/endless", { ...endless, wait, signal: controller.signal });
    const held = emulator.until((state) => state.active_holds === 1);
    const took = await abortOnce(held, run, controller, reason);
    // Only the response contains the id to cancel.
    await emulator.advance(60);
    assert.equal(await emulator.latestEnded(), "canceled");
    return took;
  });
});

test("an abort after the result has arrived does not lose it", async () => {
  for (const create of [
    (signal) => replicate.predictions.create({ model: "emulator/echo", input: {}, wait: false, signal }),
    (signal) => replicate.submit("emulator/echo", { input: {}, signal }),
    (signal) => replicate.run("emulator/echo", { input: { value: 1 }, signal }, () => {}),
  ]) {
    const controller = new AbortController();
    const created = create(controller.signal);
    // Sent from this turn of the event loop, which then keeps the result waiting.
    await new Promise(setImmediate);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    controller.abort();
    assert.ok(await created);
  }
});

test("an abort between polls rejects at once and ends the polling", async () => {
  const reason = new Error("enough");
  await within(50, async () => {
    await emulator.forgetRequests();
    const controller = new AbortController();
    const { signal } = controller;
    const run = replicate.run("emulator/endless", { ...endless, wait: { mode: "poll" }, signal });
    const polled = eventually(async () => (await emulator.requests("GET /v1/predictions/")).length > 1);
    const took = await abortOnce(polled, run, controller, reason);
    assert.equal(await emulator.latestEnded(), "canceled");
    return took;
  });
  const polls = (await emulator.requests("GET /v1/predictions/")).length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal((await emulator.requests("GET /v1/predictions/")).length, polls, "it still polls");
});

test("an abort of a stream closes the connection and cancels the prediction", async () => {
  const reason = new Error("enough");
  await within(50, async () => {
    const controller = new AbortController();
    const stream = replicate.stream("emulator/endless", { ...endless, signal: controller.signal });
    await stream.next();
    await emulator.until((state) => state.active_streams === 1);
    const waiting = (async () => {
      for (;;) await stream.next();
    })();
    const took = await abortOnce(undefined, waiting, controller, reason);
    await emulator.until((state) => state.active_streams === 0);
    assert.equal(await emulator.latestEnded(), "canceled");
    return took;
  });
});

test("an abort of a request rejects at once", async () => {
  const reason = new Error("enough");
  await within(50, async () => {
    await emulator.forgetRequests();
    await emulator.fault({ match: { path: "/v1/models/*" }, action: { delay_ms: 60_000 } });
    const controller = new AbortController();
    const call = replicate.models.get("emulator", "echo", { signal: controller.signal });
    const sent = eventually(async () => (await emulator.requests("GET /v1/models/")).length > 0);
    return abortOnce(sent, call, controller, reason);
  });
});

test("calls remove their listeners from a signal that outlives them", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args) => {
    listeners--;
    remove(...args);
  };
  await replicate.run("emulator/echo", { input: { value: 1 }, signal });
  await assert.rejects(replicate.predictions.get("nothing", { signal }));
  for await (const _ of replicate.stream("emulator/stream", { input: { chunks: ["a"] }, signal }));
  for await (const _ of replicate.map("emulator/echo", [{ value: 1 }], { signal }));
  const created = await replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } });
  await replicate.wait(created, { signal }, () => false);
  assert.equal(listeners, 0);
  assert.equal(signal.onabort ?? null, null);
});

test("AbortSignal.any rejects with the reason of the aborted signal", {
  skip: AbortSignal.any === undefined,
}, async () => {
  const user = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(60_000), user.signal]);
  const reason = new Error("user left");
  const wait = { mode: "poll" };
  await assert.rejects(
    replicate.run("emulator/endless", { input: {}, wait, signal }, () => user.abort(reason)),
    (error) => error === reason,
  );
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("an abort during an upload or a download rejects at once", async () => {
  const reason = new Error("enough");
  const input = { value: Buffer.alloc(300_000) };
  const received = (what) => eventually(async () => (await emulator.requests(what)).length > 0);
  await within(200, async () => {
    await emulator.forgetRequests();
    await emulator.fault({ match: { method: "POST", path: "/v1/files" }, action: { delay_ms: 60_000 } });
    const controller = new AbortController();
    const run = replicate.run("emulator/echo", { input, signal: controller.signal });
    return abortOnce(received("POST /v1/files"), run, controller, reason);
  });

  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  const { pathname } = image.url();
  await within(200, async () => {
    await emulator.forgetRequests();
    await emulator.fault({ match: { path: pathname }, action: { stall_body_at: 100 } });
    const controller = new AbortController();
    const bytes = image.bytes({ signal: controller.signal });
    return abortOnce(received(`GET ${pathname}`), bytes, controller, reason);
  });
});

test("a signal that is not an AbortSignal is an error", async () => {
  await assert.rejects(replicate.predictions.get("x", { signal: 5 }), /`signal` must be an AbortSignal/);
  await assert.rejects(replicate.stream("a/b", { input: {}, signal: {} }).next(), /must be an AbortSignal/);
  await assert.rejects(
    replicate.predictions.get("x", { signal: "" }),
    /must be an AbortSignal, not a string/,
  );
  await assert.rejects(
    replicate.wait({ id: "x" }, { signal: 5 }, () => false),
    /must be an AbortSignal, not a number/,
  );
});

test("the signal of models.create is in either object", async () => {
  await emulator.forgetRequests();
  const reason = new Error("not now");
  const signal = AbortSignal.abort(reason);
  const config = { visibility: "private", hardware: "cpu" };
  for (const given of [
    [{ ...config, signal }],
    [{ ...config, signal }, { timeout: 5000 }],
    [{ ...config, timeout: 5000 }, { signal }],
  ]) {
    await assert.rejects(replicate.models.create("acme", "aborted", ...given), (error) => error === reason);
  }
  assert.deepEqual(await emulator.requests(), []);
  const headers = { "x-mine": "1" };
  const refused = replicate.models.create("acme", "both", { ...config, headers }, { timeout: -1 });
  await assert.rejects(refused, /`timeout`/);
  await replicate.models.create("acme", "both", { ...config, headers, timeout: 1 }, { timeout: 60_000 });
  const [sent] = await emulator.requests();
  assert.equal(new Headers(sent.headers).get("x-mine"), "1");
});

test("a signal that is null is none", async () => {
  const signal = null;
  const input = { value: 1 };
  assert.equal(await replicate.run("emulator/echo", { input, signal }), 1);
  const created = await replicate.predictions.create({ model: "emulator/echo", input, signal });
  assert.equal((await replicate.predictions.get(created.id, { signal })).id, created.id);
  assert.equal((await replicate.wait(created, { signal }, () => false)).output, 1);
  assert.equal((await replicate.request("/account", { signal })).status, 200);
  for await (const _ of replicate.stream("emulator/stream", { input: { chunks: ["a"] }, signal }));
  for await (const { output } of replicate.map("emulator/echo", [input], { signal })) assert.equal(output, 1);
  for await (const page of replicate.paginate(() => replicate.predictions.list({ signal }), { signal })) {
    assert.ok(page.length > 0);
  }
  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  assert.ok((await image.bytes({ signal })).byteLength > 0);
});

test("AbortSignal.timeout rejects with its TimeoutError", async () => {
  await assert.rejects(replicate.run("emulator/endless", { input: {}, signal: AbortSignal.timeout(100) }), {
    name: "TimeoutError",
  });
});

async function readAll(stream) {
  for await (const _ of stream);
}

test("calls with the same signal share one listener and all end", async () => {
  const warnings = [];
  const warned = (warning) => warnings.push(warning.name);
  process.on("warning", warned);
  const controller = new AbortController();
  const { signal } = controller;
  const started = await replicate.predictions.create({ model: "emulator/endless", input: {} });
  const calls = [
    ...Array.from({ length: 12 }, () => replicate.wait(started, { signal })),
    ...Array.from({ length: 12 }, () => readAll(replicate.stream("emulator/endless", { input: {}, signal }))),
    replicate.wait(started, { signal, interval: 10 }, () => false),
  ];
  const done = await replicate.run("emulator/echo", { input: { value: 1 }, signal });
  assert.equal(done, 1);
  assert.equal(getEventListeners(signal, "abort").length, 1);
  controller.abort(new Error("enough"));
  const ends = await Promise.allSettled(calls);
  assert.ok(
    ends.every(({ reason }) => reason?.message === "enough"),
    JSON.stringify(ends),
  );
  assert.equal(getEventListeners(signal, "abort").length, 0);

  const reused = new AbortController();
  for (let n = 0; n < 3; n++) await replicate.models.get("emulator", "echo", { signal: reused.signal });
  assert.equal(getEventListeners(reused.signal, "abort").length, 0);
  await new Promise(setImmediate);
  process.off("warning", warned);
  assert.deepEqual(warnings, []);
});
