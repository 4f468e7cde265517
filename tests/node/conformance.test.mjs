// Plays tests/cases/*.json: the same calls, exchanges and results in every language.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import Replicate, { FileOutput } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";
import { args, method, options } from "./support/face.mjs";

const folder = new URL("../cases/", import.meta.url);
const emulator = await startEmulator();
const { native } = createRequire(import.meta.url)("../../node/dist/replicant.js")("native");
const contents = JSON.parse(native.contents());

const played = new Set();
const tmp = mkdtempSync(join(tmpdir(), "replicant-"));
after(() => rmSync(tmp, { recursive: true }));

/** Replaces `{"$bytes": "base64"}` and `{"$file": {...}}` by bytes and files. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "base64");
  if (value.$file) {
    const { text, base64, filename, content_type: type } = value.$file;
    const bytes = text === undefined ? Buffer.from(base64, "base64") : text;
    return filename === undefined ? new Blob([bytes], { type }) : new File([bytes], filename, { type });
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revive(member)]));
}

async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

const plain = (value) =>
  value instanceof Uint8Array
    ? { $bytes: Buffer.from(value).toString("base64") }
    : JSON.parse(JSON.stringify(value === undefined ? null : value));

/** Asserts that `actual` is what the case expects; `{{any}}` matches anything. */
function matches(actual, expected, place) {
  if (expected === "{{any}}") return;
  if (typeof expected !== "object" || expected === null) assert.deepEqual(actual, expected, place);
  else if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), `${place}: ${JSON.stringify(actual)}`);
    assert.equal(actual.length, expected.length, `${place}: ${JSON.stringify(actual)}`);
    for (const [n, item] of expected.entries()) matches(actual[n], item, `${place}[${n}]`);
  } else {
    assert.deepEqual(Object.keys(actual ?? {}).sort(), Object.keys(expected).sort(), place);
    for (const [key, member] of Object.entries(expected)) matches(actual[key], member, `${place}.${key}`);
  }
}

function failed(error, expected) {
  for (const [name, value] of Object.entries(expected)) {
    if (name === "message_contains") {
      for (const text of [value].flat()) {
        const found = [text, text.replaceAll("base_url", "baseUrl")].some((text) =>
          error.message.includes(text),
        );
        assert.ok(found, `${error.message}\nlacks ${text}`);
      }
    } else {
      const own = name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
      matches(plain(error[own]), value, `error.${own} of ${error.stack}`);
    }
  }
}

async function play({ client = {}, call, exchanges, ...expected }) {
  const run = await emulator.replay(exchanges);
  const names = { ...run, base: run.base_url, tmp: mkdtempSync(join(tmp, "case-")) };
  const fill = (value) =>
    JSON.parse(JSON.stringify(value).replace(/\{\{(base|origin|other|tmp)\}\}/g, (_, name) => names[name]));
  const replicate = new Replicate({ baseUrl: run.base_url, auth: "r8_test", ...options(fill(client)) });
  const given = fill(call);
  const target = method(replicate, given.operation);
  assert.ok(target, `there is no method for ${given.operation}`);
  const work = async () => {
    const result = target(...revive(given.node ?? args(given.operation, given.params ?? {})));
    return given.stream ? collect(result) : result;
  };
  if (expected.error) {
    const wanted = fill(expected.error);
    await assert.rejects(work, (error) => {
      assert.equal(error.code, wanted.code, error.stack);
      failed(error, wanted);
      return true;
    });
  } else {
    const value = await work();
    if ("content" in expected) assert.equal(Buffer.concat(value).toString("base64"), expected.content);
    if ("items" in expected) matches(plain(value), fill(expected.items), "items");
    if ("result" in expected) matches(plain(value), fill(expected.result), "result");
  }
  // Cancels are sent in the background.
  await native.drain();
  const outcome = await run.outcome();
  assert.deepEqual(outcome.problems, []);
  assert.equal(outcome.remaining, 0);
}

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()) {
  for (const one of JSON.parse(readFileSync(new URL(file, folder), "utf8"))) {
    played.add(one.call.operation);
    test(`${file}: ${one.name}`, () => play(one));
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
