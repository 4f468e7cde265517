// A `fetch` of the user sends all requests; the core does the rest.
import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import Replicate from "../../node/index.mjs";
import { eventually, startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();

function counting() {
  const calls = [];
  const counted = (url, init) => {
    calls.push(`${init.method} ${new URL(url).pathname}`);
    return fetch(url, init);
  };
  return { calls, client: emulator.client({ fetch: counted }) };
}

test("`fetch` sends the requests of runs, files, uploads and streams", async () => {
  const { calls, client } = counting();
  await emulator.forgetRequests();
  const [file] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  assert.ok((await file.bytes()).length > 1000);
  const upload = await client.files.create(new Blob(["x".repeat(300_000)]));
  assert.equal(upload.size, 300_000);
  let text = "";
  for await (const event of client.stream("emulator/stream", { input: { chunks: ["a", "b"] } }))
    text += event;
  assert.equal(text, "ab");
  const seen = (await emulator.requests()).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(calls, seen);
});

test("a test double needs no server", async () => {
  const double = async (_url, init) => {
    assert.equal(init.headers.Authorization, "Bearer t");
    assert.deepEqual(JSON.parse(init.body), {
      version: "v".repeat(64),
      input: { a: 1 },
    });
    return new Response(JSON.stringify({ id: "p", status: "succeeded", output: "done", urls: {} }), {
      status: 201,
      headers: { "content-type": "application/json" },
    });
  };
  const client = new Replicate({ auth: "t", fetch: double });
  assert.equal(await client.run(`owner/name:${"v".repeat(64)}`, { input: { a: 1 } }), "done");
});

test("a `fetch` that caches does not cache polls", async () => {
  const modes = [];
  // Like the one of Next.js, which caches GETs unless the call says otherwise.
  const cache = new Map();
  const patched = async (url, init) => {
    modes.push(init.cache);
    const key = `${init.method} ${url}`;
    if (init.cache !== "no-store" && cache.has(key)) return cache.get(key).clone();
    const response = await fetch(url, init);
    cache.set(key, response.clone());
    return response;
  };
  const client = emulator.client({ fetch: patched });
  const options = { input: { value: "new", delay: 0.2 }, wait: { mode: "poll", interval: 20 } };
  assert.equal(await client.run("emulator/echo", options), "new");
  assert.ok(modes.length > 2);
  assert.deepEqual([...new Set(modes)], ["no-store"]);
});

test("globalThis.fetch is used only if it is passed", async () => {
  const before = globalThis.fetch;
  let used = 0;
  globalThis.fetch = () => {
    used++;
    throw new Error("not asked for");
  };
  try {
    assert.equal(await emulator.client().run("emulator/echo", { input: { value: 1 } }), 1);
    assert.equal(used, 0);
    await assert.rejects(
      emulator.client({ fetch: globalThis.fetch, maxRetries: 0 }).predictions.get("x"),
      /not asked for/,
    );
    assert.equal(used, 1);
  } finally {
    globalThis.fetch = before;
  }
});

test("`fetch` can be set later", async () => {
  const client = emulator.client();
  let used = 0;
  client.fetch = (url, options) => {
    used++;
    return fetch(url, { ...options, cache: "no-store" });
  };
  await client.models.get("emulator", "echo");
  assert.equal(used, 1);
});

test("the connection of a redirect's body is closed", async () => {
  let open = 0;
  const server = http.createServer((request, response) => {
    if (request.url === "/content") return response.end("content");
    open++;
    response.on("close", () => open--);
    response.writeHead(302, { location: "/content" });
    // The body does not end.
    response.write("moved");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  // Kept, because the garbage collector would close it too.
  const responses = [];
  const keeping = async (...args) => {
    responses.push(await fetch(...args));
    return responses.at(-1);
  };
  const client = new Replicate({ auth: "t", baseUrl: `${origin}/v1`, fetch: keeping });
  const output = await client.predictions.output(`${origin}/moved`);
  assert.equal(await output.text(), "content");
  await eventually(() => open === 0);
  assert.ok(responses.length > 1);
  server.close();
});

test("an abort reaches `fetch`, and leaving a stream ends its body", async () => {
  let signal;
  const controller = new AbortController();
  const hanging = (_url, init) => {
    signal = init.signal;
    setTimeout(() => controller.abort(new Error("enough")), 30);
    return new Promise((_, reject) =>
      init.signal.addEventListener("abort", () => reject(init.signal.reason)),
    );
  };
  const call = emulator.client({ fetch: hanging }).predictions.get("x", { signal: controller.signal });
  await assert.rejects(call, /enough/);
  await eventually(() => signal.aborted);

  const { client } = counting();
  for await (const _ of client.stream("emulator/stream", {
    input: { chunks: ["a"], pause: 0.01, repeat: 10000 },
  }))
    break;
  await emulator.until((state) => state.active_streams === 0);
});

test("reading what a call returned rejects with the exception of `fetch`", async () => {
  const bug = new TypeError("undefined is not a function");
  let failing = false;
  const client = emulator.client({
    maxRetries: 0,
    fetch: async (url, init) => {
      if (failing) throw bug;
      return fetch(url, init);
    },
  });
  const [file] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  const events = client.stream("emulator/stream", { input: { chunks: ["a"] } });
  failing = true;
  const thrown = (error) => error === bug;
  await assert.rejects(events.next(), thrown);
  await assert.rejects(file.getReader().read(), thrown);
  await assert.rejects(file.bytes(), thrown);
});
