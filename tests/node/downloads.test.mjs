// File outputs: downloaded when they are read, any number of times.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { FileOutput, OutputExpiredError } from "../../node/index.mjs";
import { eventually, startEmulator } from "./support/emulator.mjs";
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

test("a file output that is not read sends no request", async () => {
  assert.ok(image instanceof FileOutput);
  assert.ok(image.url() instanceof URL);
  assert.equal(`${image}`, image.url().href);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await downloads(), 0);
});

test("a file output is printed and serialized as its URL", () => {
  const url = String(image);
  assert.equal(JSON.stringify({ image }), JSON.stringify({ image: url }));
  assert.equal(inspect(image), `FileOutput { url: '${url}' }`);
});

test("bytes can be transferred to another thread", async () => {
  const bytes = await image.bytes();
  const { byteLength } = structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  assert.ok(byteLength > 1000);
  assert.equal(bytes.length, 0);
});

test("every way of reading returns the same bytes, also a second time", async () => {
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

test("save and writeFile write the whole file", async () => {
  const saved = await image.save(join(folder, "saved.png"));
  assert.equal(saved, join(folder, "saved.png"));
  const bytes = Buffer.from(await image.bytes());
  assert.ok(bytes.equals(await readFile(saved)));
  await writeFile(join(folder, "written.png"), image.stream());
  assert.ok(bytes.equals(await readFile(join(folder, "written.png"))));
});

test("a stream that has ended is downloaded again", async () => {
  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
  const bytes = Buffer.from(await image.bytes());
  const collect = async (stream) => {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const sink = () => {
    const chunks = [];
    const to = new WritableStream({ write: (chunk) => void chunks.push(chunk) });
    return { to, written: () => Buffer.concat(chunks) };
  };
  for (const read of [
    () => collect(image),
    () => collect(image.values()),
    () => collect(Readable.fromWeb(image)),
    async () => Buffer.from(await new Response(image.pipeThrough(new TransformStream())).arrayBuffer()),
    async () => {
      const { to, written } = sink();
      await image.pipeTo(to);
      return written();
    },
    async () => {
      const [one, other] = image.tee();
      const [first, second] = await Promise.all([collect(one), collect(other)]);
      assert.ok(first.equals(second));
      return first;
    },
    async () => {
      await writeFile(join(folder, "again.webp"), image);
      return readFile(join(folder, "again.webp"));
    },
  ]) {
    assert.ok(bytes.equals(await read()), `${read} once`);
    assert.ok(bytes.equals(await read()), `${read} twice`);
  }
  // Without those methods the platform rejects a stream that was read.
  assert.throws(() => new Response(image), TypeError);
  assert.ok(bytes.equals(Buffer.from(await new Response(image.stream()).arrayBuffer())));
});

test("concurrent reads return the same bytes", async () => {
  const [one, other] = await Promise.all([image.bytes(), image.blob().then((blob) => blob.arrayBuffer())]);
  assert.ok(Buffer.from(one).equals(Buffer.from(other)));
  const reader = image.stream().getReader();
  assert.ok((await image.bytes()).length > 0);
  await reader.cancel();
});

test("a stream that is being read is locked", async () => {
  const stream = image.stream();
  const reader = stream.getReader();
  assert.throws(() => stream.getReader(), TypeError);
  await reader.cancel();
});

test("after break a stream starts from its beginning", async () => {
  const stream = image.stream();
  for await (const _ of stream) break;
  assert.ok(
    Buffer.from(await new Response(stream.pipeThrough(new TransformStream())).arrayBuffer()).length > 0,
  );
});

test("save reports progress, can be aborted and accepts a file: URL", async () => {
  const seen = [];
  const target = pathToFileURL(join(folder, "watched.png"));
  await image.save(target, { onProgress: (bytes) => seen.push(bytes) });
  const { length } = await readFile(target);
  assert.deepEqual(seen.at(-1), { loaded: length, total: length });
  assert.ok(seen.every(({ loaded }, n) => n === 0 || loaded >= seen[n - 1].loaded));

  await emulator.fault({ match: { path }, times: 1, action: { stall_body_at: 1000 } });
  const before = await downloads();
  const reason = new Error("enough");
  const controller = new AbortController();
  const stopped = image.save(join(folder, "stopped.png"), { signal: controller.signal });
  const rejected = assert.rejects(stopped, (error) => error === reason);
  await eventually(async () => (await downloads()) > before);
  controller.abort(reason);
  await rejected;
  await assert.rejects(readFile(join(folder, "stopped.png")));
});

test("saveAll saves every file of an output", async () => {
  const output = await replicate.run("black-forest-labs/flux-schnell", {
    input: { prompt: "herons", num_outputs: 3 },
  });
  const seen = [];
  const dir = join(folder, "all");
  const paths = await replicate.saveAll(output, dir, { onProgress: (bytes) => seen.push(bytes) });
  assert.equal(paths.length, 3);
  assert.equal(new Set(paths).size, 3);
  let size = 0;
  for (const [n, path] of paths.entries()) {
    const saved = await readFile(path);
    assert.ok(saved.equals(Buffer.from(await output[n].bytes())));
    size += saved.length;
  }
  assert.equal(seen.at(-1).loaded, size);
});

test("known properties are printed", async () => {
  const [fresh] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
  assert.doesNotMatch(inspect(fresh), /type/);
  const { content_type, size } = await fresh.head();
  assert.equal(inspect(fresh), `FileOutput { url: '${fresh}', type: '${content_type}', size: ${size} }`);
  assert.equal((await fresh.bytes()).length, size);
});

test("a blob without a content type has that of bytes, as in 1.4.0", async () => {
  const server = createServer((_, response) => response.end("abc"));
  after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const blob = await file(replicate, `http://127.0.0.1:${server.address().port}/a`).blob();
  assert.deepEqual([await blob.text(), blob.type], ["abc", "application/octet-stream"]);
});

test("structuredClone rejects a file output and accepts its URL", async () => {
  assert.throws(() => structuredClone(image), /transfer|clone/);
  const again = await replicate.predictions.output(structuredClone(String(image)));
  assert.ok(again instanceof FileOutput);
  assert.equal(String(again), String(image));
});

test("disposing a file output closes the connection", {
  skip: Symbol.asyncDispose === undefined,
}, async () => {
  await emulator.fault({ match: { path }, times: 1, action: { stall_body_at: 1000 } });
  const stream = image.stream();
  await stream.getReader().read();
  const before = (await emulator.state()).open_connections;
  await stream[Symbol.asyncDispose]();
  await emulator.until((state) => state.open_connections < before);
  await image.stream()[Symbol.asyncDispose]();
});

test("the token is not sent to another host, also after a redirect", async () => {
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

test("a broken download is resumed", async () => {
  const bytes = Buffer.from(await image.bytes());
  await emulator.fault({ match: { path }, times: 2, action: { cut_body_at: 1000 } });
  assert.ok(bytes.equals(Buffer.from(await image.bytes())));
});

test("break and cancel close the connection", async () => {
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

test("a byte reader reads into its own buffer", async () => {
  const reader = image.stream().getReader({ mode: "byob" });
  const chunks = [];
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(1000));
    if (done) break;
    chunks.push(value);
  }
  assert.ok(Buffer.concat(chunks).equals(Buffer.from(await image.bytes())));
});

test("files in an output are FileOutputs, or URLs without useFileOutput", async () => {
  const input = { prompt: "a lighthouse", num_outputs: 2 };
  const files = await replicate.run("black-forest-labs/flux-schnell", { input });
  assert.equal(files.length, 2);
  for (const file of files) {
    assert.ok(file instanceof FileOutput);
    assert.ok(file instanceof ReadableStream);
  }
  const urls = await replicate.run("black-forest-labs/flux-schnell", { input, useFileOutput: false });
  for (const url of urls) assert.equal(typeof url, "string");
  const plain = emulator.client({ useFileOutput: false });
  assert.equal(typeof (await plain.run("black-forest-labs/flux-schnell", { input }))[0], "string");
});

test("a data: URI is a file output", async () => {
  const file = await replicate.run("emulator/echo", { input: { value: "data:text/plain;base64,aGVsbG8=" } });
  assert.equal(await file.text(), "hello");
  assert.equal((await file.blob()).type, "text/plain");
});

test("an expired file is an error that states the retention period", async () => {
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

test("a file that was read as a stream is the body of a response by its stream", async () => {
  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  let size = 0;
  for await (const chunk of image) size += chunk.length;
  assert.equal((await new Response(image.stream()).arrayBuffer()).byteLength, size);
});

test("a response of another origin, of which a browser shows few headers, is read completely", async (t) => {
  const content = Buffer.from("0123456789".repeat(5000));
  const server = createServer((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range)?.[1] ?? 0);
    if (request.url === "/compressed") {
      response.setHeader("content-encoding", "gzip").end(gzipSync(content));
    } else if (from > 0) {
      const range = `bytes ${from}-${content.length - 1}/${content.length}`;
      response.writeHead(206, { "content-range": range }).end(content.subarray(from));
    } else {
      response.writeHead(200, { "content-length": content.length });
      if (whole) response.end(content);
      else response.write(content.subarray(0, 20_000), () => response.destroy());
      whole = true;
    }
  });
  let whole = false;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const shown = new Set(["cache-control", "content-length", "content-type", "last-modified"]);
  const hiding = async (...args) => {
    const response = await fetch(...args);
    const headers = new Headers([...response.headers].filter(([name]) => shown.has(name)));
    const own = { headers, type: "cors" };
    return new Proxy(response, {
      get(target, name) {
        const value = own[name] ?? target[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const origin = `http://127.0.0.1:${server.address().port}`;
  const client = emulator.client({ fetch: hiding, baseUrl: `${origin}/v1` });
  for (const path of ["compressed", "cut"]) {
    const file = await client.predictions.output(`${origin}/${path}`);
    assert.ok(Buffer.from(await file.bytes()).equals(content), path);
  }
});
