// The outputs of functions that are models: files, and values that cannot be sent.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { after, test } from "node:test";
import { Emulator } from "../../node/testing.mjs";

const emulator = new Emulator();
after(() => emulator.close());
const client = emulator.client();

/** Runs a function as a model. Returns the prediction. */
async function predict(run) {
  emulator.model("acme/x", run);
  return client.predictions.wait(await client.predictions.create({ model: "acme/x", input: {} }));
}

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const files = [
  ["a Buffer of a PNG", () => png, "output.png", "image/png"],
  ["a Uint8Array", () => new Uint8Array(png), "output.png", "image/png"],
  ["an ArrayBuffer", () => new Uint8Array(png).buffer, "output.png", "image/png"],
  ["a stream", () => new Blob([png]).stream(), "output.png", "image/png"],
  ["a stream of Node", () => createReadStream(new URL(import.meta.url)), "testing-outputs.test.mjs"],
  ["a JPEG", () => Buffer.from("ffd8ffe0", "hex"), "output.jpg", "image/jpeg"],
  ["a GIF", () => Buffer.from("GIF89a"), "output.gif", "image/gif"],
  ["a WebP", () => Buffer.from("RIFF1234WEBPVP8 "), "output.webp", "image/webp"],
  ["a WAV", () => Buffer.from("RIFF1234WAVEfmt "), "output.wav", "audio/wav"],
  ["an MP3", () => Buffer.from("ID3..."), "output.mp3", "audio/mpeg"],
  ["a PDF", () => Buffer.from("%PDF-1.7"), "output.pdf", "application/pdf"],
  ["a ZIP", () => Buffer.from("PK\x03\x04"), "output.zip", "application/zip"],
  ["other bytes", () => Buffer.from("abc"), "output.bin", "application/octet-stream"],
  ["a Blob", () => new Blob(["abc"]), "output.bin", "application/octet-stream"],
  ["a Blob of a PNG", () => new Blob([png]), "output.png", "image/png"],
  ["a Blob of SVG", () => new Blob(["<svg>"], { type: "image/svg+xml" }), "output.svg", "image/svg+xml"],
  [
    "a Blob of text",
    () => new Blob(["a"], { type: "text/plain;charset=utf-8" }),
    "output.txt",
    "text/plain;charset=utf-8",
  ],
  ["a Blob of another type", () => new Blob(["a"], { type: "image/bmp" }), "output.bmp", "image/bmp"],
  ["a File without a type", () => new File(["a"], "words.TXT"), "words.TXT", "text/plain"],
  ["a File", () => new File(["a"], "words", { type: "text/csv" }), "words", "text/csv"],
];
for (const [what, run, name, type] of files) {
  test(`${what} is a file with a name and a type`, async () => {
    const { output } = await predict(async () => ({ nested: [await run()] }));
    const [url] = output.nested;
    assert.equal(url.split("/").pop(), name);
    const response = await fetch(url);
    if (type) assert.equal(response.headers.get("content-type"), type);
    const expected = await new Response(await run()).arrayBuffer();
    assert.deepEqual(await response.arrayBuffer(), expected);
  });
}

const circular = {};
circular.itself = circular;
const refused = [
  ["a bigint", () => ({ n: [10n] }), /^`output\.n\[0\]`: a bigint cannot be sent; convert it to a number/],
  ["NaN", () => ({ n: NaN }), /^`output\.n`: NaN cannot be sent as JSON/],
  ["a function", () => () => 1, /^`output`: a function cannot be sent/],
  ["a symbol", () => [Symbol("x")], /^`output\[0\]`: a symbol cannot be sent/],
  ["a Map", () => ({ map: new Map() }), /^`output\.map`: a Map cannot be sent/],
  ["a Set", () => new Set([1]), /^`output`: a Set cannot be sent; convert it with `\[\.\.\.set\]`/],
  ["a Promise", () => [Promise.resolve(1)], /^`output\[0\]`: a Promise cannot be sent; await it first/],
  ["a circular value", () => circular, /^`output\.itself`: circular reference/],
  ["a stream that fails", () => createReadStream("/nothing/here"), /^ENOENT.*\/nothing\/here/],
  ["a file that is refused", () => new File(["x"], "n".repeat(70_000)), /the emulator refused .*414/],
];
for (const [what, run, message] of refused) {
  test(`${what} in the output fails the prediction`, async () => {
    const { status, output, error, logs } = await predict(run);
    assert.deepEqual([status, output], ["failed", null]);
    assert.match(error, message);
    assert.ok(logs.includes(error));
  });
}

test("an item that cannot be sent fails the prediction after the items before it", async () => {
  let returned = false;
  const { status, output, error } = await predict(function* () {
    try {
      yield 1;
      yield 10n;
      yield 3;
    } finally {
      returned = true;
    }
  });
  assert.deepEqual([status, output, returned], ["failed", [1], true]);
  assert.match(error, /^`output`: a bigint cannot be sent/);
});

test("items that are undefined are null", async () => {
  const { output } = await predict(function* () {
    yield undefined;
    yield 1;
  });
  assert.deepEqual(output, [null, 1]);
});

test("an output with a member `next` is no generator", async () => {
  assert.deepEqual((await predict(() => ({ next: "page 2" }))).output, { next: "page 2" });
});

test("any exception fails the prediction", async () => {
  const thrown = async (value) => {
    const { error } = await predict(() => {
      throw value;
    });
    return error;
  };
  assert.equal(await thrown(Object.create(null)), "[Object: null prototype] {}");
  assert.equal(await thrown(undefined), "undefined");
  assert.equal(await thrown(new RangeError("\ud800 bad")), "\ufffd bad");
  assert.equal(await thrown(new RangeError()), "RangeError");
});
