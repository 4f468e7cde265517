// Memory stays flat, however large what goes through is.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startEmulator } from "./support/emulator.mjs";
import { file } from "./support/face.mjs";

const emulator = await startEmulator();
// New in Node 20.
const { openAsBlob } = fs;
const MIB = 1024 * 1024;
const SIZE = 256 * MIB;

async function growth(work) {
  global.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  await work();
  clearInterval(watch);
  return (most - before) / MIB;
}

async function large() {
  const run = await emulator.replay([
    { expect: {}, reply: { repeat: { byte: 120, length: SIZE } }, times: "any" },
  ]);
  return { run, output: file(emulator.client({ baseUrl: run.base_url }), `${run.origin}/large.bin`) };
}

test("a large file is read in pieces", async () => {
  const { output } = await large();
  let size = 0;
  const grown = await growth(async () => {
    for await (const piece of output.stream()) size += piece.length;
  });
  assert.equal(size, SIZE);
  assert.ok(grown < 96, `grew by ${grown} MiB`);
});

test("a reader that stands still is not overrun, and little is asked for ahead", async () => {
  const { output } = await large();
  const reader = output.stream().getReader();
  const grown = await growth(async () => {
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  assert.ok(grown < 16, `grew by ${grown} MiB`);
  await reader.cancel();
});

test("a long stream of text leaves nothing behind", async () => {
  const input = { chunks: Array.from({ length: 100 }, () => "x".repeat(1024)), repeat: 500 };
  const pieces = emulator.client().stream("emulator/stream", { input }).text();
  // The heap grows to its working size first.
  for (let n = 0; n < 10_000; n++) await pieces.next();
  let size = 0;
  const grown = await growth(async () => {
    for await (const piece of pieces) size += piece.length;
  });
  assert.equal(size, 40 * 1000 * 1024);
  assert.ok(grown < 32, `grew by ${grown} MiB`);
});

test("a page is fetched when it is asked for, and not before", async () => {
  const page = (n) => ({
    expect: { path: "/v1/predictions" },
    reply: { json: { next: `{{base}}/predictions?cursor=${n}`, previous: null, results: [{ id: `p${n}` }] } },
  });
  const run = await emulator.replay([page(1), page(2), page(3), page(4)]);
  const seen = [];
  for await (const { id } of emulator.client({ baseUrl: run.base_url }).predictions.list()) {
    seen.push(id);
    if (seen.length === 2) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      break;
    }
  }
  assert.deepEqual(seen, ["p1", "p2"]);
  assert.equal((await run.outcome()).remaining, 2);
});

test("a file on disk goes up in pieces", { skip: openAsBlob === undefined }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "replicant-"));
  try {
    const path = join(folder, "large.bin");
    await writeFile(path, Buffer.alloc(90 * MIB, "x"));
    const client = emulator.client();
    const blob = await openAsBlob(path);
    let size;
    const grown = await growth(async () => {
      ({ size } = await client.files.create(blob));
    });
    assert.equal(size, 90 * MIB);
    // Garbage of the pieces included, which V8 takes its time to collect.
    assert.ok(grown < 64, `grew by ${grown} MiB`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
