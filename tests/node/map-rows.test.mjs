// `map`: where rows come from, and where results go to.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError } from "../../node/index.mjs";
import { collect, ECHO, endless, ends, numbers, settled } from "./support/batches.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

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
    const found = await ends(emulator, () => assert.rejects(collect(results), (thrown) => thrown === error));
    assert.ok(!found.starting && !found.processing, JSON.stringify(found));
    assert.ok((found.canceled ?? 0) >= (waits ? 2 : 0), JSON.stringify(found));
  }
});

test("the error of an iterator is thrown, and the iterator is not asked to return", async () => {
  const error = new Error("no more rows");
  let returned = 0;
  const iterator = {
    next: () => Promise.reject(error),
    return: async () => {
      returned++;
      throw new Error("not running");
    },
  };
  const rows = { [Symbol.asyncIterator]: () => iterator };
  await assert.rejects(collect(replicate.map(ECHO, rows)), (thrown) => thrown === error);
  assert.equal(returned, 0);
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
  await settled(emulator);
});

test("a value that cannot be sent fails its row only", async () => {
  const cycle = [];
  cycle.push(cycle);
  for (const wrong of [Number.NaN, () => 1, new Map(), cycle]) {
    const rows = numbers(200);
    rows[150].value = wrong;
    const items = await collect(replicate.map(ECHO, rows, { key: (_, index) => `row ${index}` }));
    assert.equal(items.length, 200);
    const [failed, ...others] = items.filter(({ error }) => error);
    assert.deepEqual(others, []);
    assert.deepEqual([failed.index, failed.key, failed.status], [150, "row 150", "rejected"]);
    assert.equal(failed.row, rows[150]);
    assert.ok(failed.error instanceof InvalidArgumentError);
    assert.match(failed.error.message, /^`input\.value/);
  }
});

test("input and key may name properties; one that a row lacks ends the batch", async () => {
  const rows = [{ inputs: { value: 7 }, id: "a" }];
  const [item] = await collect(replicate.map(ECHO, rows, { input: "inputs", key: "id" }));
  assert.deepEqual([item.key, item.output, item.row], ["a", 7, rows[0]]);
  for (const option of ["input", "key"]) {
    for (const [row, has] of [
      [{ value: 1, seed: 2 }, "it has value, seed"],
      [5, "it is a number"],
      [null, "it is null"],
    ]) {
      await assert.rejects(collect(replicate.map(ECHO, [row], { [option]: "other" })), {
        name: "InvalidArgumentError",
        argument: option,
        message: `\`${option}\` names the property "other", which row 0 does not have; ${has}`,
      });
    }
  }
});

test("a key that is none fails its row only", async () => {
  for (const [key, given] of [
    [undefined, /not null$/],
    [null, /not null$/],
    [10n ** 30n, /not 1000000000000000000000000000000$/],
    [1.5, /not 1\.5$/],
    [() => 1, /^`key`: a function cannot be sent; omit it$/],
  ]) {
    const rows = [{ id: "a" }, { id: key }, { id: 10n }];
    const options = { input: () => ({ value: 1 }), key: "id", ordered: true };
    const items = await collect(replicate.map(ECHO, rows, options));
    assert.deepEqual(
      items.map(({ error }) => error?.argument),
      [undefined, "key", undefined],
    );
    assert.match(items[1].error.message, given);
    assert.equal(items[2].key, 10n);
  }
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

test("the functions of the user are not called for a row that comes after the end", async () => {
  let yieldLast;
  const wanted = new Promise((resolve) => {
    yieldLast = resolve;
  });
  let ended;
  const end = new Promise((resolve) => {
    ended = resolve;
  });
  async function* rows() {
    yield { value: 0 };
    await wanted;
    try {
      yield { value: 1 };
    } finally {
      ended();
    }
  }
  const made = [];
  const input = (row) => {
    made.push(row.value);
    return row;
  };
  for await (const _ of replicate.map(ECHO, rows(), { input })) break;
  yieldLast();
  await end;
  await new Promise(setImmediate);
  assert.deepEqual(made, [0]);
});

test("rows come from streams, sets and arrays of promises", async () => {
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
  const found = await ends(emulator, async () => {
    const results = Readable.from(replicate.map(ECHO, endless(20), { concurrency: 4 }));
    await assert.rejects(pipeline(results, end), (thrown) => thrown === error);
  });
  assert.ok(found.canceled >= 1 && !found.processing, JSON.stringify(found));
});

test("a checkpoint compares blobs and buffers by their content", async () => {
  const folder = await mkdtemp(join(tmpdir(), "replicant-"));
  try {
    for (const [kind, make] of [
      ["blob", (text) => new Blob([text])],
      ["file", (text) => new File([text], "photo.txt")],
      ["buffer", (text) => Buffer.from(text)],
    ]) {
      const batch = (texts) =>
        collect(
          replicate.map(ECHO, texts, {
            input: (text) => ({ value: make(text) }),
            checkpoint: join(folder, `${kind}.jsonl`),
            ordered: true,
          }),
        );
      const first = await batch(["one", "two"]);
      const again = await batch(["one", "two"]);
      assert.deepEqual(
        again.map((item) => item.resumed),
        [true, true],
      );
      const outputs = (items) => items.map((item) => String(item.output));
      assert.deepEqual(outputs(again), outputs(first));
      await assert.rejects(batch(["two", "one"]), /had another input/);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
