// `map`: items, options and progress.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FileOutput, InvalidArgumentError, PredictionFailedError } from "../../node/index.mjs";
import { collect, ECHO, endless, numbers, settled } from "./support/batches.mjs";
import { startEmulator } from "./support/emulator.mjs";
import { Program, prelude } from "./support/program.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

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
  await settled(emulator);
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
      /^`input` must be the name of a property or a function that returns the input of a row, not an object$/,
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

test("concurrent requests for results each get one", async () => {
  const results = replicate.map(ECHO, numbers(10));
  const all = await Promise.all(Array.from({ length: 12 }, () => results.next()));
  const outputs = all.filter(({ done }) => !done).map(({ value }) => value.output);
  assert.deepEqual(
    outputs.sort((a, b) => a - b),
    numbers(10).map(({ value }) => value),
  );
});

test("the heap stays flat over many rows", { timeout: 600_000 }, async () => {
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
