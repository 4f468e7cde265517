// The server of the soak runs: answers like the API, and fails on a schedule. Prints its URL as JSON, and stops when its
// standard input is closed.
import { createServer } from "node:http";

const FILE = Buffer.alloc(256 * 1024, "file");
const EVENTS = 40;
const counts = { requests: 0, faults: 0 };
const seen = {};

/** Returns true for every `period`-th request of a kind. */
function every(period, kind) {
  seen[kind] = (seen[kind] ?? 0) + 1;
  if (seen[kind] % period !== 0) return false;
  counts.faults += 1;
  return true;
}

function prediction(origin, id, status) {
  const urls = { get: `${origin}/v1/predictions/${id}`, stream: `${origin}/v1/stream/${id}` };
  const output = status === "succeeded" ? [`${origin}/v1/files/${id}`, "x".repeat(600)] : null;
  return { id, status, input: { prompt: "a heron at dawn" }, output, logs: "50%|###   | 1/2", urls };
}

function json(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

function stream(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const first = Number(request.headers["last-event-id"] ?? 0) + 1;
  const last = every(7, "stream") ? first + 10 : EVENTS;
  for (let id = first; id <= Math.min(last, EVENTS); id += 1) {
    response.write(`event: output\nid: ${id}\ndata: word ${id}\n\n`);
  }
  if (last < EVENTS) setImmediate(() => request.socket.resetAndDestroy());
  else response.end("event: done\nid: done\ndata: {}\n\n");
}

function file(request, response) {
  const [, from] = /bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [null, "0"];
  const part = FILE.subarray(Number(from));
  const range = { "content-range": `bytes ${from}-${FILE.length - 1}/${FILE.length}` };
  const headers = { "content-length": part.length, etag: '"one"', ...(request.headers.range ? range : {}) };
  response.writeHead(request.headers.range ? 206 : 200, headers);
  if (!every(20, "file")) return response.end(part);
  response.write(part.subarray(0, part.length / 2), () => request.socket.destroy());
}

const server = createServer((request, response) => {
  counts.requests += 1;
  const origin = `http://${request.headers.host}`;
  const path = request.url.replace("/v1/", "").split("?")[0];
  request.resume();
  request.on("end", () => {
    if (path === "/counts") return json(response, 200, counts);
    if (path.endsWith("/cancel")) return json(response, 200, prediction(origin, "p1", "canceled"));
    if (path.startsWith("stream/")) return stream(request, response);
    if (path.startsWith("files/")) return file(request, response);
    if (path === "files") return json(response, 201, { id: "f1", urls: { get: `${origin}/v1/files/f1` } });
    if (path.endsWith("predictions")) {
      const streams = path.includes("acme/text");
      return json(response, 201, prediction(origin, "p1", streams ? "processing" : "succeeded"));
    }
    if (path.endsWith("/missing"))
      return json(response, 404, { title: "Not found", detail: "no such thing" });
    if (path.endsWith("/slow")) {
      setTimeout(() => json(response, 200, prediction(origin, "slow", "succeeded")), 300);
      return undefined;
    }
    if (every(50, "503")) return response.writeHead(503, { "retry-after": "0", "content-length": 0 }).end();
    if (every(97, "reset")) return request.socket.resetAndDestroy();
    if (every(301, "cut")) {
      response.writeHead(200, { "content-length": 5000 });
      response.write('{"id": "p1"', () => request.socket.destroy());
      return undefined;
    }
    return json(response, 200, prediction(origin, "p1", "succeeded"));
  });
});

// Longer than clients keep idle connections: one that is closed while a create is sent has an unknown outcome.
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ origin: `http://127.0.0.1:${server.address().port}` }));
});
process.stdin.resume().on("end", () => process.exit());
