// `map`: where rows come from, how a batch ends, and what a program sees of it.
import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FileOutput, InvalidArgumentError, PredictionFailedError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";
import { Program, prelude } from "./support/program.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const ECHO = "emulator/echo";

const numbers = (count) => Array.from({ length: count }, (_, value) => ({ value }));

/** A row that ends at once, followed by rows that do not. */
const endless = (count) => numbers(count).map(({ value }) => ({ value, delay: value === 0 ? 0 : 600 }));

async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Waits until nothing runs, and returns how many predictions have each status. */
async function settled() {
  const { predictions } = await emulator.until(
    ({ predictions }) => !predictions.starting && !predictions.processing,
    10_000,
  );
  return predictions;
}

/** Returns how many more predictions of each status there are after `work`. */
async function ends(work) {
  const before = (await emulator.state()).predictions;
  await work();
  const after = await settled();
  return Object.fromEntries(
    Object.entries(after)
      .map(([status, count]) => [status, count - (before[status] ?? 0)])
      .filter(([, count]) => count > 0),
  );
}

test("each row has an item with its row, key and input", async () => {
  const rows = numbers(100).map(({ value }) => ({ id: `k${value}`, value }));
  const results = replicate.map(ECHO, rows, { input: ({ value }) => ({ value: [value] }), key: "id" });
  assert.equal(results.stats.rows, 0);
  const items = await collect(results);
  assert.equal(items.length, 100);
  for (const { key, index, row, input, status, output, error, attempts, seconds, resumed } of items) {
    assert.equal(row, rows[index]);
    assert.equal(key, row.id);
    assert.deepEqual(input, { value: [row.value] });
    assert.deepEqual([status, output, error], ["succeeded", [row.value], null]);
    assert.deepEqual([attempts, resumed], [1, false]);
    assert.ok(seconds >= 0);
  }
  const { rows: read, total, succeeded, failed, running, predictions, stopped } = results.stats;
  assert.deepEqual(
    [read, total, succeeded, failed, running, predictions, stopped],
    [100, 100, 100, 0, 0, 100, null],
  );
  assert.ok(results.stats.elapsed > 1, "in milliseconds");
});

test("a failed row has the error that run would throw, and files are file outputs", async () => {
  const [failed] = await collect(replicate.map("emulator/fails", [{}]));
  assert.ok(failed.error instanceof PredictionFailedError, failed.error);
  assert.equal(failed.error.prediction.id, failed.prediction.id);
  assert.deepEqual([failed.status, failed.output], ["failed", null]);
  assert.match(failed.error.stack, /map\.test\.mjs|batch|replicant\.js/);
  const [item] = await collect(replicate.map("black-forest-labs/flux-schnell", [{ prompt: "a heron" }]));
  assert.ok(item.output[0] instanceof FileOutput);
  assert.ok((await item.output[0].bytes()).length > 100);
});

test("keys can be big integers and come from a function", async () => {
  const rows = [{ id: 9007199254740993n }, { id: 2n }];
  const input = ({ id }) => ({ value: String(id) });
  const items = await collect(replicate.map(ECHO, rows, { input, key: "id", ordered: true }));
  assert.deepEqual(
    items.map(({ key, output }) => [key, output]),
    [
      [9007199254740993n, "9007199254740993"],
      [2n, "2"],
    ],
  );
  const [item] = await collect(
    replicate.map(ECHO, rows, { input, key: (row, index) => `${index}-${row.id}` }),
  );
  assert.match(item.key, /^\d-\d+$/);
});

test("rows are read as they are needed", async () => {
  let read = 0;
  let closed = false;
  function* rows() {
    try {
      for (;;) yield { value: read++ };
    } finally {
      closed = true;
    }
  }
  const results = replicate.map(ECHO, rows(), { concurrency: 4 });
  await sleep(50);
  assert.equal(read, 0);
  let seen = 0;
  for await (const _ of results) {
    // Four run, four more may have finished, and four wait to be run.
    assert.ok(read <= seen + 4 * 4, `read ${read} rows after ${seen} results`);
    if (++seen === 20) break;
  }
  assert.ok(closed);
  const total = read;
  await sleep(50);
  assert.equal(read, total);
  assert.equal(results.stats.total, null);
});

test("a slow source does not hold back results", async () => {
  let next;
  async function* rows() {
    for (let value = 0; value < 20; value++) {
      const given = new Promise((resolve) => {
        next = resolve;
      });
      yield { value };
      // Continues when the result has arrived.
      await given;
    }
  }
  let count = 0;
  for await (const { output } of replicate.map(ECHO, rows())) {
    assert.equal(output, count++);
    next();
  }
  assert.equal(count, 20);
});

test("an error of the rows ends the batch and is thrown as it is", async () => {
  for (const waits of [false, true]) {
    const error = new Error("no more rows");
    async function* rows() {
      yield* endless(3);
      if (waits) await sleep(300);
      throw error;
    }
    const results = replicate.map(ECHO, rows());
    const found = await ends(() => assert.rejects(collect(results), (thrown) => thrown === error));
    assert.ok(!found.starting && !found.processing, JSON.stringify(found));
    assert.ok((found.canceled ?? 0) >= (waits ? 2 : 0), JSON.stringify(found));
  }
});

test("an error of input or key ends the batch and closes the rows", async () => {
  const error = new TypeError("no path");
  const fail = (row) => {
    if (row.value === 2) throw error;
    return row;
  };
  for (const options of [
    { input: fail },
    { input: async (row) => fail(row) },
    { key: (row) => fail(row).value },
  ]) {
    let closed = false;
    function* rows() {
      try {
        yield* endless(5);
      } finally {
        closed = true;
      }
    }
    await assert.rejects(collect(replicate.map(ECHO, rows(), options)), (thrown) => thrown === error);
    assert.ok(closed);
  }
  await assert.rejects(collect(replicate.map(ECHO, [{ id: 1 }, { value: 2 }], { key: "id" })), {
    argument: "key",
    message: "`key` of row 1 must be a string or an integer, not undefined",
  });
  const rows = [...numbers(150), { value: () => 1 }];
  await assert.rejects(collect(replicate.map(ECHO, rows)), {
    argument: "rows[150].input.value",
    message: "`rows[150].input.value`: a function cannot be sent",
  });
  await settled();
});

test("leaving the loop cancels what runs", async () => {
  const found = await ends(async () => {
    for await (const _ of replicate.map(ECHO, endless(1000), { concurrency: 8 })) break;
  });
  assert.equal(found.succeeded, 1);
  assert.ok(found.canceled >= 1 && found.canceled <= 16, JSON.stringify(found));
});

test("with drain, leaving the loop finishes what runs", async () => {
  const rows = numbers(1000).map(({ value }) => ({ value, delay: value === 0 ? 0 : 0.4 }));
  const results = replicate.map(ECHO, rows, { concurrency: 8, drain: true });
  const found = await ends(async () => {
    for await (const _ of results) break;
    assert.equal(results.stats.running, 0);
    assert.equal(results.stats.stopped, "requested");
  });
  assert.deepEqual(Object.keys(found), ["succeeded"]);
  assert.ok(found.succeeded <= 16, JSON.stringify(found));
  assert.equal((await results.next()).done, true);

  const error = new Error("broken");
  const seen = [];
  function* broken() {
    yield* rows.slice(0, 3);
    throw error;
  }
  const read = async () => {
    for await (const { output } of replicate.map(ECHO, broken(), { drain: true, concurrency: 2 }))
      seen.push(output);
  };
  await assert.rejects(read, (thrown) => thrown === error);
  assert.ok(!(await settled()).processing);
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
      setTimeout(() => controller.abort(reason), 200);
    }
  };
  const found = await ends(() => assert.rejects(read, (thrown) => thrown === reason));
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

test("a source that never yields does not delay the end", async () => {
  const never = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => new Promise(() => {}),
    }),
  };
  const stream = new Readable({ objectMode: true, read() {} });
  let canceled = false;
  const web = new ReadableStream({
    cancel() {
      canceled = true;
    },
  });
  for (const rows of [never, stream, web]) {
    const signal = AbortSignal.timeout(200);
    await assert.rejects(collect(replicate.map(ECHO, rows, { signal })), { name: "TimeoutError" });
  }
  assert.ok(stream.destroyed);
  assert.ok(canceled);
});

test("rows come from streams, sets, promises and other clients' lists", async () => {
  const rows = numbers(200);
  const sources = [
    Readable.from(rows),
    new ReadableStream({
      pull(controller) {
        controller.enqueue(rows[this.at ?? 0]);
        this.at = (this.at ?? 0) + 1;
        if (this.at === rows.length) controller.close();
      },
    }),
    new Set(rows),
    rows.map((row) => Promise.resolve(row)),
  ];
  for (const source of sources) {
    const items = await collect(replicate.map(ECHO, source, { ordered: true }));
    assert.deepEqual(
      items.map(({ output }) => output),
      rows.map(({ value }) => value),
    );
  }
});

test("results can be piped, and a slow end holds the rows back", async () => {
  let read = 0;
  let [written, most] = [0, 0];
  function* rows() {
    while (read < 120) yield { value: read++ };
  }
  const results = replicate.map(ECHO, Readable.from(rows(), { highWaterMark: 1 }), { concurrency: 2 });
  const end = new Writable({
    objectMode: true,
    highWaterMark: 1,
    write(_, __, done) {
      written++;
      most = Math.max(most, read - written);
      setTimeout(done, 3);
    },
  });
  await pipeline(Readable.from(results, { highWaterMark: 1 }), end);
  assert.deepEqual([read, written], [120, 120]);
  assert.ok(most <= 16, `${most} rows ahead`);
  assert.equal(results.stats.succeeded, 120);
});

test("a pipeline that fails cancels what runs", async () => {
  const error = new Error("disk full");
  const end = new Writable({ objectMode: true, write: (_, __, done) => done(error) });
  const found = await ends(async () => {
    const results = Readable.from(replicate.map(ECHO, endless(20), { concurrency: 4 }));
    await assert.rejects(pipeline(results, end), (thrown) => thrown === error);
  });
  assert.ok(found.canceled >= 1 && !found.processing, JSON.stringify(found));
});

test("progress is reported to a function, whose exception ends the batch", async () => {
  const seen = [];
  await collect(replicate.map(ECHO, numbers(50), { progress: (stats) => seen.push(stats) }));
  assert.ok(seen.length >= 2);
  const last = seen.at(-1);
  assert.deepEqual([last.rows, last.total, last.succeeded, last.remaining], [50, 50, 50, 0]);
  const error = new Error("no progress");
  const progress = () => {
    throw error;
  };
  await assert.rejects(collect(replicate.map(ECHO, endless(5), { progress })), (thrown) => thrown === error);
  await settled();
});

test("progress is a line on a terminal, and nothing elsewhere", async () => {
  const code = (isTerminal) => `
    ${prelude(emulator.base_url)}
    process.stderr.isTTY = ${isTerminal};
    (async () => {
      for await (const _ of replicate.map("emulator/echo", [{ value: 1 }, {}, "text"], { progress: true }));
    })();`;
  const [shown, hidden] = [new Program(code(true)), new Program(code(false))];
  assert.equal((await shown.end()).code, 0, shown.errors);
  const [start, last] = shown.errors.split("\r\u001b[K").slice(-2);
  assert.ok(start !== undefined);
  assert.match(last, /^3\/3 rows, 100%, 1 failed, \d+\/min, 0:00 left\n$/);
  assert.equal((await hidden.end()).code, 0);
  assert.equal(hidden.errors, "");
});

test("skipped rows are counted and left out", async () => {
  const results = replicate.map(ECHO, [{ value: 1 }, "text", { value: 2 }], {
    errors: "skip",
    ordered: true,
  });
  assert.deepEqual(
    (await collect(results)).map(({ output }) => output),
    [1, 2],
  );
  assert.deepEqual([results.stats.failed, results.stats.succeeded], [1, 2]);
});

test("an invalid option or source is an error that names it, and nothing is sent", async () => {
  await emulator.forgetRequests();
  let read = 0;
  function* rows() {
    read++;
    yield {};
  }
  for (const [given, options, argument, message] of [
    ["abc", {}, "rows", "`rows` must be an array, an iterable, an async iterable or a stream, not a string"],
    [{}, {}, "rows", /not an object$/],
    [undefined, {}, "rows", /not undefined$/],
    [rows(), { concurrency: 0 }, "concurrency", /must be 1 to 10000/],
    [rows(), { maxErrorRate: 2 }, "maxErrorRate", /`maxErrorRate` must be a share/],
    [
      rows(),
      { key: 5 },
      "key",
      "`key` must be the name of a property or a function that returns the key of a row, not a number",
    ],
    [
      rows(),
      { input: {} },
      "input",
      /^`input` must be a function that returns the input of a row, not an object$/,
    ],
    [rows(), { progress: "yes" }, "progress", /^`progress` must be true, false or a function/],
    [rows(), { drain: 1 }, "drain", /^`drain` must be true or false/],
    [rows(), { signal: 1 }, "signal", /^`signal` must be an AbortSignal/],
    [
      rows(),
      { concurency: 5 },
      "concurency",
      /^map: unknown option `concurency`; did you mean `concurrency`\?$/,
    ],
    [rows(), { keys: () => 1 }, "keys", /unknown option `keys`; did you mean `key`\?$/],
    [rows(), "fast", undefined, /^the options must be an object/],
    [rows(), null, undefined, /^the options must be an object/],
  ]) {
    const results = replicate.map(ECHO, given, options);
    await assert.rejects(results.next(), (error) => {
      assert.ok(error instanceof InvalidArgumentError, error.stack);
      assert.equal(error.argument, argument, error.message);
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    });
    assert.equal((await results.next()).done, true);
  }
  assert.deepEqual([read, await emulator.requests()], [0, []]);
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

test("concurrent requests for results each get one", async () => {
  const results = replicate.map(ECHO, numbers(10));
  const all = await Promise.all(Array.from({ length: 12 }, () => results.next()));
  const outputs = all.filter(({ done }) => !done).map(({ value }) => value.output);
  assert.deepEqual(
    outputs.sort((a, b) => a - b),
    numbers(10).map(({ value }) => value),
  );
});

test("the heap stays flat over many rows", { timeout: 240_000 }, async () => {
  const reply = { status: 201, json: { id: "p1", status: "succeeded", output: "x".repeat(200) } };
  const run = await emulator.replay([{ expect: {}, reply, times: "any" }]);
  const program = new Program(
    `${prelude(run.base_url)}
    async function* rows() {
      for (let n = 0; n < 20_000; n++) yield { id: n, prompt: "x".repeat(2000) + n };
    }
    const used = () => {
      for (let n = 0; n < 3; n++) gc();
      return process.memoryUsage().heapUsed;
    };
    (async () => {
      let [count, before] = [0];
      const options = { key: "id", input: ({ prompt }) => ({ prompt }), errors: "skip" };
      for await (const item of replicate.map("acme/text", rows(), options)) {
        if (++count === 2000) before = used();
        if (count === 20_000) console.log((used() - before) / 2 ** 20);
      }
    })();`,
    ["--expose-gc"],
  );
  assert.equal((await program.end()).code, 0, program.errors);
  const grown = Number(program.output);
  // The inputs of all rows are 36 MiB.
  assert.ok(program.output !== "" && grown < 8, `grew by ${program.output} MiB`);
});
