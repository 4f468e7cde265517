// `map` with files: the checkpoint of a batch that was interrupted, and the files of its outputs.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { eventually, startEmulator, within } from "./support/emulator.mjs";
import { Program, prelude } from "./support/program.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const folder = mkdtempSync(join(tmpdir(), "replicant-"));
after(() => rmSync(folder, { recursive: true }));
const ECHO = "emulator/echo";

const numbers = (count) => Array.from({ length: count }, (_, value) => ({ value, id: `k${value}` }));
const input = ({ value }) => ({ value });

/** Runs a batch to its end. Returns its items by key, and the progress. */
async function finish(rows, options) {
  const results = replicate.map(ECHO, rows, { input, key: "id", ...options });
  const items = new Map();
  for await (const item of results) {
    assert.ok(!items.has(item.key), `${item.key} twice`);
    items.set(item.key, item);
  }
  return { items, stats: results.stats };
}

/** The time that a model works in batches that are interrupted, in seconds. */
const LONG = 600;

/** Runs a batch of such predictions to its end, and advances the clock when `count` of them run. */
async function finishLong(count, rows, options) {
  const running = ({ input, status }) => input.delay === LONG && /^(starting|processing)$/.test(status);
  const advanced = eventually(
    async () => (await emulator.predictions()).filter(running).length === count,
  ).then(() => emulator.advance(LONG));
  const [finished] = await Promise.all([finish(rows, { ...options, concurrency: count }), advanced]);
  return finished;
}

/** Returns the values that predictions were created with. */
async function created() {
  return (await emulator.predictions()).map((prediction) => prediction.input.value);
}

test("a second batch with the checkpoint returns what the first has, and runs the rest", async () => {
  const checkpoint = join(folder, "two.jsonl");
  const first = await finish(numbers(30), { checkpoint });
  assert.deepEqual([first.items.size, first.stats.resumed, first.stats.predictions], [30, 0, 30]);
  const second = await finish(numbers(50), { checkpoint });
  assert.deepEqual([second.items.size, second.stats.resumed, second.stats.predictions], [50, 30, 20]);
  for (const [key, { index, output, resumed }] of second.items) {
    assert.deepEqual([key, output, resumed], [`k${index}`, index, index < 30]);
  }
  await assert.rejects(replicate.map("emulator/fails", numbers(1), { checkpoint }).next(), {
    code: "invalid_argument",
    argument: "checkpoint",
  });
  await assert.rejects(replicate.map(ECHO, [{}], { checkpoint: join(folder, "no", "such") }).next(), {
    code: "file_not_written",
  });
});

test("paths may be file URLs", async () => {
  const checkpoint = pathToFileURL(join(folder, "a name.jsonl"));
  const saveTo = pathToFileURL(join(folder, "saved to"));
  const options = { input: (row) => ({ ...row }), checkpoint, saveTo };
  const items = [];
  const rows = [{ prompt: "a heron" }];
  for await (const item of replicate.map("black-forest-labs/flux-schnell", rows, options)) items.push(item);
  const [{ output }] = items;
  assert.ok(output[0].startsWith(join(folder, "saved to")), output[0]);
  assert.ok(existsSync(output[0]));
  assert.ok(existsSync(join(folder, "a name.jsonl")));
  const elsewhere = new URL("https://example.com/a.jsonl");
  await assert.rejects(replicate.map(ECHO, [{}], { checkpoint: elsewhere }).next(), {
    code: "ERR_INVALID_URL_SCHEME",
  });
});

test("a batch that was left can be continued at once", async () => {
  const checkpoint = join(folder, "left.jsonl");
  const rows = numbers(12).map((row) => ({ ...row, delay: row.value === 0 ? 0 : LONG }));
  const options = { input: ({ value, delay }) => ({ value, delay }), checkpoint };
  for await (const _ of replicate.map(ECHO, rows, { ...options, key: "id", concurrency: 4 })) break;
  // The canceled rows are run again.
  const { items, stats } = await finishLong(11, rows, options);
  assert.deepEqual([items.size, stats.resumed, stats.failed], [12, 1, 0]);
});

test("with drain, what ran when the loop was left is in the checkpoint", async () => {
  const checkpoint = join(folder, "drain.jsonl");
  const rows = numbers(40).map((row) => ({ ...row, delay: row.value === 0 ? 0 : 0.5 }));
  const options = { input: ({ value, delay }) => ({ value, delay }), key: "id", concurrency: 6, checkpoint };
  const results = replicate.map(ECHO, rows, { ...options, drain: true });
  for await (const _ of results) break;
  assert.ok(results.stats.succeeded >= 2, JSON.stringify(results.stats));
  const before = (await emulator.predictions()).length;
  const again = replicate.map(ECHO, rows, options);
  let resumed = 0;
  for await (const item of again) resumed += item.resumed;
  assert.equal(resumed, results.stats.succeeded);
  assert.equal((await emulator.predictions()).length - before, 40 - resumed);
});

/** Returns a program that runs a batch of rows with the values from `first`. */
function batch(checkpoint, first, count, delay) {
  return `
    ${prelude(emulator.base_url)}
    async function* rows() {
      for (let n = 0; n < ${count}; n++) yield { id: "k" + n, value: ${first} + n };
    }
    (async () => {
      const input = ({ value }) => ({ value, delay: ${delay} });
      const options = { input, key: "id", concurrency: 8, checkpoint: ${JSON.stringify(checkpoint)} };
      for await (const { key, status, output } of replicate.map("emulator/echo", rows(), options)) {
        console.log(JSON.stringify([key, status, output]));
      }
      console.log("done");
    })();`;
}

test("a process that is killed at any moment loses no row and creates none twice", {
  timeout: 240_000,
}, async () => {
  const count = 120;
  for (let round = 0; round < 3; round++) {
    const checkpoint = join(folder, `killed-${round}.jsonl`);
    const first = 1000 * (round + 1);
    for (let kill = 0; kill < 4; kill++) {
      const program = new Program(batch(checkpoint, first, count, 0.02));
      // Not while Node starts: most moments should be within the batch.
      await eventually(() => existsSync(checkpoint) || program.child.exitCode !== null);
      await sleep(Math.random() * 400);
      program.kill("SIGKILL");
      await program.end();
    }
    const rows = Array.from({ length: count }, (_, n) => ({ id: `k${n}`, value: first + n }));
    const { items } = await finish(rows, { input: ({ value }) => ({ value, delay: 0.02 }), checkpoint });
    assert.equal(items.size, count);
    const values = (await created()).filter((value) => value >= first && value < first + count);
    assert.equal(new Set(values).size, values.length, "a row was created twice");
    for (const { row, status, output, error } of items.values()) {
      if (status === "unknown") assert.equal(error.code, "outcome_unknown");
      else assert.deepEqual([status, output], ["succeeded", row.value]);
    }
    const unknown = [...items.values()].filter(({ status }) => status === "unknown");
    assert.ok(unknown.length <= 4 * 8, `${unknown.length} unknown rows`);
    const known = new Set(values);
    for (const { row } of items.values())
      assert.ok(known.has(row.value) || unknown.some((item) => item.row === row));
  }
});

test("Ctrl-C cancels what runs, and the next batch runs those rows again", async () => {
  let [first, checkpoint] = [50_000];
  await within(2500, async () => {
    first += 100;
    checkpoint = join(folder, `interrupted-${first}.jsonl`);
    const program = new Program(batch(checkpoint, first, 20, LONG));
    const ours = async () => (await emulator.predictions()).filter(({ input }) => input.value >= first);
    await eventually(async () => (await ours()).length === 8);
    program.kill("SIGINT");
    const end = await program.end();
    assert.equal(end.signal, "SIGINT");
    await eventually(async () => (await ours()).every(({ status }) => status === "canceled"));
    return end.took;
  });
  const rows = Array.from({ length: 20 }, (_, n) => ({ id: `k${n}`, value: first + n }));
  const again = { input: ({ value }) => ({ value, delay: LONG }), checkpoint };
  const { items, stats } = await finishLong(20, rows, again);
  assert.deepEqual([items.size, stats.succeeded], [20, 20]);
});

test("the files of outputs are saved, and the items have their paths", async () => {
  const saveTo = join(folder, "pictures");
  const checkpoint = join(folder, "pictures.jsonl");
  const rows = [{ id: "heron" }, { id: "two/parts" }];
  const run = async () => {
    const items = [];
    const options = { input: ({ id }) => ({ prompt: id }), key: "id", saveTo, checkpoint, ordered: true };
    for await (const item of replicate.map("black-forest-labs/flux-schnell", rows, options)) items.push(item);
    return items;
  };
  const items = await run();
  for (const { output } of items) {
    assert.ok(output[0].startsWith(saveTo), output[0]);
    assert.ok(statSync(output[0]).size > 100);
  }
  assert.match(items[0].output[0], /heron/);
  const again = await run();
  assert.ok(again.every(({ resumed }) => resumed));
  assert.deepEqual(
    again.map(({ output }) => output),
    items.map(({ output }) => output),
  );
  assert.match(readFileSync(checkpoint, "utf8"), /heron/);
});
