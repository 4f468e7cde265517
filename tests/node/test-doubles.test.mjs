// Implementations of `fetch` and test doubles that work with the official package.
import assert from "node:assert/strict";
import http from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import crossFetch from "cross-fetch";
import nodeFetch3 from "node-fetch";
import nodeFetch2 from "node-fetch-2";
import { fetch as undiciFetch } from "undici";
import Replicate, { InvalidResponseError } from "../../node/index.mjs";
import { startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const prediction = { id: "p", status: "succeeded", output: "done" };

const doubles = {
  "json() only": { ok: true, status: 200, headers: new Headers(), json: async () => prediction },
  "text() only": {
    ok: true,
    status: 200,
    headers: new Headers(),
    text: async () => JSON.stringify(prediction),
  },
  "no status, no headers": { ok: true, json: async () => prediction },
  "headers as an object": {
    status: 200,
    headers: { "Content-Type": "application/json" },
    json: async () => prediction,
  },
  "headers that can only be looked up": {
    status: 200,
    headers: { get: () => null },
    json: async () => prediction,
  },
  "json() and an empty text()": { ok: true, json: async () => prediction, text: async () => "" },
};
for (const [name, double] of Object.entries(doubles)) {
  test(`a response with ${name} is accepted`, async () => {
    let calls = 0;
    const fetch = async () => {
      calls++;
      return double;
    };
    const replicate = new Replicate({ auth: "t", fetch });
    assert.deepEqual({ ...(await replicate.predictions.get("p")) }, prediction);
    assert.equal(calls, 1);
  });
}

test("a test double receives what the official package passes", async () => {
  const calls = [];
  const fetch = async (...call) => {
    calls.push(call);
    return Response.json(prediction, { status: 201 });
  };
  const replicate = new Replicate({ auth: "t", userAgent: "app/1", fetch });
  await replicate.predictions.create({ model: "a/b", input: { text: "é" }, wait: 5 });
  const [[url, init]] = calls;
  assert.deepEqual(url, new URL("https://api.replicate.com/v1/models/a/b/predictions"));
  assert.equal(init.method, "POST");
  assert.equal(init.body, '{"input":{"text":"é"}}');
  const { Authorization, "User-Agent": agent, "Content-Type": type, Prefer: prefer } = init.headers;
  assert.deepEqual([Authorization, agent, type, prefer], ["Bearer t", "app/1", "application/json", "wait=5"]);
});

test("a test double receives uploads as forms", async () => {
  const forms = [];
  const fetch = async (url, init) => {
    if (!String(url).endsWith("/files")) return Response.json(prediction, { status: 201 });
    forms.push([init.body, init.headers]);
    return Response.json({ id: "f", urls: { get: "https://example.com/f" } }, { status: 201 });
  };
  const replicate = new Replicate({ auth: "t", fetch });
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
  await replicate.files.create(new File([bytes], 'a "b" é.bin', { type: "image/x-test" }), { of: "é" });
  await replicate.run("a/b", { input: { file: Buffer.from("hello") } });
  assert.equal(forms.length, 2);
  for (const [form, headers] of forms) {
    assert.ok(form instanceof FormData);
    assert.equal(headers["Content-Type"], undefined, "fetch sets the boundary");
  }
  const content = forms[0][0].get("content");
  assert.deepEqual([content.name, content.type], ['a "b" é.bin', "image/x-test"]);
  assert.deepEqual(new Uint8Array(await content.arrayBuffer()), bytes);
  const metadata = forms[0][0].get("metadata");
  assert.equal(metadata.type, "application/json");
  assert.deepEqual(JSON.parse(await metadata.text()), { of: "é" });
  assert.equal(await forms[1][0].get("content").text(), "hello");
});

test("an upload is sent as bytes where `fetch` cannot read the Blobs of a form", async (t) => {
  const { received, baseUrl } = await receiver(t);
  // As under jsdom, whose Blobs lack the method.
  const { stream } = Blob.prototype;
  delete Blob.prototype.stream;
  try {
    await new Replicate({ auth: "t", baseUrl, fetch }).files.create(Buffer.from("hello"));
  } finally {
    Blob.prototype.stream = stream;
  }
  assert.match(received.pop().toString(), /form-data[\s\S]*hello/);
});

test("a function that returns nothing is an error", async () => {
  let calls = 0;
  const fetch = async () => void calls++;
  await assert.rejects(
    new Replicate({ auth: "t", fetch }).predictions.get("p"),
    /`fetch` must return a Response/,
  );
  assert.equal(calls, 1);
});

test("a response without JSON is invalid", async () => {
  const fetch = async () => ({ ok: true, status: 200, text: async () => "<html>" });
  await assert.rejects(new Replicate({ auth: "t", fetch }).predictions.get("p"), InvalidResponseError);
});

async function receiver(t) {
  const received = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      received.push(Buffer.concat(chunks));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ id: "f", urls: { get: "https://example.com/f" } }));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { received, baseUrl: `http://127.0.0.1:${server.address().port}/v1` };
}

const implementations = {
  "node-fetch 2": nodeFetch2,
  "node-fetch 3": nodeFetch3,
  "cross-fetch": crossFetch,
  undici: undiciFetch,
  "the global fetch": fetch,
  // The test environments of some frameworks use this one.
  "cross-fetch, required": createRequire(import.meta.url)("cross-fetch").fetch,
};
for (const [name, implementation] of Object.entries(implementations)) {
  test(`${name} sends complete uploads`, async (t) => {
    const { received, baseUrl } = await receiver(t);
    const replicate = new Replicate({ auth: "t", baseUrl, fetch: implementation });
    for (const size of [11, 3_000_000]) {
      const content = Buffer.alloc(size, "0123456789");
      for (const file of [content, new Blob([content]), new Blob([content]).stream()]) {
        await replicate.files.create(file);
        const body = received.pop();
        assert.ok(body.includes(content), `${size} bytes: ${body.subarray(0, 300)}`);
        assert.ok(body.includes("form-data"));
      }
    }
  });
  test(`${name} sends runs, streams and downloads`, async () => {
    const replicate = emulator.client({ fetch: implementation });
    const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
    assert.ok((await image.bytes()).length > 1000);
    let text = "";
    for await (const event of replicate.stream("emulator/stream", { input: { chunks: ["a", "b"] } }))
      text += event;
    assert.equal(text, "ab");
    await assert.rejects(replicate.predictions.get("nothing-there"), /404/);
  });
}

/** Returns the arguments of the calls of a method that is replaced by `double`. */
function replace(owner, name, double) {
  const calls = [];
  owner[name] = async (...given) => {
    calls.push(given);
    return double(...given);
  };
  return calls;
}

const flux = "black-forest-labs/flux-schnell";

test("every method sends through a `request` that is replaced", async () => {
  const replicate = emulator.client();
  await emulator.forgetRequests();
  const calls = replace(replicate, "request", async () => Response.json(prediction));
  const created = await replicate.predictions.create({ version: "v", input: { text: "é" }, wait: 5 });
  assert.equal(created.output, "done");
  assert.equal(await replicate.run("a/b", { input: {} }), "done");
  assert.equal((await replicate.submit("a/b", { input: {} })).id, "p");
  assert.equal((await replicate.wait({ id: "p", status: "starting" })).output, "done");
  const [[route, { signal: _, ...options }]] = calls;
  assert.equal(route, "/predictions");
  const data = { version: "v", input: { text: "é" } };
  assert.deepEqual(options, { method: "POST", headers: { Prefer: "wait=5" }, data });
  const routes = calls.map(([route, { method }]) => `${method} ${route}`);
  const create = "POST /models/a/b/predictions";
  assert.deepEqual(routes, ["POST /predictions", create, create, "GET /predictions/p"]);
  assert.deepEqual(await emulator.requests(), []);
});

test("a subclass changes every request in its `request`", async () => {
  class Tenant extends Replicate {
    routes = [];
    async request(route, options) {
      this.routes.push(`${options.method} ${route}`);
      return super.request(route, { ...options, headers: { ...options.headers, "X-Tenant": "t1" } });
    }
  }
  const seen = [];
  const logged = [];
  const add = (text) => void logged.push(text);
  const options = {
    onRequest: (event) => void seen.push(event.url),
    onResponse: (event) => void responses.push(event.url),
    logger: { debug: add, info: add, warn: add, error: add },
  };
  const responses = [];
  const replicate = new Tenant({ auth: "r8_t", baseUrl: emulator.base_url, ...options });
  await emulator.forgetRequests();
  const [image] = await replicate.run(flux, { input: { prompt: Buffer.from("x") } });
  assert.ok((await image.bytes()).length > 1000);
  const content = Buffer.alloc(3_000_000, "0123456789");
  const file = await replicate.files.create(content);
  assert.equal(file.size, content.length);
  let text = "";
  for await (const event of replicate.stream("emulator/stream", { input: { chunks: ["a", "b"] } }))
    text += event;
  assert.equal(text, "ab");
  await assert.rejects(replicate.predictions.get("nothing-there"), { name: "ApiError", status: 404 });
  const all = await emulator.requests();
  for (const { path, headers } of all) {
    // Files outside the files endpoint are read without the token.
    const expected = path.startsWith("/files/") ? undefined : "Bearer r8_t";
    assert.equal(headers.authorization, expected, path);
  }
  const sent = all.filter(({ headers }) => headers["x-tenant"] === "t1");
  const paths = sent.map(({ method, path }) => `${method} ${path.replace("/v1", "")}`);
  assert.deepEqual(paths, replicate.routes);
  const urls = all.map(({ path }) => new URL(path, emulator.base_url).href);
  assert.deepEqual(seen, urls, "hooks see what was sent, once, files and events too");
  assert.deepEqual(responses, urls);
  const times = (text) => logged.filter((line) => line.includes(text)).length;
  assert.equal(times("created prediction"), 2);
  assert.equal(times("downloaded file"), 1);
  assert.equal(times("request succeeded") + times("request failed"), all.length - 1, "all but the events");
  assert.equal(paths.filter((path) => /POST .*predictions/.test(path)).length, 2);
});

test("big integers in an input stay exact if methods are replaced", async (t) => {
  const { received, baseUrl } = await receiver(t);
  const input = {
    big: 12345678901234567890n,
    number: 2 ** 60,
    text: '9007199254740993 "n9007199254740993',
    texts: ["n", "n7", "nn7"],
    list: [-9007199254740993n, 1e300, 0.1, 3],
  };
  const plain = new Replicate({ auth: "t", baseUrl });
  const requested = new Replicate({ auth: "t", baseUrl });
  const { request } = requested;
  requested.request = (...given) => request.apply(requested, given);
  const created = new Replicate({ auth: "t", baseUrl });
  const { create } = created.predictions;
  const calls = replace(created.predictions, "create", create);
  for (const replicate of [plain, requested, created]) await replicate.submit("a/b", { input });
  assert.deepEqual(calls[0][0].input, input);
  assert.match(String(received[0]), /"big":12345678901234567890.*-9007199254740993,/);
  assert.equal(received.length, 3);
  for (const body of received) assert.equal(String(body), String(received[0]));
});

test("a `create` may return big integers", async () => {
  const replicate = emulator.client();
  replace(replicate.predictions, "create", (options) => ({ ...prediction, input: options.input }));
  assert.equal(await replicate.run("a/b", { input: { n: 12345678901234567890n } }), "done");
});

test("the timeout of a replaced `request` that rejects when it is aborted is a TimeoutError", async () => {
  const replicate = emulator.client({ maxRetries: 0 });
  replace(replicate, "request", (_, { signal }) => {
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await assert.rejects(replicate.models.get("a", "b", { timeout: 20 }), { code: "timeout" });
});

test("a replaced `request` gets the token of a call that has its own", async () => {
  const replicate = emulator.client();
  const { request } = replicate;
  replace(replicate, "request", (...given) => request.apply(replicate, given));
  await emulator.forgetRequests();
  for (const headers of [{}, { Authorization: "Bearer r8_of-another-account" }]) {
    await replicate.predictions.list({ headers });
  }
  const sent = (await emulator.requests()).map(({ headers }) => headers.authorization);
  assert.deepEqual(sent, [`Bearer ${TOKEN}`, "Bearer r8_of-another-account"]);
});

test("what a replaced `request` throws rejects the call unchanged, without a retry", async () => {
  const replicate = emulator.client();
  for (const error of [new Error("fetch failed"), new TypeError("no"), "text"]) {
    const calls = replace(replicate, "request", () => {
      throw error;
    });
    await assert.rejects(replicate.predictions.get("p"), (thrown) => thrown === error);
    await assert.rejects(replicate.run("a/b", { input: {} }), (thrown) => thrown === error);
    assert.equal(calls.length, 2);
  }
  const created = emulator.client();
  replace(created.predictions, "create", () => undefined);
  await assert.rejects(
    created.run("a/b", { input: {} }),
    /`predictions\.create` must return a prediction, not undefined/,
  );
  replace(replicate, "request", () => undefined);
  await assert.rejects(replicate.predictions.get("p"), /`request` must return a Response, not undefined/);
});

test("`predictions` can be removed from a client", async () => {
  const replicate = emulator.client();
  replicate.predictions = undefined;
  const [image] = await replicate.run(flux, { input: { prompt: "x" } });
  assert.ok(String(image).startsWith("http"));
});

test("aborting a call aborts its `request`", async () => {
  const replicate = emulator.client();
  const controller = new AbortController();
  const reason = new Error("enough");
  replicate.request = (_route, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      controller.abort(reason);
    });
  await assert.rejects(
    replicate.predictions.get("p", { signal: controller.signal }),
    (thrown) => thrown === reason,
  );
});

test("`request` can be replaced on the class, and put back", async (t) => {
  const { request } = Replicate.prototype;
  t.after(() => Object.assign(Replicate.prototype, { request }));
  Replicate.prototype.request = async () => Response.json(prediction);
  const replicate = emulator.client();
  assert.equal((await replicate.predictions.get("p")).output, "done");
  Replicate.prototype.request = request;
  await assert.rejects(replicate.predictions.get("p"), { status: 404 });
});

test("`run`, `stream` and `wait` call the methods of `predictions` that are replaced", async () => {
  const replicate = emulator.client();
  await emulator.forgetRequests();
  const created = replace(replicate.predictions, "create", () => ({ id: "p", status: "starting" }));
  const got = replace(replicate.predictions, "get", () => prediction);
  assert.equal(await replicate.run("a/b", { input: { n: 1 } }), "done");
  assert.equal(await replicate.run("a/b:v", { input: {}, wait: { mode: "poll" } }), "done");
  assert.equal((await replicate.wait({ id: "q", status: "starting" })).output, "done");
  assert.deepEqual(
    created.map(([{ headers: _, ...options }]) => options),
    [
      { model: "a/b", input: { n: 1 }, wait: 5 },
      { version: "v", input: {}, wait: false },
    ],
  );
  assert.deepEqual(got, [["p"], ["p"], ["q"]]);
  await assert.rejects(replicate.stream("a/b", { input: {} }).next(), { code: "stream_unsupported" });
  assert.deepEqual(await emulator.requests(), []);
});

test("a method of `predictions` that is only watched sends its request, with everything that `run` adds", async () => {
  const replicate = emulator.client();
  await emulator.forgetRequests();
  const { create, get } = replicate.predictions;
  const created = replace(replicate.predictions, "create", create);
  const got = replace(replicate.predictions, "get", get);
  await replicate.run(flux, { input: { prompt: "x" }, wait: { mode: "poll" } });
  const [post, ...others] = await emulator.requests("POST /v1/models");
  assert.deepEqual([created.length, others], [1, []]);
  assert.equal(post.headers["cancel-after"], "86400s");
  const polls = await emulator.requests(`GET /v1/predictions/${got[0][0]}`);
  assert.equal(got.length, polls.length);
});
