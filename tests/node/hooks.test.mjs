// Hooks, and the response of a successful call.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import Replicate from "../../node/index.mjs";
import { startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const users = new AsyncLocalStorage();

const ANSWER = {
  json: { id: "p1", status: "succeeded", output: null },
  headers: { "x-request-id": "q2", "ratelimit-remaining": "599", "ratelimit-reset": "1" },
};

const expected = (reply, headers) => ({ expect: { method: "GET", ...(headers && { headers }) }, reply });

test("hooks see every attempt in the async context of the call, and edit its headers", async () => {
  const headers = { "x-tenant": "acme", "user-agent": null, authorization: `Bearer ${TOKEN}` };
  const replay = await emulator.replay([expected({ status: 503 }, headers), expected(ANSWER, headers)]);
  const seen = [];
  const keep = (kind) => (event) => seen.push([kind, event, users.getStore()]);
  const client = new Replicate({
    auth: TOKEN,
    baseUrl: replay.base_url,
    onRequest: async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      keep("request")(request);
      assert.ok(!request.headers.has("authorization"));
      request.headers.set("X-Tenant", "acme");
      request.headers.delete("user-agent");
    },
    onResponse: keep("response"),
    onRetry: keep("retry"),
  });
  await users.run("ada", () => client.predictions.get("p1"));
  assert.ok((await replay.outcome()).ok);
  assert.deepEqual(
    seen.map(([kind]) => kind),
    ["request", "response", "retry", "request", "response"],
  );
  assert.deepEqual(new Set(seen.map(([, , user]) => user)), new Set(["ada"]));
  const [first, busy, retry, , done] = seen.map(([, event]) => event);
  assert.equal(first.method, "GET");
  assert.match(first.url, /\/predictions\/p1$/);
  assert.equal(busy.status, 503);
  assert.equal(retry.code, "server_error");
  assert.equal(retry.attempt, 1);
  assert.equal(done.requestId, "q2");
  assert.deepEqual(done.rateLimit, { limit: null, remaining: 599, reset: 1 });
  assert.equal(done.headers.get("x-request-id"), "q2");
  assert.ok(!JSON.stringify(seen).includes(TOKEN));
});

for (const name of ["onRequest", "onResponse", "onRetry"]) {
  test(`an exception of ${name} ends the call`, async () => {
    const replies = name === "onRequest" ? [] : [expected(name === "onRetry" ? { status: 503 } : ANSWER)];
    const replay = await emulator.replay(replies);
    const mine = new Error("mine");
    const fail = () => {
      throw mine;
    };
    const client = new Replicate({ auth: TOKEN, baseUrl: replay.base_url, [name]: fail });
    await assert.rejects(client.predictions.get("p1"), (error) => error === mine);
    assert.ok((await replay.outcome()).ok);
  });
}

test("hooks see the requests of streams and creates", async () => {
  const seen = [];
  const onRequest = ({ method, body }) => void seen.push([method, body && JSON.parse(body).input]);
  for await (const _ of emulator
    .client({ onRequest })
    .stream("emulator/stream", { input: { chunks: ["Sing", "."] } }));
  assert.deepEqual(seen, [
    ["POST", { chunks: ["Sing", "."] }],
    ["GET", null],
  ]);
});

test("hooks work with a fetch of the user", async () => {
  const tenants = [];
  const fetch = (input, init) => {
    tenants.push(new Headers(init.headers).get("x-tenant"));
    return globalThis.fetch(input, init);
  };
  const onRequest = ({ headers }) => headers.set("x-tenant", "acme");
  await emulator.client({ fetch, onRequest }).accounts.current();
  assert.deepEqual(tenants, ["acme"]);
});

test("a wrong hook is rejected", () => {
  assert.throws(() => emulator.client({ onRetry: "print" }), /`onRetry` must be a function, not a string/);
});

test("an object knows the response it came in, and is otherwise as it was", async () => {
  const replay = await emulator.replay([expected(ANSWER)]);
  const client = new Replicate({ auth: TOKEN, baseUrl: replay.base_url });
  const prediction = await client.predictions.get("p1");
  assert.equal(prediction.request_id, "q2");
  assert.equal(prediction._response.status, 200);
  assert.equal(prediction._response.headers.get("ratelimit-remaining"), "599");
  const plain = ANSWER.json;
  assert.deepStrictEqual(prediction, plain);
  assert.deepEqual(Object.keys(prediction), Object.keys(plain));
  assert.equal(JSON.stringify(prediction), JSON.stringify(plain));
  assert.deepStrictEqual(structuredClone(prediction), plain);
  assert.deepStrictEqual({ ...prediction }, plain);
  assert.equal({ ...prediction }.request_id, undefined);
});

test("an output, and an object that has a `request_id`, stay as they are", async () => {
  const output = await emulator.client().run("emulator/echo", { input: { value: { text: "a" } } });
  assert.deepEqual(Reflect.ownKeys(output), ["text"]);
  const fetch = async () => Response.json({ id: "p1", request_id: "mine" }, { headers: ANSWER.headers });
  const prediction = await emulator.client({ fetch }).predictions.get("p1");
  assert.equal(prediction.request_id, "mine");
});

test("a page knows its response", async () => {
  const page = { json: { results: [{ id: "p1" }], next: null }, headers: ANSWER.headers };
  const replay = await emulator.replay([expected(page)]);
  const listed = await new Replicate({ auth: TOKEN, baseUrl: replay.base_url }).predictions.list();
  assert.equal(listed.request_id, "q2");
  assert.equal(listed.results[0].request_id, undefined);
});
