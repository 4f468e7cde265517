// Plays tests/cases/*.json: the same calls, exchanges and results in every language.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import Replicate, { FileOutput } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";
import { method } from "./support/face.mjs";
import { play } from "./support/play.mjs";

const folder = new URL("../cases/", import.meta.url);
const emulator = await startEmulator();
const { native } = createRequire(import.meta.url)("../../node/dist/replicant.js")("native");
const contents = JSON.parse(native.contents());

const played = new Set();
const tmp = mkdtempSync(join(tmpdir(), "replicant-"));
after(() => rmSync(tmp, { recursive: true }));

async function playCase(one) {
  const run = await emulator.replay(one.exchanges);
  const names = { ...run, base: run.base_url, tmp: mkdtempSync(join(tmp, "case-")) };
  for (const [name, text] of Object.entries(one.files ?? {})) writeFileSync(join(names.tmp, name), text);
  await play(one, { Replicate, File, drain: () => native.drain() }, names);
  const outcome = await run.outcome();
  assert.deepEqual(outcome.problems, []);
  assert.equal(outcome.remaining, 0);
}

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()) {
  for (const one of JSON.parse(readFileSync(new URL(file, folder), "utf8"))) {
    played.add(one.call.operation);
    test(`${file}: ${one.name}`, () => playCase(one));
  }
}

test("every operation has a method and a case", () => {
  const replicate = new Replicate();
  const all = [...contents.operations, ...contents.streams];
  assert.deepEqual(
    all.filter((name) => method(replicate, name) === undefined),
    [],
    "without a method",
  );
  assert.deepEqual(
    all.filter((name) => !played.has(name)),
    [],
    "without a case",
  );
});

test("every method is an operation", () => {
  const replicate = new Replicate();
  const known = new Set([
    ...contents.operations,
    ...contents.streams,
    "accounts.current",
    "predictions.outputIterator",
  ]);
  const walk = (holder, path) =>
    Object.entries(holder).flatMap(([name, member]) =>
      typeof member === "function" ? [[...path, name].join(".")] : walk(member, [...path, name]),
    );
  const methods = walk(replicate, []);
  assert.ok(methods.length > 20);
  assert.deepEqual(
    methods.filter((name) => !known.has(name)),
    [],
  );
  assert.ok(FileOutput.prototype.save);
});
