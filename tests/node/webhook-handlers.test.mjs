// Webhooks in Express, in servers of Node and in functions from a Request to a Response. Those of other frameworks are in
// tests/integration.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import express from "express";
import { once as claim, webhook as fetchWebhook, MemoryStore } from "replicant/webhooks";
import { webhook } from "replicant/webhooks/express";
import { apiRoute } from "replicant/webhooks/next";
import { startEmulator } from "./support/emulator.mjs";
import { BODY, post as send, signer } from "./support/webhooks.mjs";

const require = createRequire(import.meta.url);
const emulator = await startEmulator();
const replicate = emulator.client();
const { key: secret } = await replicate.webhooks.default.secret.get();

const signed = signer(secret);

/** Serves `listener` and returns its address. */
async function serve(listener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  after(() => server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

function post(url, body, headers = signed(body)) {
  return send(url, body, headers);
}

/** Returns a signed `Request`. */
function request(headers = signed(BODY)) {
  return new Request("http://x/hook", { method: "POST", headers, body: BODY });
}

/** Serves an application of Express whose handlers put events into `events`. */
async function application(events, handle = (event) => events.push(event)) {
  const app = express();
  const handler = () => webhook(replicate, handle);
  app.post("/webhook", handler());
  app.post("/raw", express.raw({ type: "application/json", limit: "10mb" }), handler());
  app.post("/parsed", express.json(), handler());
  app.post("/once", webhook(replicate, handle, { store: new MemoryStore() }));
  app.post(
    "/own",
    webhook(replicate, (event, _request, response) => response.json({ id: event.id })),
  );
  app.use((error, _request, response, _next) => response.status(500).send(error.message));
  return serve(app);
}

test("Express receives webhooks that the emulator delivers", async () => {
  const events = [];
  const arrived = Promise.withResolvers?.() ?? {};
  if (!arrived.promise)
    arrived.promise = new Promise((resolve) => {
      arrived.resolve = resolve;
    });
  const url = await application(events, (event) => {
    events.push(event);
    if (event.status === "succeeded") arrived.resolve();
  });
  const { id } = await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 7 },
    webhook: `${url}/webhook`,
    webhook_events_filter: ["completed"],
  });
  await arrived.promise;
  const [event] = events;
  assert.deepEqual([event.id, event.type, event.output], [id, "prediction", 7]);
  assert.match(event.webhookId, /^msg_/);
  assert.ok(!("webhookId" in JSON.parse(JSON.stringify(event))));
  assert.equal((await event.reload()).output, 7);
  assert.equal((await event.cancel()).status, "succeeded");
});

test("invalid webhooks get 400 or 401 and the reason", async () => {
  const events = [];
  const url = await application(events);
  for (const path of ["/webhook", "/raw"]) {
    const headers = signed(BODY);
    const forged = await post(url + path, BODY, { ...headers, "webhook-signature": "v1,bGllcw==" });
    assert.equal(forged.status, 401);
    assert.match(forged.text, /no entry of `webhook-signature` matches/);
    assert.equal((await post(url + path, BODY, signed(BODY, 900))).status, 401);
    assert.equal((await post(url + path, JSON.stringify(JSON.parse(BODY)), headers)).status, 401);
    assert.equal((await post(url + path, BODY, {})).status, 400);
    assert.equal((await post(url + path, "", signed(""))).status, 400);
  }
  const parsed = await post(`${url}/parsed`, BODY);
  assert.equal(parsed.status, 400);
  assert.match(parsed.text, /^Invalid body type: .*`express\.raw\(/);
  assert.deepEqual(events, []);
  for (const path of ["/webhook", "/raw"]) assert.equal((await post(url + path, BODY)).status, 204);
  assert.equal(events.length, 2);
  assert.deepEqual(await post(`${url}/own`, BODY), { status: 200, text: '{"id":"p1"}' });
});

test("a body of 5 MB is accepted", async () => {
  const events = [];
  const url = await application(events);
  const body = JSON.stringify({ id: "p1", output: "x".repeat(5_000_000) });
  assert.equal((await post(`${url}/webhook`, body)).status, 204);
  assert.equal((await post(`${url}/raw`, body)).status, 204);
  assert.equal(events[1].output.length, 5_000_000);
});

test("a repeated webhook is handled once", async () => {
  const events = [];
  let failures = 1;
  const url = await application(events, (event) => {
    events.push(event);
    if (failures-- > 0) throw new Error("the handler fails");
  });
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await post(`${url}/once`, BODY)).status);
  // The first call failed, so the second delivery is handled, and the third is not.
  assert.deepEqual(statuses, [500, 204, 204]);
  assert.equal(events.length, 2);
});

test("a webhook whose response is not 2xx is handled again", async () => {
  const store = () => ({ store: new MemoryStore() });
  const responding = (respond) => {
    const statuses = [503, 302, 200];
    return (...given) => respond(statuses.shift(), ...given);
  };
  const app = express();
  const sent = responding((status, _event, _request, response) => response.status(status).send());
  app.post("/sent", webhook(replicate, sent, store()));
  const set = responding((status, _event, _request, response) => void response.status(status));
  app.post("/set", webhook(replicate, set, store()));
  const origin = await serve(app);
  for (const [path, last] of [
    ["/sent", 200],
    ["/set", 204],
  ]) {
    const statuses = [];
    for (let n = 0; n < 4; n++) statuses.push((await post(origin + path, BODY)).status);
    assert.deepEqual(statuses, [503, 302, last, 204], path);
  }
  const returned = responding((status) => new Response("", { status }));
  const handle = fetchWebhook(replicate, returned, store());
  const statuses = [];
  for (let n = 0; n < 4; n++) statuses.push((await handle(request())).status);
  assert.deepEqual(statuses, [503, 302, 200, 204]);
});

test("a store that tells no state gets 500, and its error says what to return", async () => {
  const refused = async (store) => {
    const handle = webhook(replicate, () => assert.fail("handled"), { store });
    const app = express().post("/", handle);
    app.use((error, _request, response, _next) => response.status(500).send(error.message));
    return post(await serve(app), BODY);
  };
  const methods = { finish() {}, forget() {} };
  for (const [state, kind] of [
    [undefined, "undefined"],
    [true, "a boolean"],
    ["OK", '"OK"'],
    [Buffer.from("done"), "an object"],
  ]) {
    const store = { ...methods, begin: async () => state };
    const { status, text } = await refused(store);
    const message = `\`store\`: \`begin\` must return "new", "running" or "done", not ${kind}`;
    assert.deepEqual([status, text], [500, message]);
  }
});

test("a forgotten argument of a handler is an error when the handler is made", async () => {
  const handle = () => {};
  const first = /pass (it|the client) first: `webhook\(replicate, handle\)`$/;
  for (const make of ["", "/express", "/fastify", "/hono"].map(
    (name) => require(`replicant/webhooks${name}`).webhook,
  )) {
    for (const [given, argument] of [
      [[], "client"],
      [[replicate], "handle"],
      [[secret, handle], "client"],
      [[{ webhooks: {} }, handle], "client"],
      [[replicate, { store: new MemoryStore() }], "handle"],
    ]) {
      assert.throws(() => make(...given), { code: "invalid_argument", argument, message: first });
    }
    assert.throws(() => make(handle), { message: first });
    for (const options of [null, secret])
      assert.throws(() => make(replicate, handle, options), { argument: "options" });
    for (const store of [null, MemoryStore, {}, "redis://x"])
      assert.throws(() => make(replicate, handle, { store }), {
        argument: "store",
        message: /^`store` must be an object with the methods `begin`, `finish` and `forget`, /,
      });
  }
  await assert.rejects(fetchWebhook(() => undefined, handle)(request()), { argument: "client" });
  await assert.rejects(fetchWebhook(replicate, handle, () => ({ store: {} }))(request()), {
    argument: "store",
  });
});

test("a store is bounded, and tells what is still running", async () => {
  const store = new MemoryStore(2);
  for (const id of ["a", "b", "c"]) assert.equal(await claim(store, id, () => {}), "new");
  assert.equal(await claim(store, "c", () => assert.fail("handled twice")), "done");
  assert.equal(await claim(store, "a", () => {}), "new");
  let other;
  await claim(store, "d", async () => {
    other = await claim(store, "d", () => assert.fail("handled twice"));
  });
  assert.equal(other, "running");
});

test("a server of Node and an API route of Next.js read the body themselves", async () => {
  const events = [];
  const url = await serve(webhook(replicate, (event) => events.push(event)));
  const route = apiRoute(replicate, (event) => events.push(event));
  const api = await serve((request, response) => route(request, response));
  for (const origin of [url, api]) {
    assert.equal((await post(origin, BODY)).status, 204);
    assert.equal((await post(origin, BODY, {})).status, 400);
  }
  assert.equal(events.length, 2);
});

test("a handler takes a Request and returns a Response", async () => {
  const handle = fetchWebhook(
    (_request, env) => env.client,
    (event, _request, env) => Response.json({ id: event.id, env: env.name }),
    (_request, env) => ({ secret: env.secret }),
  );
  const env = { client: replicate, name: "n", secret };
  assert.deepEqual(await (await handle(request(), env)).json(), { id: "p1", env: "n" });
  assert.equal((await handle(request({}), env)).status, 400);
  const wrong = await handle(request(), { ...env, secret: "whsec_b3RoZXI=" });
  assert.equal(wrong.status, 401);
  const read = request();
  await read.text();
  const refused = await handle(read, env);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /^Error reading body: .*already read/);
  await assert.rejects(handle(request(), { ...env, secret: "no secret" }), /Invalid secret key format/);
});

test("unwrap takes a body, its headers and the secret", async () => {
  for (const body of [BODY, Buffer.from(BODY), new TextEncoder().encode(BODY).buffer]) {
    for (const options of [undefined, secret, { secret }]) {
      const event = await replicate.webhooks.unwrap(body, signed(BODY), options);
      assert.equal(event.id, "p1");
    }
  }
  const training = JSON.stringify({ id: "t1", urls: { get: "https://x/v1/trainings/t1" } });
  assert.equal(
    (await replicate.webhooks.unwrap({ headers: signed(training), body: training })).type,
    "training",
  );
  await assert.rejects(replicate.webhooks.unwrap(BODY, {}), { status: 400, code: "webhook_headers" });
  const context = { raw: new Request("http://x", { method: "POST", headers: signed(BODY), body: BODY }) };
  assert.equal((await replicate.webhooks.unwrap(context)).id, "p1");
  assert.equal((await replicate.webhooks.unwrap(request(), secret)).id, "p1");
  await assert.rejects(replicate.webhooks.unwrap(request(), "whsec_b3RoZXI="), { status: 401 });
});

test("arguments of unwrap that are no request are errors that name them", async () => {
  const call = (...given) => replicate.webhooks.unwrap(...given);
  for (const parsed of [{ id: "p1" }, [1], 5, true, { raw: 5 }, new (class Event {})()]) {
    await assert.rejects(call(parsed, signed(BODY)), {
      code: "webhook_body",
      status: 400,
      message: /^Invalid body type: .*`await request\.text\(\)`/,
    });
  }
  for (const missing of [undefined, null, ""])
    await assert.rejects(call(missing, signed(BODY)), { code: "webhook_body", status: 400 });
  for (const given of [[], [BODY], [{ headers: undefined, body: BODY }], [BODY, null]])
    await assert.rejects(call(...given), { code: "webhook_headers", status: 400 });
  for (const headers of [signed(BODY), new Headers(signed(BODY))])
    for (const body of [BODY, Buffer.from(BODY), new ArrayBuffer(2)])
      await assert.rejects(call(headers, body), {
        code: "invalid_argument",
        argument: "headers",
        message: /not text or bytes; pass the body first: `unwrap\(body, headers\)`$/,
      });
});

test("both module systems load the handlers", () => {
  for (const name of ["", "/express", "/fastify", "/hono", "/next"]) {
    assert.equal(typeof require(`replicant/webhooks${name}`).webhook, "function");
  }
});
