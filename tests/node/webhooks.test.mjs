// Webhooks: the shared vectors, and a real delivery.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import express from "express";
import { webhook as webhookHandler } from "replicant/webhooks/express";
import {
  parseModelReference,
  parseProgressFromLogs,
  validateWebhook,
  verifyWebhook,
  WebhookBodyError,
  WebhookHeadersError,
  WebhookSecretError,
  WebhookTimestampError,
} from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const { compute } = createRequire(import.meta.url)("../../node/dist/replicant.js")("compute");
const { native } = createRequire(import.meta.url)("../../node/dist/replicant.js")("native");

for (const { name, webhook, event, code } of JSON.parse(
  readFileSync(new URL("../webhooks.json", import.meta.url)),
)) {
  test(`vector: ${name}`, () => {
    const verify = () => compute("webhooks.verify", webhook);
    if (code) assert.throws(verify, { code });
    else assert.deepEqual(verify(), event);
  });
}

test("every computation has a function", () => {
  const { computations } = JSON.parse(native.contents());
  assert.deepEqual(computations, [
    "file.name",
    "handle.parse",
    "identifier.parse",
    "map.push",
    "map.row",
    "map.stats",
    "map.stop",
    "options.advice",
    "options.table",
    "progress.parse",
    "response.describe",
    "webhooks.verify",
  ]);
  assert.deepEqual(parseModelReference("a/b:c"), { owner: "a", name: "b", version: "c" });
  assert.throws(
    () => parseModelReference("a"),
    /Invalid reference to model version: a\. Expected format: owner\/name/,
  );
  const logs = "x\n 30%|███       | 3/10 [00:00<00:00, 9.5it/s]\n";
  assert.deepEqual(parseProgressFromLogs(logs), { percentage: 0.3, current: 3, total: 10 });
  assert.deepEqual(parseProgressFromLogs({ logs }), { percentage: 0.3, current: 3, total: 10 });
  assert.equal(parseProgressFromLogs(""), null);
  assert.equal(parseProgressFromLogs({}), null);
});

const VECTOR = {
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: "1614265330",
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  body: '{"test": 2432232314}',
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
const ANY_AGE = { tolerance: null };

test("headers are accepted in every form that servers have", async () => {
  const { id, timestamp, signature, body, secret } = VECTOR;
  const pairs = [
    ["Webhook-Id", id],
    ["webhook-timestamp", timestamp],
    ["webhook-signature", signature],
  ];
  const bytes = pairs.map(([name, value]) => [name, Buffer.from(value)]);
  const lists = pairs.map(([name, value]) => [name, [value]]);
  const forms = [new Headers(pairs), Object.fromEntries(pairs), pairs, pairs.flat(), new Map(pairs), bytes];
  for (const headers of [...forms, Object.fromEntries(lists)]) {
    assert.equal(await validateWebhook({ headers, body }, secret, ANY_AGE), true, String(headers));
    assert.equal(await validateWebhook({ headers, body: "{}" }, secret, ANY_AGE), false);
  }
});

test("the options may stand beside the webhook, and an argument takes precedence", async () => {
  const { id, timestamp, signature, body, secret } = VECTOR;
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  for (const webhook of [VECTOR, { headers, body, secret }]) {
    assert.equal(await validateWebhook({ ...webhook, ...ANY_AGE }), true);
    assert.equal(await validateWebhook(webhook, ANY_AGE), true);
    assert.equal(await validateWebhook(webhook), false);
    assert.equal(await validateWebhook({ ...webhook, tolerance: 60 }, ANY_AGE), true);
    assert.equal(await validateWebhook({ ...webhook, ...ANY_AGE }, { tolerance: 60 }), false);
    assert.deepEqual(await verifyWebhook({ ...webhook, ...ANY_AGE }), { test: 2432232314 });
  }
  assert.equal(await validateWebhook({ headers, body, ...ANY_AGE }, secret), true);
});

function request(body = VECTOR.body, headers = {}) {
  return new Request("http://localhost/hook", {
    method: "POST",
    body,
    headers: {
      "webhook-id": VECTOR.id,
      "webhook-timestamp": VECTOR.timestamp,
      "webhook-signature": VECTOR.signature,
      ...headers,
    },
  });
}

test("requests, parts and every form of body are accepted", async () => {
  assert.equal(await validateWebhook(VECTOR, ANY_AGE), true);
  assert.equal(await validateWebhook(request(), VECTOR.secret, ANY_AGE), true);
  assert.deepEqual(await verifyWebhook(request(), VECTOR.secret, ANY_AGE), { test: 2432232314 });
  const bytes = new TextEncoder().encode(VECTOR.body);
  for (const body of [bytes, Buffer.from(bytes), bytes.buffer, new Blob([bytes]).stream()]) {
    assert.equal(await validateWebhook({ ...VECTOR, body }, ANY_AGE), true);
  }
  const plain = {
    headers: {
      "Webhook-Id": VECTOR.id,
      "WEBHOOK-TIMESTAMP": VECTOR.timestamp,
      "webhook-signature": VECTOR.signature,
    },
  };
  assert.equal(await validateWebhook({ ...plain, body: VECTOR.body }, VECTOR.secret, ANY_AGE), true);
});

test("text is verified as UTF-8", async () => {
  const body = JSON.stringify({ output: "é 😀 \u2028 ".repeat(50_000) });
  const key = Buffer.from(VECTOR.secret.replace("whsec_", ""), "base64");
  const signed = `${VECTOR.id}.${VECTOR.timestamp}.${body}`;
  const signature = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  assert.deepEqual(await verifyWebhook({ ...VECTOR, body, signature }, ANY_AGE), JSON.parse(body));
  assert.equal(await validateWebhook({ ...VECTOR, body: `${body} `, signature }, ANY_AGE), false);
});

test("old and modified webhooks are rejected", async () => {
  assert.equal(await validateWebhook(VECTOR), false);
  await assert.rejects(verifyWebhook(VECTOR), WebhookTimestampError);
  // The official client has a Crypto argument here.
  assert.equal(await validateWebhook(request(), VECTOR.secret, globalThis.crypto), false);
  assert.equal(await validateWebhook({ ...VECTOR, body: '{"test": 1}' }, ANY_AGE), false);
  assert.equal(await validateWebhook({ ...VECTOR, signature: "v1a,AAAA" }, ANY_AGE), false);
  assert.equal(await validateWebhook({ ...VECTOR, signature: "\u00e9" }, ANY_AGE), false);
});

test("the age is measured by the clock that a test sets", async (t) => {
  t.mock.method(Date, "now", () => 1000 * (Number(VECTOR.timestamp) + 10));
  assert.equal(await validateWebhook(VECTOR), true);
});

test("a missing part is an error that names it", async () => {
  await assert.rejects(validateWebhook({ ...VECTOR, id: undefined }), (error) => {
    assert.ok(error instanceof WebhookHeadersError);
    assert.match(error.message, /Missing required webhook headers/);
    return true;
  });
  for (const body of [undefined, null, "", { test: 2432232314 }]) {
    await assert.rejects(validateWebhook({ ...VECTOR, body }), (error) => {
      assert.ok(error instanceof WebhookBodyError);
      assert.match(
        error.message,
        typeof body === "object" && body ? /^Invalid body type: / : /^Missing required body\. /,
      );
      assert.match(error.message, /`express\.raw\(.*`await request\.text\(\)`.*`request\.get_data\(\)`/);
      return true;
    });
  }
  for (const [secret, message] of [
    [undefined, /^Missing required secret: /],
    [5, /^Unexpected value for secret passed to validateWebhook, expected a string/],
    ["whsec_%%%", /^Invalid secret key format: /],
  ]) {
    await assert.rejects(validateWebhook({ ...VECTOR, secret }, ANY_AGE), (error) => {
      assert.ok(error instanceof WebhookSecretError);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.equal(await validateWebhook({ ...VECTOR, secret: { key: VECTOR.secret } }, ANY_AGE), true);
  await assert.rejects(verifyWebhook({ ...VECTOR, signature: "v1,AAAA" }), WebhookTimestampError);
  await assert.rejects(
    verifyWebhook({ ...VECTOR, signature: "v1,AAAA" }, ANY_AGE),
    /^WebhookSignatureError: Webhook signature is invalid: /,
  );
});

test("an argument that is no request is an error that names it", async () => {
  for (const given of [undefined, null, VECTOR.body, 5])
    for (const check of [validateWebhook, verifyWebhook])
      await assert.rejects(check(given, VECTOR.secret), {
        code: "invalid_argument",
        argument: "request",
        message: /^`request` must be a request, or an object such as \{ headers, body, secret \}, not /,
      });
  const { body, secret } = VECTOR;
  await assert.rejects(verifyWebhook({ headers: undefined, body, secret }), WebhookHeadersError);
});

test("a web request can be read after verification, and is rejected if it was read before", async () => {
  const webhook = request();
  assert.equal(await validateWebhook(webhook, VECTOR.secret, ANY_AGE), true);
  assert.deepEqual(await webhook.json(), { test: 2432232314 });
  await assert.rejects(verifyWebhook(webhook, VECTOR.secret, ANY_AGE), (error) => {
    assert.ok(error instanceof WebhookBodyError);
    assert.match(error.message, /^Error reading body: .*already read.*`await request\.text\(\)`/);
    return true;
  });
});

test("Express needs the raw body, and the error says how to keep it", async () => {
  const keep = (request, _response, body) => {
    request.rawBody = body;
  };
  const app = express();
  const verify = async (request, response) => {
    const result = await verifyWebhook(request, VECTOR.secret, ANY_AGE).catch(({ name, message }) => ({
      name,
      message,
    }));
    response.json(result);
  };
  app.post("/raw", express.raw({ type: "application/json" }), verify);
  app.post("/kept", express.json({ verify: keep }), verify);
  app.post("/parsed", express.json(), verify);
  app.post("/unread", verify);
  const server = app.listen(0, "127.0.0.1");
  after(() => server.close());
  await once(server, "listening");
  const post = async (path) => {
    const headers = { ...Object.fromEntries(request().headers), "content-type": "application/json" };
    const url = `http://127.0.0.1:${server.address().port}${path}`;
    return (await fetch(url, { method: "POST", headers, body: VECTOR.body })).json();
  };
  assert.deepEqual(await post("/raw"), { test: 2432232314 });
  assert.deepEqual(await post("/kept"), { test: 2432232314 });
  assert.deepEqual(await post("/unread"), { test: 2432232314 });
  const { name, message } = await post("/parsed");
  assert.equal(name, "WebhookBodyError");
  assert.match(message, /`express\.raw\(\{ type: "application\/json" \}\)` or `req\.rawBody` in Express/);
});

test("a delivered webhook is verified in a server of Node", async () => {
  const emulator = await startEmulator();
  const replicate = emulator.client();
  const { key } = await replicate.webhooks.default.secret.get();
  const received = [];
  const server = createServer(async (incoming, response) => {
    const read = async () => ({ headers: incoming.headers, body: Buffer.concat(await incoming.toArray()) });
    // The first one is read before, and the others are not.
    const request = received.length === 0 ? await read() : incoming;
    received.push(await verifyWebhook(request, key).catch((error) => error));
    response.end();
    if (received.at(-1).status === "succeeded") server.emit("ended");
  });
  after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const webhook = `http://127.0.0.1:${server.address().port}/hook`;
  const ended = once(server, "ended");
  const { id } = await replicate.predictions.create({ model: "emulator/echo", input: { value: 1 }, webhook });
  await ended;
  assert.ok(received.length > 1);
  assert.equal(received.at(-1).id, id);
  assert.equal(received.at(-1).output, 1);
});

test("a delivered webhook ends a run", async () => {
  const emulator = await startEmulator();
  // Without webhooks, the run would wait for an hour.
  const replicate = emulator.client({ pollInterval: 3_600_000 });
  const server = createServer(webhookHandler(replicate, () => {}));
  after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const webhook = `http://127.0.0.1:${server.address().port}/hook`;
  const input = { value: 1, delay: 1 };
  const options = { input, webhook, webhook_events_filter: ["completed"], wait: { mode: "poll" } };
  assert.equal(await replicate.run("emulator/echo", options), 1);
  assert.deepEqual(await emulator.requests("GET /v1/predictions/"), []);
});

test("validateWebhook does not parse the body", async () => {
  const body = "not JSON, but signed";
  const key = Buffer.from("a secret of the account");
  const timestamp = String(Math.floor(Date.now() / 1000));
  const digest = createHmac("sha256", key).update(`msg.${timestamp}.${body}`).digest("base64");
  const parts = {
    id: "msg",
    timestamp,
    signature: `v1,${digest}`,
    secret: `whsec_${key.toString("base64")}`,
  };
  assert.equal(await validateWebhook({ ...parts, body }), true);
  assert.equal(await validateWebhook({ ...parts, body: `${body}!` }), false);
  await assert.rejects(verifyWebhook({ ...parts, body }), WebhookBodyError);
});
