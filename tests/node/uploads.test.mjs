// Files in inputs and uploads.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { FileNotFoundError, InvalidArgumentError } from "../../node/index.mjs";
import { eventually, startEmulator } from "./support/emulator.mjs";

// Node 18 has no `openAsBlob`.
const { createReadStream, openAsBlob } = fs;

const emulator = await startEmulator();
const replicate = emulator.client();
const inline = emulator.client({ fileEncodingStrategy: "data-uri" });
const folder = await mkdtemp(join(tmpdir(), "replicant-"));
after(() => rm(folder, { recursive: true }));

const echo = (value, client = replicate) =>
  client.run("emulator/echo", { input: { value }, useFileOutput: false });

const TEXT = "hello, \u00e9\n".repeat(1000);
const BYTES = new TextEncoder().encode(TEXT);
const around = new Uint8Array([...new Uint8Array(7), ...BYTES, 1, 2, 3]);

await writeFile(join(folder, "input.txt"), TEXT);
const files = {
  Buffer: () => Buffer.from(BYTES),
  Uint8Array: () => BYTES,
  "a view of a larger Uint8Array": () => around.subarray(7, 7 + BYTES.length),
  ArrayBuffer: () => BYTES.buffer.slice(0),
  SharedArrayBuffer: () => {
    const shared = new SharedArrayBuffer(BYTES.length);
    new Uint8Array(shared).set(BYTES);
    return shared;
  },
  DataView: () => new DataView(around.buffer, 7, BYTES.length),
  Blob: () => new Blob([BYTES], { type: "text/plain" }),
  File: () => new File([BYTES], "hello.txt", { type: "text/plain" }),
  "a web stream": () => new Blob([BYTES]).stream(),
  "a Node stream": () => Readable.from([Buffer.from(BYTES.subarray(0, 10)), Buffer.from(BYTES.subarray(10))]),
  "a file stream": () => createReadStream(join(folder, "input.txt")),
};

test("files of every kind are inlined", async () => {
  for (const [name, file] of Object.entries(files)) {
    const uri = await echo({ deep: [{ file: file() }] }, inline);
    const [head, data] = uri.deep[0].file.split(",");
    assert.match(head, /^data:.*;base64$/, name);
    assert.ok(Buffer.from(data, "base64").equals(Buffer.from(BYTES)), name);
  }
});

test("a Float32Array is sent as its bytes", async () => {
  const floats = new Float32Array([1.5, -2]);
  const uri = await echo(floats, inline);
  assert.deepEqual([...Buffer.from(uri.split(",")[1], "base64")], [...new Uint8Array(floats.buffer)]);
});

test("files of every kind are uploaded with name and type", async () => {
  const upload = emulator.client({ fileEncodingStrategy: "upload" });
  for (const [name, file] of Object.entries(files)) {
    const url = await echo(file(), upload);
    assert.match(url, /\/v1\/files\//, name);
    const uploaded = await replicate.files.get(url.split("/files/")[1]);
    assert.equal(uploaded.size, BYTES.length, name);
    if (name === "File") assert.equal(uploaded.name, "hello.txt");
    if (name === "a file stream") assert.equal(uploaded.name, "input.txt");
    if (name === "File" || name === "Blob") assert.equal(uploaded.content_type, "text/plain");
  }
});

test("files are created, returned, listed and deleted", async () => {
  const created = await replicate.files.create(new File([BYTES], "a.txt", { type: "text/plain" }), {
    purpose: "test",
  });
  assert.deepEqual(created.metadata, { purpose: "test" });
  assert.equal(created.name, "a.txt");
  assert.equal((await replicate.files.get(created.id)).id, created.id);
  assert.ok((await replicate.files.list()).results.some(({ id }) => id === created.id));
  assert.equal(await replicate.files.delete(created.id), true);
  await assert.rejects(replicate.files.get(created.id), { status: 404 });
});

test("a failed upload of a large Blob is retried from its beginning", async () => {
  const size = 20 * 1024 * 1024;
  const blob = new Blob([Buffer.alloc(size, "x")]);
  await emulator.fault({
    match: { method: "POST", path: "/v1/files" },
    action: { status: 429, json: { detail: "slow down", retry_after: 0 } },
  });
  assert.equal((await replicate.files.create(blob)).size, size);
});

test("a failed upload of a stream is not retried, and its error is that of the API", async () => {
  await emulator.forgetRequests();
  await emulator.fault({
    match: { method: "POST", path: "/v1/files" },
    action: { status: 429, json: { detail: "slow down", retry_after: 0 } },
  });
  await assert.rejects(replicate.files.create(bytesOf("abc")), { status: 429 });
  assert.equal((await emulator.requests("POST")).length, 1);
});

test("the slices of a Blob arrive in order, and a Blob can be empty", async () => {
  const bytes = Buffer.alloc(2.5 * 1024 * 1024 + 1);
  for (let at = 0; at < bytes.length; at += 1000) bytes.writeUInt32LE(at, Math.min(at, bytes.length - 4));
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.equal((await replicate.files.create(new Blob([bytes]))).checksums.sha256, digest);
  assert.equal((await replicate.files.create(new Blob([]))).size, 0);
});

test("a Blob of a file that has changed is an error", { skip: openAsBlob === undefined }, async () => {
  const path = join(folder, "changing.bin");
  await writeFile(path, Buffer.alloc(3 * 1024 * 1024));
  const blob = await openAsBlob(path);
  await writeFile(path, "short");
  await assert.rejects(replicate.files.create(blob), FileNotFoundError);
});

test("a stream that fails, or yields something other than bytes, fails the call", async () => {
  const failing = Readable.from(
    (async function* () {
      yield Buffer.from("a");
      throw new Error("disk on fire");
    })(),
  );
  await assert.rejects(replicate.files.create(failing), /disk on fire/);
  await assert.rejects(replicate.files.create(Readable.from([1, 2])), (error) => {
    assert.ok(error instanceof InvalidArgumentError, error);
    assert.match(error.message, /must yield bytes or text/);
    assert.match(error.stack, /uploads\.test/);
    return true;
  });
});

class DiskError extends Error {}

/** A stream that fails after `bytes`. */
function failing(bytes, error) {
  return Readable.from(
    (async function* () {
      for (let at = 0; at < bytes; at += 65536) yield Buffer.alloc(65536);
      throw error;
    })(),
  );
}

for (const [where, client] of [
  ["", replicate],
  [" with a `fetch`", emulator.client({ fetch: (...given) => fetch(...given) })],
]) {
  test(`the error of a stream is the cause of that of the call${where}`, async () => {
    const cause = new DiskError("no such sector");
    const hasCause = (error) => {
      assert.ok(error instanceof FileNotFoundError, error);
      assert.equal(error.cause, cause);
      assert.match(error.message, /no such sector/);
      return true;
    };
    const input = (bytes) => ({ input: { value: 1, images: [new Blob(["a"]), failing(bytes, cause)] } });
    for (const bytes of [0, 1, 3_000_000]) {
      await assert.rejects(client.run("emulator/echo", input(bytes)), hasCause);
    }
    const uri = { ...input(1), fileEncodingStrategy: "data-uri" };
    await assert.rejects(client.run("emulator/echo", uri), hasCause);
    await assert.rejects(client.files.create(failing(1, cause)), hasCause);
    await assert.rejects(client.predictions.create({ model: "emulator/echo", ...input(1) }), hasCause);
    await assert.rejects(async () => {
      for await (const _ of client.stream("emulator/stream", input(1)));
    }, hasCause);
    const reader = new ReadableStream({ pull: (controller) => controller.error(cause) });
    await assert.rejects(client.files.create(reader), hasCause);
    const rows = [{ value: 1 }, { value: failing(1, cause) }];
    const errors = [];
    const options = { errors: "return", concurrency: 1 };
    for await (const { error } of client.map("emulator/echo", rows, options)) errors.push(error);
    assert.deepEqual(errors.map(Boolean).sort(), [false, true]);
    hasCause(errors.find(Boolean));
  });
}

test("the cause of the error of several streams is that of the message", async () => {
  const images = ["sector 0", "sector 1"].map((text) => failing(1, new DiskError(text)));
  await assert.rejects(replicate.run("emulator/echo", { input: { images } }), ({ message, cause }) =>
    message.includes(cause.message),
  );
});

test("a Blob whose later slices cannot be read fails the call, not the process", async () => {
  const cause = new DiskError("no such sector");
  class Broken extends Blob {
    slice(start, end) {
      return start === 0 ? super.slice(start, end) : { arrayBuffer: () => Promise.reject(cause) };
    }
  }
  const blob = new Broken([Buffer.alloc(3_000_000)]);
  await assert.rejects(replicate.files.create(blob), (error) => error.cause === cause);
});

test("the error of a stream is the cause of that of a batch that raises it", async () => {
  const raised = async (rows, options) => {
    const items = replicate.map("emulator/echo", rows, { ...options, errors: "raise" });
    return consume(items).then(assert.fail, (error) => error);
  };
  // Both fail, so that the cause must be that of the row in the message.
  for (const options of [{}, { key: "name", input: ({ value }) => ({ value }) }]) {
    const causes = [new DiskError("sector 0"), new DiskError("sector 1")];
    const rows = causes.map((cause, index) => ({ name: `r${index}`, value: failing(1, cause) }));
    const error = await raised(rows, options);
    assert.ok(error instanceof FileNotFoundError, error);
    const [, index] = /^row r?(\d): .*sector \1/.exec(error.message);
    assert.equal(error.cause, causes[index]);
  }
  const refused = await raised([{ value: 1 }, { value: Readable.from([Buffer.from("a"), 5]) }]);
  assert.ok(refused instanceof InvalidArgumentError, refused);
  assert.match(
    refused.message,
    /^row 1: a stream that is sent as a file must yield bytes or text, not a number$/,
  );
});

const consume = async (stream) => {
  for await (const _ of stream);
  return stream;
};
const partly = async (stream) => {
  await stream[Symbol.asyncIterator]().next();
  return stream;
};
const bytesOf = async function* (...chunks) {
  for (const chunk of chunks) yield Buffer.from(chunk);
};
const text = () => new Blob(["abc"]).stream();
const read = {
  "a Node stream": () => consume(Readable.from([Buffer.from("abc")])),
  "a file stream": () => consume(createReadStream(join(folder, "input.txt"))),
  "a destroyed stream": () => Readable.from([Buffer.from("abc")]).destroy(),
  "a web stream": () => consume(text()),
  "a locked web stream": () => {
    const stream = text();
    stream.getReader();
    return stream;
  },
  "a canceled web stream": async () => {
    const stream = text();
    await stream.cancel();
    return stream;
  },
  "the body of a Response": async () => {
    const response = new Response("abc");
    await response.text();
    return response.body;
  },
  "a generator": () => consume(bytesOf("abc")),
};

for (const [kind, make] of Object.entries(read)) {
  test(`${kind} that was read before is refused, and nothing is sent`, async () => {
    await emulator.forgetRequests();
    const refused = (place) => (error) => {
      assert.ok(error instanceof InvalidArgumentError, error);
      assert.equal(error.argument, place);
      assert.ok(error.message.startsWith(`\`${place}\`: the stream `), error.message);
      assert.match(error.message, /; a stream can be sent only once, so make a new one/);
      return true;
    };
    for (const client of [replicate, inline]) {
      const input = { images: [await make()] };
      await assert.rejects(client.run("emulator/echo", { input }), refused("input.images[0]"));
    }
    await assert.rejects(replicate.files.create(await make()), refused("file"));
    const created = replicate.predictions.create({ model: "emulator/echo", input: { value: await make() } });
    await assert.rejects(created, refused("input.value"));
    const streamed = replicate.stream("emulator/stream", { input: { value: await make() } });
    await assert.rejects(streamed.next(), refused("input.value"));
    for await (const { error } of replicate.map("emulator/echo", [{ value: await make() }], {
      errors: "return",
    })) {
      assert.ok(error instanceof InvalidArgumentError, error);
    }
    assert.deepEqual(await emulator.requests("POST"), []);
  });
}

test("a stream is sent only once", async () => {
  const streams = {
    "Node stream": Readable.from([Buffer.from("abc")]),
    "web stream": text(),
    generator: bytesOf("abc"),
  };
  for (const [kind, stream] of Object.entries(streams)) {
    await echo(stream);
    await emulator.forgetRequests();
    await assert.rejects(echo(stream), InvalidArgumentError, kind);
    assert.deepEqual(await emulator.requests("POST"), [], kind);
  }
});

test("a call that is aborted destroys the stream that it waits for", async () => {
  const controller = new AbortController();
  const stream = new Readable({ read: () => controller.abort() });
  await assert.rejects(replicate.files.create(stream, {}, { signal: controller.signal }), {
    name: "AbortError",
  });
  await eventually(() => stream.destroyed);
});

test("of two calls with the same stream, one is refused", async () => {
  const content = () => [Buffer.alloc(100_000, "a"), Buffer.alloc(100_000, "b")];
  for (const stream of [bytesOf(...content()), Readable.from(content()), new Blob(content()).stream()]) {
    const calls = [replicate.files.create(stream), replicate.files.create(stream)];
    const ends = await Promise.allSettled(calls);
    const created = ends.filter(({ status }) => status === "fulfilled");
    assert.deepEqual(
      created.map(({ value }) => value.size),
      [200_000],
    );
    assert.ok(ends.some(({ reason }) => reason instanceof InvalidArgumentError));
  }
});

test("an object that occurs twice in an input is uploaded once", async () => {
  const buffer = Buffer.from("abc");
  for (const file of [
    buffer,
    new Blob([buffer]),
    new Uint8Array([1]).buffer,
    Readable.from([buffer]),
    text(),
    bytesOf("abc"),
  ]) {
    await emulator.forgetRequests();
    const [one, other] = await echo([file, file]);
    assert.equal(one, other);
    assert.equal((await emulator.requests("POST /v1/files")).length, 1);
  }
});

test("an output can be uploaded", async () => {
  const file = await replicate.predictions.output("data:text/plain,hello");
  const { content_type, size } = await replicate.files.create(file);
  assert.deepEqual({ content_type, size }, { content_type: "text/plain", size: 5 });
});

test("what is left of a stream is sent, and so is what can be iterated again", async () => {
  const size = async (file) => (await replicate.files.create(file)).size;
  const chunks = () => [Buffer.from("abc"), Buffer.from("de")];
  assert.equal(await size(await partly(Readable.from(chunks(), { objectMode: true }))), 2);
  assert.equal(await size(await partly(bytesOf("abc", "de"))), 2);
  const web = new ReadableStream({
    start(controller) {
      for (const chunk of chunks()) controller.enqueue(chunk);
      controller.close();
    },
  });
  const reader = web.getReader();
  await reader.read();
  reader.releaseLock();
  assert.equal(await size(web), 2);
  const repeatable = { [Symbol.asyncIterator]: () => bytesOf("abc") };
  assert.deepEqual([await size(repeatable), await size(repeatable)], [3, 3]);
  const empty = { [Symbol.asyncIterator]: () => bytesOf() };
  assert.deepEqual(
    [await size(Readable.from([])), await size(new Blob([]).stream()), await size(empty)],
    [0, 0, 0],
  );
});

test("a file stream that fails before it is read fails the call, not the process", async () => {
  await emulator.forgetRequests();
  for (const call of [
    () => replicate.run("emulator/echo", { input: { image: createReadStream("/no/such/file") } }),
    () => replicate.files.create(createReadStream("/no/such/file")),
  ]) {
    await assert.rejects(call, (error) => {
      assert.equal(error.code, "file_not_found");
      assert.match(error.message, /\/no\/such\/file/);
      return true;
    });
  }
  assert.deepEqual(await emulator.requests("POST"), []);
});

test("onUpload reports the progress of run, stream and creates", async () => {
  const file = Buffer.alloc(300_000, "x");
  const observed = (options) => {
    const seen = [];
    return { seen, options: { ...options, onUpload: (upload) => seen.push(upload) } };
  };
  const check = (seen, place) => {
    const last = seen.at(-1);
    assert.deepEqual([last.place, last.loaded, last.total], [place, file.length, file.length]);
  };
  const client = emulator.client({ useFileOutput: false });
  const run = observed({ input: { value: [file] } });
  const states = [];
  await client.run("emulator/echo", run.options, (prediction) => states.push(prediction.status));
  check(run.seen, "input.value[0]");
  assert.equal(states.at(-1), "succeeded");
  assert.ok(states.every((status) => typeof status === "string"));

  const stream = observed({ input: { chunks: ["a"], file } });
  let text = "";
  for await (const chunk of client.stream("emulator/stream", stream.options).text()) text += chunk;
  assert.equal(text, "a");
  check(stream.seen, "input.file");

  const create = observed({ model: "emulator/echo", input: { value: file } });
  await client.predictions.create(create.options);
  check(create.seen, "input.value");

  const bytes = [];
  await client.files.create(file, {}, { onProgress: (progress) => bytes.push(progress) });
  assert.deepEqual(bytes.at(-1), { loaded: file.length, total: file.length });
});
