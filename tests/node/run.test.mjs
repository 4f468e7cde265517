// `run`, `wait` and the responses of calls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PredictionCanceledError, PredictionFailedError, withResponse } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("run returns the output, also if the prediction outlasts the hold", async () => {
  assert.deepEqual(await replicate.run("emulator/echo", { input: { value: { a: [1, "b", null] } } }), {
    a: [1, "b", null],
  });
  const slow = { input: { value: "x", delay: 1.5 }, wait: { mode: "block", timeout: 1 } };
  assert.equal(await replicate.run("emulator/echo", slow), "x");
  assert.equal(
    await replicate.run("emulator/echo", { input: { value: "y" }, wait: { mode: "poll", interval: 20 } }),
    "y",
  );
});

test("progress is called with every state, the last before run resolves", async () => {
  const seen = [];
  const options = { input: { steps: 5, step_seconds: 0.05 }, wait: { mode: "poll", interval: 30 } };
  await replicate.run("emulator/progress", options, (prediction) => seen.push(prediction.status));
  assert.ok(["starting", "processing"].includes(seen[0]), seen[0]);
  assert.equal(seen.at(-1), "succeeded");
  assert.equal(seen.filter((status) => status === "succeeded").length, 1);
});

test("an exception in progress ends the run and cancels the prediction", async () => {
  const thrown = new Error("in the callback");
  await assert.rejects(
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" } }, () => {
      throw thrown;
    }),
    (error) => error === thrown,
  );
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("a failure has the prediction and its logs", async () => {
  const seen = [];
  await assert.rejects(
    replicate.run("emulator/fails", { input: { message: "out of memory" } }, ({ status }) =>
      seen.push(status),
    ),
    (error) => {
      assert.ok(error instanceof PredictionFailedError);
      assert.equal(error.code, "prediction_failed");
      assert.match(error.message, /Prediction failed: out of memory/);
      assert.equal(error.prediction.status, "failed");
      assert.match(error.logs, /RuntimeError: out of memory/);
      assert.match(error.stack, /run\.test\.mjs/, "the caller is in the stack");
      return true;
    },
  );
  assert.equal(seen.at(-1), "failed");
});

test("a prediction that was canceled elsewhere is an error", async () => {
  const run = replicate.run(
    "emulator/endless",
    { input: {}, wait: { mode: "poll", interval: 20 } },
    ({ id, status }) => {
      if (status === "processing") replicate.predictions.cancel(id);
    },
  );
  await assert.rejects(run, PredictionCanceledError);
});

test("wait returns the ended prediction, and stop ends only the waiting", async () => {
  const created = await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 7, delay: 0.2 },
  });
  assert.equal((await replicate.wait(created, { interval: 20 })).output, 7);

  const endless = await replicate.predictions.create({ model: "emulator/endless", input: {} });
  let calls = 0;
  const stopped = await replicate.wait(endless, { interval: 20 }, async () => ++calls === 3);
  assert.equal(calls, 3);
  assert.ok(["starting", "processing"].includes(stopped.status));
  assert.equal((await replicate.predictions.cancel(endless.id)).status, "canceled");
  assert.equal((await replicate.wait(endless)).status, "canceled");
});

test("wait rejects if the prediction fails while it waits, as in 1.4.0", async () => {
  const input = { message: "out of memory" };
  const failing = await replicate.predictions.create({ model: "emulator/fails", input });
  await assert.rejects(replicate.wait(failing, { interval: 20 }), (error) => {
    assert.ok(error instanceof PredictionFailedError);
    assert.match(error.message, /^Prediction failed: .*out of memory/);
    return true;
  });
  await assert.rejects(
    replicate.wait(failing, { interval: 20 }, () => false),
    PredictionFailedError,
  );
  const failed = await replicate.predictions.get(failing.id);
  assert.equal((await replicate.wait(failed)).status, "failed");
});

test("withResponse returns the status and headers", async () => {
  const { data, response } = await withResponse(
    replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } }),
  );
  assert.match(data.id, /^\w{26}$/);
  assert.equal(response.status, 201);
  assert.match(response.headers.get("content-type"), /json/);
  const page = await withResponse(replicate.predictions.list());
  assert.equal(page.response.status, 200);
  assert.equal(page.data.results[0].id, data.id);
  await assert.rejects(
    withResponse(Promise.resolve(1)),
    (error) => error.code === "invalid_argument" && /`promise`/.test(error.message),
  );
});
