// `map`: how a batch ends before its last row.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { collect, ECHO, endless, ends, numbers, settled } from "./support/batches.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("leaving the loop cancels what runs", async () => {
  const found = await ends(emulator, async () => {
    for await (const _ of replicate.map(ECHO, endless(1000), { concurrency: 8 })) break;
  });
  assert.equal(found.succeeded, 1);
  assert.ok(found.canceled >= 1 && found.canceled <= 16, JSON.stringify(found));
});

test("the progress is exact in the loop and after it was left", async () => {
  const rows = numbers(40).map(({ value }) => ({ value, delay: value < 5 ? 0 : 600 }));
  const leave = async (end, signal) => {
    const results = replicate.map(ECHO, rows, { concurrency: 8, signal });
    const read = async () => {
      let count = 0;
      for await (const _ of results) {
        assert.ok(results.stats.succeeded >= ++count, `${results.stats.succeeded} of ${count}`);
        if (count === 5 && end()) break;
      }
    };
    await read().catch((error) => assert.ok(error.message === "mine" || signal?.aborted, error));
    const { rows: started, succeeded, predictions, running } = results.stats;
    assert.equal(succeeded, 5);
    assert.ok(predictions >= 5 && started === succeeded + running, JSON.stringify(results.stats));
  };
  await leave(() => true);
  await leave(() => {
    throw new Error("mine");
  });
  const controller = new AbortController();
  await leave(() => controller.abort(), controller.signal);
  await settled(emulator);
});

test("with drain, leaving the loop finishes what runs", async () => {
  const rows = numbers(1000).map(({ value }) => ({ value, delay: value === 0 ? 0 : 0.4 }));
  let closed = false;
  function* source() {
    try {
      yield* rows;
    } finally {
      closed = true;
    }
  }
  const results = replicate.map(ECHO, source(), { concurrency: 8, drain: true });
  const found = await ends(emulator, async () => {
    for await (const _ of results) break;
    assert.ok(closed);
    assert.equal(results.stats.running, 0);
    assert.equal(results.stats.stopped, "requested");
  });
  assert.deepEqual(Object.keys(found), ["succeeded"]);
  assert.ok(found.succeeded <= 16, JSON.stringify(found));
  assert.equal((await results.next()).done, true);

  const error = new Error("broken");
  const seen = [];
  async function* broken() {
    yield rows[1];
    await emulator.until(({ predictions }) => predictions.processing);
    throw error;
  }
  const read = async () => {
    for await (const { output } of replicate.map(ECHO, broken(), { drain: true })) seen.push(output);
  };
  await assert.rejects(read, (thrown) => thrown === error);
  assert.deepEqual(seen, [1]);
});

test("with drain, the first exception of `progress` is thrown after the last result", async () => {
  const thrown = [];
  const progress = () => {
    thrown.push(new Error(`report ${thrown.length}`));
    throw thrown.at(-1);
  };
  const results = replicate.map(ECHO, numbers(2), { progress, drain: true });
  await assert.rejects(collect(results), (error) => error === thrown[0]);
  assert.ok(thrown.length > 1);
  assert.equal((await results.next()).done, true);
});

test("stop returns the results of what runs", async () => {
  const rows = numbers(1000).map(({ value }) => ({ value, delay: value === 0 ? 0 : 0.3 }));
  const results = replicate.map(ECHO, rows, { concurrency: 4 });
  const items = [];
  for await (const item of results) {
    if (items.push(item) === 1) results.stop();
  }
  assert.ok(items.length >= 2 && items.length <= 9, `${items.length}`);
  assert.ok(items.every(({ status }) => status === "succeeded"));
  assert.equal(results.stats.stopped, "requested");
  results.stop();

  const before = replicate.map(ECHO, endless(5));
  before.stop();
  assert.deepEqual(await collect(before), []);
});

test("a limit ends the batch and closes the rows", async () => {
  let closed = false;
  async function* rows() {
    try {
      yield* numbers(1000);
    } finally {
      await sleep(20);
      closed = true;
    }
  }
  const results = replicate.map(ECHO, rows(), { maxPredictions: 3 });
  assert.equal((await collect(results)).length, 3);
  assert.ok(closed);
  assert.equal(results.stats.stopped, "max_predictions");
});

test("an aborted signal cancels what runs and throws its reason", async () => {
  const reason = { why: "enough" };
  const controller = new AbortController();
  let count = 0;
  const read = async () => {
    for await (const _ of replicate.map(ECHO, endless(50), {
      concurrency: 8,
      signal: controller.signal,
      drain: true,
    })) {
      count++;
      emulator.until((state) => state.predictions.processing).then(() => controller.abort(reason));
    }
  };
  const found = await ends(emulator, () => assert.rejects(read, (thrown) => thrown === reason));
  assert.equal(count, 1);
  assert.ok(found.canceled >= 1, JSON.stringify(found));

  await emulator.forgetRequests();
  let read2 = 0;
  function* rows() {
    read2++;
    yield {};
  }
  const { signal } = controller;
  await assert.rejects(collect(replicate.map(ECHO, rows(), { signal })), (thrown) => thrown === reason);
  assert.deepEqual([read2, await emulator.requests()], [0, []]);
});

test("a batch that is not begun ends without a request", async () => {
  await emulator.forgetRequests();
  const results = replicate.map(ECHO, endless(2));
  assert.deepEqual(await results.return(), { done: true, value: undefined });
  assert.equal((await results.next()).done, true);
  await replicate.map(ECHO, endless(2))[Symbol.asyncDispose]?.();
  await assert.rejects(replicate.map(ECHO, endless(2)).throw(new Error("mine")), /mine/);
  assert.deepEqual(await emulator.requests(), []);
});

test("an exception of a hook ends the batch and leaves no row unknown", async () => {
  const error = new TypeError("no tenant");
  const hooked = emulator.client({
    onRequest: ({ body }) => {
      if (body?.includes('"value":1')) throw error;
    },
  });
  const before = (await emulator.state()).predictions.succeeded ?? 0;
  const items = [];
  await assert.rejects(
    async () => {
      for await (const item of hooked.map(ECHO, numbers(3), { concurrency: 1 })) items.push(item);
    },
    (thrown) => thrown === error,
  );
  assert.deepEqual(
    items.map(({ output }) => output),
    [0],
  );
  assert.equal((await settled(emulator)).succeeded, before + 1);
});

test("the progress counts what was returned, also before an error", async () => {
  const rows = numbers(1000).map(() => ({ message: "broken" }));
  const results = replicate.map("emulator/fails", rows, { maxErrorRate: 0.5, concurrency: 8 });
  let failed = 0;
  await assert.rejects(async () => {
    for await (const _ of results) {
      failed++;
      assert.ok(results.stats.failed > 0);
    }
  }, /maxErrorRate|max_error_rate/);
  assert.deepEqual([results.stats.stopped, results.stats.failed], ["error_rate", failed]);
});

test("a batch that is stopped because the API rejects its rows says so", async () => {
  const results = replicate.map("emulator/nothing", numbers(1000), { maxErrorRate: 0.5, concurrency: 8 });
  await assert.rejects(
    async () => {
      for await (const _ of results);
    },
    {
      code: "not_found",
      message: /^50 of the last 50 rows failed, more than `maxErrorRate` allows, .* failed with status 404 /,
    },
  );
});
