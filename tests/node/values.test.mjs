// Values on their way up and down: nothing changes, and what cannot be sent is named.
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
import { startEmulator } from "./support/emulator.mjs";

const { createReadStream, openAsBlob } = fs;

const emulator = await startEmulator();
const replicate = emulator.client();
const inline = emulator.client({ fileEncodingStrategy: "data-uri" });
const folder = await mkdtemp(join(tmpdir(), "replicant-"));
after(() => rm(folder, { recursive: true }));

const echo = (value, client = replicate) =>
  client.run("emulator/echo", { input: { value }, useFileOutput: false });

test("JSON comes back as it went", async () => {
  const value = {
    z: [0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER, -0.1],
    a: { "": null, 'key with "quotes" and \u0000': true, é: "😀 \u2028 \ud83d\ude00" },
    __proto__: undefined,
    empty: [{}, [], ""],
  };
  const back = await echo(value);
  assert.deepEqual(back, JSON.parse(JSON.stringify(value)));
  assert.deepEqual(Object.keys(back), ["z", "a", "empty"], "the order of members");
});

test("a member called __proto__ is a member", async () => {
  const value = JSON.parse('{"__proto__": {"polluted": [1]}, "big": 0}');
  value.big = 1n;
  const [created] = [await replicate.predictions.create({ model: "emulator/echo", input: { value } })];
  assert.ok(Object.hasOwn(created.input.value, "__proto__"));
  assert.equal({}.polluted, undefined);
});

test("big integers go up exactly", async () => {
  await emulator.forgetRequests();
  await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 123456789012345678901234567890n, small: 5n },
  });
  const response = await fetch(`${emulator.origin}/_emulator/requests`, { headers: { connection: "close" } });
  assert.match(await response.text(), /"value":123456789012345678901234567890,"small":5/);
});

test("undefined, dates, toJSON, boxed values and class instances go as JSON.stringify has them", async () => {
  class Point {
    x = 1;
    #hidden = 2;
    sum() {
      return this.x + this.#hidden;
    }
  }
  const value = {
    date: new Date(0),
    url: new URL("https://example.com/a?b"),
    undefined: undefined,
    array: [undefined, 1],
    point: new Point(),
    boxed: [new String("s"), new Number(1)],
    custom: { toJSON: (key) => ({ key }) },
    bare: Object.assign(Object.create(null), { a: 1 }),
  };
  assert.deepEqual(await echo(value), JSON.parse(JSON.stringify(value)));
});

test("what cannot be sent is an InvalidArgumentError that names its place", async () => {
  const cycle = { a: [] };
  cycle.a.push({ b: cycle });
  const cases = [
    [{ image: [{ f: () => 1 }] }, /^`input\.image\[0\]\.f`: a function cannot be sent/],
    [{ s: Symbol("x") }, /^`input\.s`: a symbol cannot be sent/],
    [{ m: new Map() }, /^`input\.m`: a Map cannot be sent; convert it with `Object\.fromEntries/],
    [{ set: [new Set()] }, /^`input\.set\[0\]`: a Set cannot be sent/],
    [{ p: Promise.resolve(1) }, /^`input\.p`: a Promise cannot be sent; await it first/],
    [{ r: /x/ }, /^`input\.r`: a RegExp cannot be sent/],
    [{ e: new Error("x") }, /^`input\.e`: an Error cannot be sent/],
    [{ n: Number.NaN }, /^`input\.n`: NaN cannot be sent as JSON/],
    [{ i: [Number.POSITIVE_INFINITY] }, /^`input\.i\[0\]`: Infinity cannot be sent as JSON/],
    [cycle, /^`input\.a\[0\]\.b`: circular reference/],
  ];
  await emulator.forgetRequests();
  for (const [input, message] of cases) {
    await assert.rejects(replicate.run("emulator/echo", { input }), (error) => {
      assert.ok(error instanceof InvalidArgumentError && error.code === "invalid_argument", error);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(await emulator.requests(), []);
});

test("the same object twice is no cycle", async () => {
  const shared = { a: 1 };
  assert.deepEqual(await echo([shared, shared, [shared]]), [{ a: 1 }, { a: 1 }, [{ a: 1 }]]);
});

const TEXT = "hello, \u00e9\n".repeat(1000);
const BYTES = new TextEncoder().encode(TEXT);
const around = new Uint8Array([...new Uint8Array(7), ...BYTES, 1, 2, 3]);

await writeFile(join(folder, "input.txt"), TEXT);
const files = {
  Buffer: () => Buffer.from(BYTES),
  Uint8Array: () => BYTES,
  "a part of a larger Uint8Array": () => around.subarray(7, 7 + BYTES.length),
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

test("files of every kind, inlined", async () => {
  for (const [name, file] of Object.entries(files)) {
    const uri = await echo({ deep: [{ file: file() }] }, inline);
    const [head, data] = uri.deep[0].file.split(",");
    assert.match(head, /^data:.*;base64$/, name);
    assert.ok(Buffer.from(data, "base64").equals(Buffer.from(BYTES)), name);
  }
});

test("Float32Array: the bytes it is made of, not its values", async () => {
  const floats = new Float32Array([1.5, -2]);
  const uri = await echo(floats, inline);
  assert.deepEqual([...Buffer.from(uri.split(",")[1], "base64")], [...new Uint8Array(floats.buffer)]);
});

test("files of every kind, uploaded, with name and type", async () => {
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

test("files.create, get, list and delete", async () => {
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

test("a large Blob is streamed up in pieces, and an upload that fails is repeated from its beginning", async () => {
  const size = 20 * 1024 * 1024;
  const blob = new Blob([Buffer.alloc(size, "x")]);
  await emulator.fault({
    match: { method: "POST", path: "/v1/files" },
    action: { status: 429, json: { detail: "slow down", retry_after: 0 } },
  });
  assert.equal((await replicate.files.create(blob)).size, size);
});

test("the pieces of a Blob arrive in their order, and it may be empty", async () => {
  const bytes = Buffer.alloc(2.5 * 1024 * 1024 + 1);
  for (let at = 0; at < bytes.length; at += 1000) bytes.writeUInt32LE(at, Math.min(at, bytes.length - 4));
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.equal((await replicate.files.create(new Blob([bytes]))).checksums.sha256, digest);
  assert.equal((await replicate.files.create(new Blob([]))).size, 0);
});

test("a Blob of a file that was changed meanwhile", { skip: openAsBlob === undefined }, async () => {
  const path = join(folder, "changing.bin");
  await writeFile(path, Buffer.alloc(3 * 1024 * 1024));
  const blob = await openAsBlob(path);
  await writeFile(path, "short");
  await assert.rejects(replicate.files.create(blob), FileNotFoundError);
});

test("a stream that fails, or gives something else than bytes, fails the call", async () => {
  const failing = Readable.from(
    (async function* () {
      yield Buffer.from("a");
      throw new Error("disk on fire");
    })(),
  );
  await assert.rejects(replicate.files.create(failing), /disk on fire/);
  await assert.rejects(replicate.files.create(Readable.from([1, 2])), /must yield bytes or text/);
});

test("garbage never crashes", async () => {
  const garbage = [
    undefined,
    null,
    0,
    -1,
    "",
    "x",
    [],
    {},
    () => {},
    Symbol("s"),
    1n,
    Number.NaN,
    new Map(),
    "a".repeat(1e6),
    "\ud800",
  ];
  // Without retries: some of this reaches the server and times out.
  const replicate = emulator.client({ maxRetries: 0 });
  const methods = [
    (value) => replicate.run(value, value),
    (value) => replicate.run("emulator/echo", value),
    (value) => replicate.predictions.get(value),
    (value) => replicate.predictions.get("x", { timeout: value }),
    (value) => replicate.predictions.create(value),
    (value) => replicate.models.get(value, value),
    (value) => replicate.files.create(value),
    (value) => replicate.wait(value),
    (value) => replicate.stream(value, value).next(),
  ];
  for (const method of methods) {
    for (const value of garbage) {
      try {
        await method(value);
      } catch (error) {
        assert.ok(error instanceof Error, `${method} of ${String(value).slice(0, 20)}: ${error}`);
        assert.notEqual(error.code, "internal", error.stack);
      }
    }
  }
});
