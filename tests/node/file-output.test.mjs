// Files that models write: lazy, repeatable, freed.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { FileOutput, OutputExpiredError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";
import { file } from "./support/face.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const folder = await mkdtemp(join(tmpdir(), "replicant-"));
after(() => rm(folder, { recursive: true }));

const [image] = await replicate.run("black-forest-labs/flux-schnell", {
  input: { prompt: "a heron", output_format: "png" },
});
const path = image.url().pathname;
const downloads = async () => (await emulator.requests(`GET ${path}`)).length;

test("nothing is requested before it is read", async () => {
  assert.ok(image instanceof FileOutput);
  assert.ok(image.url() instanceof URL);
  assert.equal(`${image}`, image.url().href);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await downloads(), 0);
});

test("printed and serialised it is its URL", () => {
  const url = String(image);
  assert.equal(JSON.stringify({ image }), JSON.stringify({ image: url }));
  assert.equal(inspect(image), `FileOutput { url: '${url}' }`);
});

test("every way of reading gives the same bytes, twice", async () => {
  const blob = await image.blob();
  assert.equal(blob.type, "image/png");
  const expected = Buffer.from(await blob.arrayBuffer());
  assert.deepEqual([...expected.subarray(1, 4)], [...Buffer.from("PNG")]);
  const same = (bytes) => assert.ok(expected.equals(Buffer.from(bytes)));
  same(await (await image.blob()).arrayBuffer());
  same(await image.arrayBuffer());
  same(await image.bytes());
  same(await new Response(image.stream()).arrayBuffer());
  same(await new Response(image.stream()).arrayBuffer());
  same(Buffer.concat(await Readable.fromWeb(image.stream()).toArray()));
  same(await new Response(image).arrayBuffer());
  same(await image.bytes());
});

test("save writes the whole file; writeFile takes the stream", async () => {
  const saved = await image.save(join(folder, "saved.png"));
  assert.equal(saved, join(folder, "saved.png"));
  const bytes = Buffer.from(await image.bytes());
  assert.ok(bytes.equals(await readFile(saved)));
  await writeFile(join(folder, "written.png"), image.stream());
  assert.ok(bytes.equals(await readFile(join(folder, "written.png"))));
});

test("the token is not sent to another host, and stays away from a redirect's", async () => {
  const run = await emulator.replay([
    {
      expect: { origin: "other", path: "/a.txt", headers: { authorization: null } },
      reply: { status: 302, headers: { location: "{{other}}/b.txt" } },
    },
    {
      expect: { origin: "other", path: "/b.txt", headers: { authorization: null } },
      reply: { text: "hello" },
    },
  ]);
  const client = emulator.client({ baseUrl: run.base_url });
  assert.equal(await file(client, `${run.other}/a.txt`).text(), "hello");
  assert.deepEqual((await run.outcome()).problems, []);
});

test("a cut is resumed", async () => {
  const bytes = Buffer.from(await image.bytes());
  await emulator.fault({ match: { path }, times: 2, action: { cut_body_at: 1000 } });
  assert.ok(bytes.equals(Buffer.from(await image.bytes())));
});

test("leaving it, or cancelling, closes the connection", async () => {
  await emulator.fault({ match: { path }, times: 2, action: { stall_body_at: 1000 } });
  const open = async () => (await emulator.state()).open_connections;
  let before;
  for await (const _ of image.stream()) {
    before = await open();
    break;
  }
  await emulator.until((state) => state.open_connections < before);

  const reader = image.stream().getReader();
  await reader.read();
  before = await open();
  await reader.cancel();
  await emulator.until((state) => state.open_connections < before);
});

test("a reader with its own buffer is served", async () => {
  const reader = image.stream().getReader({ mode: "byob" });
  const pieces = [];
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(1000));
    if (done) break;
    pieces.push(value);
  }
  assert.ok(Buffer.concat(pieces).equals(Buffer.from(await image.bytes())));
});

test("one that is gone says why", async () => {
  await fetch(`${emulator.origin}/_emulator/expire`, { method: "POST", headers: { connection: "close" } });
  for (const read of [
    () => image.blob(),
    () => image.stream().getReader().read(),
    () => image.save(join(folder, "gone")),
  ]) {
    await assert.rejects(read, (error) => {
      assert.ok(error instanceof OutputExpiredError, error);
      assert.equal(error.status, 404);
      assert.match(error.message, /hour/);
      return true;
    });
  }
  await assert.rejects(readFile(join(folder, "gone")));
});

test("data: URIs are files too", async () => {
  const file = await replicate.run("emulator/echo", { input: { value: "data:text/plain;base64,aGVsbG8=" } });
  assert.equal(await file.text(), "hello");
  assert.equal((await file.blob()).type, "text/plain");
});
