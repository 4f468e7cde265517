// Faults of real connections, with the WebAssembly build in Node.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { after } from "node:test";
import { within } from "../node/support/emulator.mjs";
import { loadBuild, skip, test } from "./support/build.mjs";

const { Replicate } = skip ? {} : await loadBuild();
const done = { id: "p1", status: "succeeded", output: "ok", urls: {}, input: {} };

/** Starts a server. `open` is the number of its connections whose responses have not ended. */
async function serve(respond) {
  const state = { open: 0, requests: [] };
  const server = createServer((request, response) => {
    state.requests.push(`${request.method} ${request.url}`);
    state.open++;
    response.on("close", () => state.open--);
    request.resume();
    respond(request, response, state.requests.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const client = (options) => new Replicate({ auth: "r8_test", baseUrl: `${origin}/v1`, ...options });
  return Object.assign(state, { origin, client });
}

function json(response, value, status = 200, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

/** Waits until `condition` holds. */
async function until(condition, what) {
  for (let waited = 0; waited < 5000; waited += 10) {
    if (condition()) return;
    await sleep(10);
  }
  assert.fail(what);
}

test("a reset connection and a rate limit are retried", async () => {
  const server = await serve((request, response, n) => {
    if (n === 1) request.socket.resetAndDestroy();
    else if (n === 2) json(response, { detail: "slow down" }, 429, { "retry-after": "0" });
    else json(response, done);
  });
  assert.equal((await server.client().predictions.get("p1")).output, "ok");
  assert.equal(server.requests.length, 3);
});

test("a create whose response is lost is not sent again", async () => {
  const server = await serve((request) => request.socket.resetAndDestroy());
  const create = server.client().predictions.create({ model: "acme/painter", input: {} });
  await assert.rejects(create, { code: "outcome_unknown" });
  assert.equal(server.requests.length, 1);
});

/** Sends the head of a response and the beginning of its body, which is small. */
function begin(response, status) {
  response.writeHead(status, { "content-type": "application/json", "content-length": 100 });
  response.write('{"id":');
}

test("a create whose small body breaks is not sent again", async () => {
  const server = await serve((request, response) => {
    begin(response, 201);
    setTimeout(() => request.socket.resetAndDestroy(), 50);
  });
  const create = server.client().predictions.create({ model: "acme/painter", input: {} });
  await assert.rejects(create, { code: "outcome_unknown" });
  assert.equal(server.requests.length, 1);
});

test("a small body that breaks or stalls is requested again", async () => {
  const server = await serve((request, response, n) => {
    if (n > 2) return json(response, done);
    begin(response, 200);
    if (n === 1) setTimeout(() => request.socket.resetAndDestroy(), 50);
  });
  // The clock is fast, so that the time limit of the request passes.
  const client = server.client({ clockRate: 20 });
  assert.equal((await client.predictions.get("p1")).output, "ok");
  assert.equal(server.requests.length, 3);
});

test("an abort while a small body arrives closes its connection", async () => {
  const server = await serve((_, response) => begin(response, 200));
  const controller = new AbortController();
  const call = server.client().predictions.get("p1", { signal: controller.signal });
  await until(() => server.open === 1, "no request");
  await sleep(50);
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  await until(() => server.open === 0, "the connection is open");
});

test("a small body beyond the limit is an error", async () => {
  const server = await serve((_, response) => json(response, done));
  const call = server.client({ maxResponseSize: 10 }).predictions.get("p1");
  await assert.rejects(call, { code: "invalid_response" });
});

test("a download whose connection breaks is resumed", async () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251));
  const server = await serve((request, response, n) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` };
    response.writeHead(start ? 206 : 200, {
      etag: '"a"',
      "accept-ranges": "bytes",
      "content-length": content.length - start,
      ...(start ? range : {}),
    });
    if (n > 2) return response.end(content.subarray(start));
    response.write(content.subarray(start, start + 100_000), () => setTimeout(() => response.destroy(), 50));
  });
  const file = await server.client().predictions.output(`${server.origin}/file`);
  assert.deepEqual(Buffer.from(await file.arrayBuffer()), content);
  assert.equal(server.requests.length, 3);
});

/** What a server does when a request is aborted, and the method of a client that sends it. */
const PHASES = {
  "before the headers of the response": () => {},
  "in the middle of the response": (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
    response.write('{"id": "');
  },
  "in the middle of a response without a length": (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"id": "');
  },
  "before a retry": (_, response) => json(response, {}, 503, { "retry-after": "60" }),
};

for (const [phase, respond] of Object.entries(PHASES)) {
  test(`an abort ${phase} rejects with its reason and ends the request`, async () => {
    await within(1000, async () => {
      const server = await serve(respond);
      const controller = new AbortController();
      const call = server.client().predictions.get("p1", { signal: controller.signal });
      await until(() => server.requests.length === 1, "no request");
      await sleep(50);
      const reason = new Error("enough");
      controller.abort(reason);
      const start = performance.now();
      await assert.rejects(call, reason);
      const took = performance.now() - start;
      await until(() => server.open === 0, "the request is still open");
      assert.equal(server.requests.length, 1);
      return took;
    });
  });
}

/** Sources of an endless upload. Each counts its chunks and says when it was ended. */
const UPLOADS = {
  stream: (state) =>
    new ReadableStream({
      async pull(controller) {
        state.pulls++;
        await sleep(5);
        controller.enqueue(new Uint8Array(1000));
      },
      cancel() {
        state.ended = true;
      },
    }),
  async *generator(state) {
    try {
      for (;;) {
        state.pulls++;
        await sleep(5);
        yield new Uint8Array(1000);
      }
    } finally {
      state.ended = true;
    }
  },
};

/** Ways in which an upload ends early, and the code or the name of the error. */
const ENDS = {
  "that is aborted": { respond: () => {}, fails: { name: "TimeoutError" }, ms: 300 },
  "whose connection breaks": {
    respond: (request) => request.once("data", () => request.socket.resetAndDestroy()),
    fails: { code: "connection" },
  },
  "that is refused": {
    respond: (request, response) => request.once("data", () => json(response, { detail: "no" }, 403)),
    fails: { code: "permission_denied" },
  },
};

for (const [kind, source] of Object.entries(UPLOADS)) {
  for (const [end, { respond, fails, ms = 60_000 }] of Object.entries(ENDS)) {
    test(`an upload of a ${kind} ${end} ends the ${kind}`, async () => {
      const server = await serve(respond);
      const state = { pulls: 0, ended: false };
      const signal = AbortSignal.timeout(ms);
      await assert.rejects(server.client().files.create(source(state), {}, { signal }), fails);
      await until(() => state.ended, `the ${kind} was not ended`);
      const { pulls } = state;
      assert.ok(pulls > 0);
      await sleep(100);
      assert.equal(state.pulls, pulls);
    });
  }
}

test("a stream that is left ends its request", async () => {
  const server = await serve((_, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    const timer = setInterval(() => response.write(Buffer.alloc(1000)), 5);
    response.on("close", () => clearInterval(timer));
  });
  const file = await server.client().predictions.output(`${server.origin}/file`);
  for await (const chunk of file) {
    assert.ok(chunk.length > 0);
    break;
  }
  await until(() => server.open === 0, "the request is still open");
});

test("a reader that is slow slows down the sender", async () => {
  let sent = 0;
  const server = await serve((_, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    const more = () => {
      while (!response.destroyed && sent < 100e6) {
        sent += 100_000;
        if (!response.write(Buffer.alloc(100_000))) return response.once("drain", more);
      }
    };
    more();
  });
  const file = await server.client().predictions.output(`${server.origin}/file`);
  const reader = file.getReader();
  await reader.read();
  await sleep(300);
  assert.ok(sent < 30e6, `${sent} bytes were sent although nobody reads them`);
  await reader.cancel();
  await until(() => server.open === 0, "the request is still open");
});

test("two hundred concurrent calls each get their own result", async () => {
  const server = await serve((request, response) => {
    const id = request.url.split("/").pop();
    setTimeout(() => json(response, { ...done, id }), Math.random() * 20);
  });
  const replicate = server.client();
  const ids = Array.from({ length: 200 }, (_, n) => `p${n}`);
  const found = await Promise.all(ids.map((id) => replicate.predictions.get(id)));
  assert.deepEqual(
    found.map(({ id }) => id),
    ids,
  );
});

test("the memory of the module does not grow with the number of streams", async () => {
  const events = Array.from({ length: 5000 }, (_, n) => `event: output\nid: ${n}\ndata: ${"x".repeat(20)}\n\n`);
  const text = `${events.join("")}event: done\ndata: {}\n\n`;
  const server = await serve((request, response) => {
    if (request.url.startsWith("/stream")) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      return response.end(text);
    }
    json(response, { ...done, status: "processing", urls: { stream: `${server.origin}/stream` } });
  });
  const replicate = server.client();
  const read = async () => {
    let count = 0;
    for await (const event of replicate.stream("acme/painter", { input: {} })) count += event.event === "output";
    assert.equal(count, 5000);
  };
  const { connect } = await import("../../node/dist/web/core.mjs");
  const { memory } = connect()("glue").initSync();
  for (let n = 0; n < 10; n++) await read();
  const before = memory.buffer.byteLength;
  for (let n = 0; n < 40; n++) await read();
  const grown = memory.buffer.byteLength - before;
  assert.ok(grown < 1 << 20, `grew by ${grown} bytes`);
});
