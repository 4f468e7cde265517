// Measures the memory used by downloads and uploads, as memory.py does: `make memory`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  createReadStream,
  mkdtempSync,
  openAsBlob,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Replicate, { FileOutput } from "replicant";

const GIB = 2 ** 30;
const UPLOAD = 90 * 2 ** 20;
const LIMITS = { download: 16, upload: 24, abandoned: 50 };

const binary = fileURLToPath(new URL("../target/debug/replicant-emulator", import.meta.url));
const server = spawn(binary, ["--until-stdin-closes"], { stdio: ["pipe", "pipe", "ignore"] });
const [line] = await once(createInterface({ input: server.stdout }), "line");
const { replay_origin } = JSON.parse(line);
const exchanges = [
  {
    expect: { method: "GET", path: "/file" },
    reply: { repeat: { byte: 120, length: GIB } },
    times: "any",
  },
  {
    expect: { method: "POST", path: "/v1/files" },
    reply: { status: 201, json: { id: "f", urls: { get: "https://example.com/f" } } },
    times: "any",
  },
];
const posted = await fetch(`${replay_origin}/_replay`, {
  method: "POST",
  body: JSON.stringify({ exchanges }),
});
const run = await posted.json();
const replicate = new Replicate({ auth: "r8_test", baseUrl: run.base_url });
const [output] = await replicate.predictions.output([`${run.origin}/file`]);
if (!(output instanceof FileOutput)) throw new Error("the output is not a file");

let failed = false;
async function measure(name, kind, work) {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const began = performance.now();
  const size = await work(sample);
  sample();
  const grown = (peak - before) / 2 ** 20;
  const ok = grown < LIMITS[kind];
  failed ||= !ok;
  const figures = `${(size / 2 ** 20).toFixed(0).padStart(7)} MiB  grew ${grown.toFixed(1).padStart(5)} MiB`;
  const took = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${name.padEnd(34)} ${figures}  (limit ${LIMITS[kind]})  ${took.padStart(5)} s  ${ok ? "ok" : "TOO MUCH"}`,
  );
}

async function download(sample, pause, stop) {
  let size = 0;
  let number = 0;
  for await (const chunk of output.stream()) {
    size += chunk.length;
    if (number++ % 16 === 0) sample();
    if (pause) await sleep(pause);
    if (size >= stop) break;
  }
  return size;
}

/** Reads the beginning of the file, and leaves its stream to the garbage collector. */
async function read(stop) {
  const reader = output.stream().getReader();
  for (let size = 0; size < stop; ) size += (await reader.read()).value.length;
}

// The first download creates the runtime and warms the heap, which are not measured.
await download(() => {}, 0, GIB);
const folder = mkdtempSync(join(tmpdir(), "replicant-"));
const path = join(folder, "upload.bin");
writeFileSync(path, "");
truncateSync(path, UPLOAD);
await measure("download, iterated", "download", (sample) => download(sample, 0, GIB));
await measure("download, slow reader", "download", (sample) => download(sample, 5, GIB / 4));
await measure("download, saved", "download", async () => {
  await output.save(join(folder, "download.bin"));
  return statSync(join(folder, "download.bin")).size;
});
await measure("upload from a file stream", "upload", async () => {
  await replicate.files.create(createReadStream(path));
  return UPLOAD;
});
await measure("upload from a file Blob", "upload", async () => {
  await replicate.files.create(await openAsBlob(path));
  return UPLOAD;
});
for (const size of [2 ** 16, 2 ** 19, 2 ** 21]) {
  const name = `2,000 files abandoned after ${size / 1024} KiB`;
  await measure(name, "abandoned", async (sample) => {
    const twenty = Array.from({ length: 20 });
    for (let n = 0; n < 100; n++) {
      await Promise.all(twenty.map(() => read(size)));
      sample();
    }
    return 2000 * size;
  });
}
rmSync(folder, { recursive: true });
server.stdin.end();
process.exitCode = failed ? 1 : 0;
