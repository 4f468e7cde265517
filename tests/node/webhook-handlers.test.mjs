// Webhooks in Express, in servers of Node and in functions from a Request to a Response. Those of other frameworks are in
// tests/integration.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import express from "express";
import { Request as NodeFetchRequest } from "node-fetch";
import { verifyWebhook } from "replicant";
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
    app.use((error, _request, response, _next) => response.status(500).send(error.cause.message));
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

test("a server of Node responds with 500 if the handler or the secret fails, and logs why", async (t) => {
  const logged = t.mock.method(console, "error", () => {});
  const fail = () => {
    throw new Error("the database is down");
  };
  const failing = webhook(replicate, (_event, _request, response) => {
    response.setHeader("content-length", "2");
    fail();
  });
  const badSecret = webhook(replicate, () => {}, { secret: "no secret" });
  for (const [listener, reason] of [
    [failing, /the database is down/],
    [badSecret, /Invalid secret key format/],
  ]) {
    const { status, text } = await post(await serve(listener), BODY);
    assert.deepEqual([status, text], [500, "Internal Server Error"]);
    const [error] = logged.mock.calls.at(-1).arguments;
    assert.match(`${error} ${error.cause}`, reason);
  }
  const late = webhook(replicate, (_event, _request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("begun");
    fail();
  });
  await assert.rejects(post(await serve(late), BODY));
  assert.equal(logged.mock.callCount(), 3);
});

test("a server outlives a webhook that breaks off", async () => {
  const errors = [];
  const handle = webhook(replicate, () => {});
  const app = express().post("/", handle);
  app.use((error, _request, _response, _next) => errors.push(error));
  for (const listener of [handle, app]) {
    const requests = new EventEmitter();
    const url = await serve((request, response) => {
      listener(request, response);
      requests.emit("begun", request);
    });
    const socket = connect(new URL(url).port, "127.0.0.1");
    const headers = Object.entries(signed(BODY)).map(([name, value]) => `${name}: ${value}\r\n`);
    const begun = once(requests, "begun");
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n${headers.join("")}\r\n{"id"`);
    const [request] = await begun;
    const closed = new Promise((resolve) => request.once("close", resolve));
    socket.destroy();
    await closed;
    assert.equal((await post(url, BODY)).status, 204);
  }
  assert.deepEqual(errors, [], "a sender that disappears is no error of the application");
});

test("an error of the API is not the response to a webhook", async () => {
  const refused = createServer((_request, response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"detail": "internal"}');
  }).listen(0, "127.0.0.1");
  after(() => refused.close());
  await once(refused, "listening");
  const baseUrl = `http://127.0.0.1:${refused.address().port}/v1`;
  const client = emulator.client({ baseUrl });
  const errors = [];
  const app = express();
  app.post(
    "/secret",
    webhook(client, () => assert.fail("handled")),
  );
  app.post(
    "/handler",
    webhook(replicate, () => client.predictions.get("p1")),
  );
  app.use((error, _request, response, _next) => {
    errors.push(error);
    response.status(error.status ?? error.statusCode ?? 500).send(error.message);
  });
  const url = await serve(app);
  for (const path of ["/secret", "/handler"]) {
    const { status, text } = await post(url + path, BODY);
    assert.equal(status, 500, path);
    assert.doesNotMatch(text, /internal|401/);
    assert.equal(errors.at(-1).cause.status, 401);
  }
  const own = Object.assign(new Error("busy"), { status: 503 });
  const handle = fetchWebhook(client, () => {});
  await assert.rejects(
    handle(request()),
    ({ status, cause }) => status === undefined && cause.status === 401,
  );
  await assert.rejects(fetchWebhook(replicate, () => Promise.reject(own))(request()), own);
});

test("a body larger than 64 MiB gets 413, whether its length is declared or not", async () => {
  const events = [];
  const url = await application(events);
  const chunk = new Uint8Array(1 << 20).fill(32);
  let sent = 0;
  const endless = () =>
    new ReadableStream({
      pull(controller) {
        if (sent++ < 70) controller.enqueue(chunk);
        else controller.close();
      },
    });
  const declared = await post(`${url}/webhook`, Buffer.alloc(65 << 20), signed("x"));
  assert.equal(declared.status, 413);
  assert.match(declared.text, /larger than 67108864 bytes/);
  const options = () => ({ method: "POST", headers: signed("x"), body: endless(), duplex: "half" });
  const response = await fetch(`${url}/webhook`, options());
  assert.equal(response.status, 413);
  await response.text();
  const handle = fetchWebhook(replicate, (event) => events.push(event));
  sent = 0;
  assert.equal((await handle(new Request("http://x/hook", options()))).status, 413);
  assert.ok(sent <= 68, `read ${sent} MiB`);
  sent = 0;
  const long = { ...options(), headers: { ...signed("x"), "content-length": String(65 << 20) } };
  assert.equal((await handle(new Request("http://x/hook", long))).status, 413);
  assert.ok(sent <= 2, `read ${sent} MiB`);
  assert.deepEqual(events, []);
});

test("the body of a Request of node-fetch may have any length, declared or not", async () => {
  const handle = fetchWebhook(replicate, (event) => Response.json(event.output.length));
  const output = "x".repeat(1 << 20);
  const body = Buffer.from(JSON.stringify({ id: "p1", output }));
  const chunks = () => Readable.from(Array.from({ length: 100 }, (_, n) => part(body, n)));
  const part = (whole, n) => whole.subarray((n * whole.length) / 100, ((n + 1) * whole.length) / 100);
  for (const declared of [{}, { "content-length": String(body.length) }]) {
    const headers = { ...signed(body), ...declared };
    const init = { method: "POST", headers, body: chunks() };
    const response = await handle(new NodeFetchRequest("http://x/hook", init));
    assert.deepEqual([response.status, await response.text()], [200, String(output.length)]);
  }
});

test("a request of Node that is passed as a body of more than 64 MiB can be responded to", async () => {
  const url = await serve(async (request, response) => {
    const received = replicate.webhooks.unwrap({ headers: request.headers, body: request });
    response
      .writeHead(
        await received.then(
          () => 204,
          (error) => error.status,
        ),
      )
      .end();
  });
  const body = Readable.from(Array.from({ length: 66 }, () => new Uint8Array(1 << 20)));
  const init = { method: "POST", headers: signed("x"), body, duplex: "half" };
  assert.equal((await fetch(url, init)).status, 413);
});

test("a handler may return a response of another class", async () => {
  class OtherResponse {
    status = 503;
    headers = new Map([["retry-after", "5"]]);
    body = "later";
  }
  let calls = 0;
  const respond = () => calls++ || new OtherResponse();
  const handle = fetchWebhook(replicate, respond, { store: new MemoryStore() });
  const response = await handle(request());
  assert.ok(response instanceof Response);
  assert.deepEqual([response.status, await response.text()], [503, "later"]);
  assert.equal(response.headers.get("retry-after"), "5");
  assert.deepEqual([(await handle(request())).status, calls], [204, 2]);
});

test("a store that fails does not hide how the handler ended", async (t) => {
  const logged = t.mock.method(console, "error", () => {});
  const forget = () => Promise.reject(new Error("the store is down"));
  const store = { begin: () => "new", finish() {}, forget };
  const fail = () => Promise.reject(new Error("the handler failed"));
  await assert.rejects(claim(store, "msg_1", fail), /^Error: the handler failed$/);
  assert.match(String(logged.mock.calls[0].arguments[1]), /the store is down/);
  await assert.rejects(claim(store, undefined, fail), { code: "invalid_argument", argument: "id" });
  const handle = fetchWebhook(replicate, () => new Response("", { status: 503 }), { store });
  assert.equal((await handle(request())).status, 503);
});

test("a body in base64, as in events of AWS Lambda, is decoded", async () => {
  const event = (body, isBase64Encoded = true) => ({ headers: signed(BODY), body, isBase64Encoded });
  const encoded = Buffer.from(BODY).toString("base64");
  assert.equal((await replicate.webhooks.unwrap(event(encoded))).id, "p1");
  assert.equal((await replicate.webhooks.unwrap(event(BODY, false))).id, "p1");
  assert.deepEqual(await verifyWebhook(event(encoded), secret), JSON.parse(BODY));
  await assert.rejects(replicate.webhooks.unwrap(event(BODY)), {
    code: "webhook_body",
    status: 400,
    message: /^Error reading body: /,
  });
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
  await assert.rejects(handle(request(), { ...env, secret: "no secret" }), ({ cause }) =>
    /Invalid secret key format/.test(cause.message),
  );
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
  const beside = { headers: signed(BODY), body: BODY, secret: "whsec_b3RoZXI=", tolerance: 300 };
  const omitted = { secret: undefined, tolerance: undefined };
  await assert.rejects(replicate.webhooks.unwrap(beside, omitted), { status: 401 });
  assert.equal((await replicate.webhooks.unwrap(beside, { secret })).id, "p1");
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
