// `run`, `wait` and the responses of calls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
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

test("an exception in progress, or an abort, with the last state ends the run", async () => {
  const thrown = new Error("in the callback");
  for (const wait of [{ mode: "block" }, { mode: "poll", interval: 20 }]) {
    const options = { input: { value: 1 }, wait };
    await assert.rejects(
      replicate.run("emulator/echo", options, ({ status }) => {
        if (status === "succeeded") throw thrown;
      }),
      (error) => error === thrown,
    );
    const controller = new AbortController();
    await assert.rejects(
      replicate.run("emulator/echo", { ...options, signal: controller.signal }, ({ status }) => {
        if (status === "succeeded") controller.abort(thrown);
      }),
      (error) => error === thrown,
    );
  }
});

test("a callback that is not a function is an error before anything is sent", async () => {
  await emulator.forgetRequests();
  const input = { image: new Blob(["a"]) };
  const file = replicate.predictions.calls.file("http://127.0.0.1:9/a.png");
  for (const [name, call] of [
    ["progress", () => replicate.run("emulator/echo", { input }, 5)],
    ["progress", () => replicate.run("emulator/echo", { input, onUpload() {} }, "x")],
    ["onUpload", () => replicate.run("emulator/echo", { input, onUpload: {} })],
    ["onUpload", () => replicate.submit("emulator/echo", { input, onUpload: 5 })],
    ["onUpload", () => replicate.stream("emulator/echo", { input, onUpload: 5 }).next()],
    ["onUpload", () => replicate.predictions.create({ model: "emulator/echo", input, onUpload: 5 })],
    ["onProgress", () => replicate.files.create(new Blob(["a"]), {}, { onProgress: 5 })],
    ["onProgress", () => file.save("a.png", { onProgress: 5 })],
    ["onProgress", () => replicate.saveAll([], "folder", { onProgress: 5 })],
    ["stop", () => replicate.wait({ id: "p1" }, {}, 5)],
  ]) {
    await assert.rejects(call, ({ code, argument, message }) => {
      assert.deepEqual([code, argument], ["invalid_argument", name], message);
      assert.match(message, new RegExp(`^\`${name}\` must be a function, not `));
      return true;
    });
  }
  assert.deepEqual(await emulator.requests(), []);
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

test("the error text of a model is unchanged", async () => {
  const message = "pass `token` and `base_url`";
  await assert.rejects(replicate.run("emulator/fails", { input: { message } }), {
    message: `Prediction failed: ${message}`,
  });
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

test("wait calls stop with one state at a time, and not with the last", async () => {
  const input = { steps: 20, step_seconds: 0.1 };
  const created = await replicate.predictions.create({ model: "emulator/progress", input });
  const seen = [];
  let running = 0;
  const ended = await replicate.wait(created, { interval: 10 }, async ({ status }) => {
    seen.push([status, ++running]);
    await setTimeout(50);
    running--;
    return false;
  });
  assert.equal(ended.status, "succeeded");
  assert.equal(running, 0);
  assert.ok(seen.length > 0);
  for (const [status, calls] of seen) assert.ok(status !== "succeeded" && calls === 1, `${status} ${calls}`);
});

test("wait returns or throws what a stop says that ends after the prediction", async () => {
  const thrown = new Error("in stop");
  const wait = async (end, signal) => {
    const { id } = await replicate.predictions.create({ model: "emulator/endless", input: {} });
    return replicate.wait({ id, status: "starting" }, { interval: 10, signal }, async () => {
      await replicate.predictions.cancel(id);
      await setTimeout(500);
      return end();
    });
  };
  assert.match((await wait(() => true)).status, /^(starting|processing)$/);
  assert.equal((await wait(() => false)).status, "canceled");
  const failing = wait(() => {
    throw thrown;
  });
  await assert.rejects(failing, (error) => error === thrown);
  const controller = new AbortController();
  const endless = wait(() => {
    controller.abort(thrown);
    return new Promise(() => {});
  }, controller.signal);
  await assert.rejects(endless, (error) => error === thrown);
});

test("wait returns or throws what a stop says that ends after the prediction has failed", async () => {
  const thrown = new Error("in stop");
  const wait = async (end) => {
    const input = { message: "out of memory", cold_start: 600 };
    const created = await replicate.predictions.create({ model: "emulator/fails", input, wait: false });
    return replicate.wait(created, { interval: 10 }, async () => {
      await emulator.advance(600);
      while ((await replicate.predictions.get(created.id)).status !== "failed");
      await setTimeout(500);
      return end();
    });
  };
  assert.match((await wait(() => true)).status, /^(starting|processing)$/);
  await assert.rejects(
    wait(() => false),
    PredictionFailedError,
  );
  const throwing = wait(() => {
    throw thrown;
  });
  await assert.rejects(throwing, (error) => error === thrown);
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
