// A batch: pictures for a table of prompts, with a checkpoint, saved files and limits.
//
// Runs against the emulator, without a token or a network, and interrupts itself once. For the real API, use `new Replicate()`.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const replicate = emulator.client();
const folder = await mkdtemp(join(tmpdir(), "replicant-batch-"));

/** Reads the table. Rows are read as they are needed, so it can be of any length. */
async function* rows() {
  yield* ["heron", "kingfisher", "avocet", "bittern", "crane", "dipper", "egret", "grebe"].map((bird) => ({
    bird,
  }));
}

function batch() {
  return replicate.map("black-forest-labs/flux-schnell", rows(), {
    input: ({ bird }) => ({ prompt: `a ${bird} at dawn` }),
    key: "bird",
    concurrency: 4,
    checkpoint: join(folder, "birds.jsonl"),
    // Files expire after an hour, so they are saved at once. Failed predictions are created again once.
    saveTo: join(folder, "birds"),
    retries: 1,
    maxPredictions: 1000,
    maxErrorRate: 0.5,
  });
}

let finished = 0;
for await (const _ of batch()) {
  // As Ctrl-C would: what runs is canceled, and its rows run again later.
  if (++finished === 3) break;
}
console.log("interrupted after 3 rows");

const results = batch();
for await (const { key, error, resumed } of results) {
  console.log(`${key}: ${error ? error.message : resumed ? "from the checkpoint" : "saved"}`);
}
const { rows: count, resumed, failed } = results.stats;
console.log(`${count} rows, ${resumed} of them from the checkpoint, ${failed} failed`);
console.log(`${(await readdir(join(folder, "birds"))).length} pictures`);

await rm(folder, { recursive: true });
emulator.close();
