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
  const request = (headers = signed(BODY)) =>
    new Request("http://x/hook", { method: "POST", headers, body: BODY });
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
  for (const body of [BODY, Buffer.from(BODY)]) {
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
});

test("both module systems load the handlers", () => {
  for (const name of ["", "/express", "/fastify", "/hono", "/next"]) {
    assert.equal(typeof require(`replicant/webhooks${name}`).webhook, "function");
  }
});
