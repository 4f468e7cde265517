// Plays tests/cases/*.json with the WebAssembly build: in Node, and inside workerd.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { startEmulator } from "../node/support/emulator.mjs";
import { play } from "../node/support/play.mjs";
import { cases, loadBuild, skip, test } from "./support/build.mjs";
import { startWorker } from "./support/workerd.mjs";

const emulator = skip || (await startEmulator());
const { Replicate, native } = skip ? {} : await loadBuild();
const build = { Replicate, File, drain: () => native.drain() };
const modules = ["tests/node/support/play.mjs", "tests/node/support/face.mjs"];
const worker = skip || (await startWorker("tests/web/worker-cases.mjs", modules));

async function inWorkerd(one, _, names) {
  const response = await fetch(worker.url, { method: "POST", body: JSON.stringify({ one, names }) });
  const { failed } = await response.json();
  if (failed) throw new Error(failed);
}

/** Plays a case, some of whose members are others in these runtimes. */
async function playCase(given, runtimes, play) {
  const one = Object.assign({}, given, ...runtimes.map((name) => given[name]));
  const run = await emulator.replay(one.exchanges);
  await play(one, build, { ...run, base: run.base_url, tmp: "/no-file-system" });
  const outcome = await run.outcome();
  assert.deepEqual(outcome.problems, []);
  assert.equal(outcome.remaining, 0);
}

for (const { file, one } of cases()) {
  test(`Node: ${file}: ${one.name}`, () => playCase(one, ["web"], play));
  test(`workerd: ${file}: ${one.name}`, () => playCase(one, ["web", "workerd"], inWorkerd));
}
