// Files: inputs of every kind, progress, saving, streaming.
//
// Runs against the emulator, without a token or a network. For the real API, use `new Replicate()`.
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const replicate = emulator.client();
const folder = await mkdtemp(join(tmpdir(), "replicant-"));
const UPSCALE = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

// A file output is downloaded when it is read. `save` replaces the file only when the download is complete.
/** @typedef {import("replicant").FileOutput} FileOutput */
/** @type {[FileOutput, FileOutput, FileOutput]} */
const pictures = await replicate.run("black-forest-labs/flux-schnell", {
  input: { prompt: "a harbor at dawn", output_format: "png", num_outputs: 3 },
});
const path = join(folder, "harbor.png");
await pictures[0].save(path, {
  onProgress: ({ loaded, total }) => {
    if (loaded === total) console.log(`saved harbor.png: ${loaded} bytes`);
  },
});

// Save all files of an output, at any depth.
const saved = await replicate.saveAll(pictures, join(folder, "all"));
console.log(`saved ${saved.length} pictures`);

// Files in an input. They are uploaded first, and the input gets their URLs.
const uploaded = await replicate.files.create(readFileSync(path), { purpose: "example" });
for (const [kind, image] of Object.entries({
  Buffer: readFileSync(path),
  Blob: new Blob([readFileSync(path)], { type: "image/png" }),
  "Node stream": createReadStream(path),
  "web stream": Readable.toWeb(createReadStream(path)),
  "another model's output": pictures[0],
  "uploaded file": uploaded.urls.get,
})) {
  /** @type {FileOutput} */
  const larger = await replicate.run(UPSCALE, { input: { image, scale: 2 } });
  console.log(`${kind}: ${(await larger.head()).content_type}`);
}

// Report the progress of an upload.
await replicate.run(UPSCALE, {
  input: { image: readFileSync(path), scale: 2 },
  fileEncodingStrategy: "upload",
  onUpload: ({ place, loaded, total }) => {
    if (loaded === total) console.log(`uploaded ${place}`);
  },
});

// A FileOutput is a web stream: pipe it into a response, a bucket, another process.
await pipeline(pictures[1], createWriteStream(join(folder, "streamed.png")));
const response = new Response(pictures[2], { headers: { "content-type": "image/png" } });
console.log(`as a response: ${(await response.blob()).size} bytes`);

await rm(folder, { recursive: true });
emulator.close();
