// Memory stays flat, whatever the size of a transfer.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { eventually, startEmulator } from "./support/emulator.mjs";
import { file } from "./support/face.mjs";

const emulator = await startEmulator();
// Node 18 has no `openAsBlob`.
const { openAsBlob } = fs;
const MIB = 1024 * 1024;
const SIZE = 256 * MIB;

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

async function growth(work) {
  gc();
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

test("the receivers of what calls report are forgotten with the calls", async () => {
  const call = async () => {
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const client = emulator.client({ logger, onRequest: () => {} });
    await client.models.get("emulator", "echo");
    for await (const _ of client.stream("emulator/stream", { input: { chunks: ["a"] } }));
    return new WeakRef(logger);
  };
  const logger = await call();
  await eventually(() => {
    gc();
    return logger.deref() === undefined;
  });
});

test("a large file is read in chunks", async () => {
  const { output } = await large();
  let size = 0;
  const grown = await growth(async () => {
    for await (const chunk of output.stream()) size += chunk.length;
  });
  assert.equal(size, SIZE);
  assert.ok(grown < 96, `grew by ${grown} MiB`);
});

test("little is read ahead of a slow reader", async () => {
  const { output } = await large();
  const reader = output.stream().getReader();
  const grown = await growth(async () => {
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
  assert.ok(grown < 16, `grew by ${grown} MiB`);
  await reader.cancel();
});

test("files that are read by half and abandoned need little memory", { timeout: 120_000 }, async () => {
  const { run } = await large();
  const client = emulator.client({ baseUrl: run.base_url });
  const readHalf = async () => {
    const reader = file(client, `${run.origin}/half.bin`).stream().getReader();
    let size = 0;
    while (size < MIB / 2) size += (await reader.read()).value.length;
  };
  const batch = async (count) => {
    for (let n = 0; n < count; n += 20) await Promise.all(Array.from({ length: 20 }, readHalf));
  };
  await batch(40);
  const grown = await growth(() => batch(300));
  assert.ok(grown < 50, `grew by ${grown} MiB`);
});

test("a long stream of text does not grow the memory", async () => {
  const input = { chunks: Array.from({ length: 100 }, () => "x".repeat(1024)), repeat: 500 };
  const texts = emulator.client().stream("emulator/stream", { input }).text();
  // The heap grows to its working size first.
  for (let n = 0; n < 10_000; n++) await texts.next();
  let size = 0;
  const grown = await growth(async () => {
    for await (const text of texts) size += text.length;
  });
  assert.equal(size, 40 * 1000 * 1024);
  assert.ok(grown < 32, `grew by ${grown} MiB`);
});

test("a file on disk is uploaded in chunks", { skip: openAsBlob === undefined }, async () => {
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
    // Includes chunks that V8 has not collected yet.
    assert.ok(grown < 64, `grew by ${grown} MiB`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
