// Event streams and files that a server compresses although they were requested without compression.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { brotliCompressSync, constants, createBrotliCompress, createGzip } from "node:zlib";
import Replicate from "../../node/index.mjs";
import { file } from "./support/face.mjs";

const EVENTS = Array.from({ length: 6 }, (_, n) => `id: ${n}\nevent: output\ndata: word ${n} \n\n`);
const FILE = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * 7919) % 251));
const FLUSHES = { br: constants.BROTLI_OPERATION_FLUSH, gzip: constants.Z_SYNC_FLUSH };

/** Compresses parts, each of which can be decoded when its last byte has arrived. Returns the chunks of each. */
async function compressed(coding, parts) {
  const encoder = coding === "br" ? createBrotliCompress() : createGzip();
  const chunks = [];
  encoder.on("data", (chunk) => chunks.push(chunk));
  const results = [];
  for (const part of parts) {
    encoder.write(part);
    await new Promise((resolve) => encoder.flush(FLUSHES[coding], resolve));
    results.push(Buffer.concat(chunks.splice(0)));
  }
  encoder.end();
  await new Promise((resolve) => encoder.on("end", resolve));
  return [...results, Buffer.concat(chunks)];
}

/** Starts a server whose stream and file break once in their middle. */
async function start(coding) {
  const seen = [];
  const send = (response, headers, length, body) => {
    response.writeHead(200, { "content-length": length, ...headers });
    response.write(body, () => {
      if (body.length < length) response.socket.destroy();
      else response.end();
    });
  };
  const server = createServer(async (request, response) => {
    const origin = `http://${request.headers.host}`;
    if (request.method === "POST") {
      const urls = { stream: `${origin}/stream` };
      const body = JSON.stringify({ id: "p1", status: "processing", urls });
      return send(response, { "content-type": "application/json" }, Buffer.byteLength(body), body);
    }
    assert.equal(request.headers["accept-encoding"], "identity");
    const last = request.headers["last-event-id"];
    seen.push([request.url, last ?? request.headers.range ?? ""]);
    if (request.url === "/stream") {
      const rest = EVENTS.slice(last === undefined ? 0 : Number(last) + 1);
      const parts = await compressed(coding, [...rest, "event: done\ndata: {}\n\n"]);
      const whole = Buffer.concat(parts);
      const broken = Buffer.concat([...parts.slice(0, 3), parts[3]?.subarray(0, 4) ?? ""]);
      const headers = { "content-type": "text/event-stream", "content-encoding": coding };
      return send(response, headers, whole.length, last === undefined ? broken : whole);
    }
    const whole =
      coding === "br" ? brotliCompressSync(FILE) : Buffer.concat(await compressed(coding, [FILE]));
    const body = seen.length === 1 ? whole.subarray(0, whole.length / 2) : whole;
    return send(response, { "content-encoding": coding, etag: '"1"' }, whole.length, body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, seen, client: new Replicate({ auth: "x", baseUrl: `${origin}/v1`, clockRate: 50 }) };
}

for (const coding of ["br", "gzip"]) {
  test(`a stream compressed with ${coding} is resumed where it broke`, async () => {
    const { seen, client } = await start(coding);
    let text = "";
    for await (const event of client.stream("acme/text", { input: {} })) text += `${event}`;
    assert.equal(text, "word 0 word 1 word 2 word 3 word 4 word 5 ");
    assert.deepEqual(seen, [
      ["/stream", ""],
      ["/stream", "2"],
    ]);
  });

  test(`a file compressed with ${coding} is downloaded again from its start`, async () => {
    const { origin, seen, client } = await start(coding);
    const bytes = await file(client, `${origin}/f.bin`).bytes();
    assert.ok(FILE.equals(Buffer.from(bytes)));
    // A range would be one of the compressed bytes.
    assert.deepEqual(seen, [
      ["/f.bin", ""],
      ["/f.bin", ""],
    ]);
  });
}
