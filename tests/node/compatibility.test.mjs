// Every name of npm `replicate` 1.4.0, used as its users use it.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import Replicate, { ApiError, FileOutput } from "../../node/index.mjs";
import { eventually, startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const FLUX = "black-forest-labs/flux-schnell";
const latest = async (owner, name) => (await replicate.models.get(owner, name)).latest_version.id;

/** Methods by path, with the number of arguments that they need. */
const METHODS = {
  "accounts.current": 0,
  "collections.list": 0,
  "collections.get": 1,
  "deployments.get": 2,
  "deployments.create": 1,
  "deployments.update": 3,
  "deployments.delete": 2,
  "deployments.list": 0,
  "deployments.predictions.create": 3,
  "files.create": 1,
  "files.get": 1,
  "files.list": 0,
  "files.delete": 1,
  "hardware.list": 0,
  "models.get": 2,
  "models.list": 0,
  "models.create": 3,
  "models.search": 1,
  "models.versions.list": 2,
  "models.versions.get": 3,
  "predictions.create": 1,
  "predictions.get": 1,
  "predictions.cancel": 1,
  "predictions.list": 0,
  "trainings.create": 4,
  "trainings.get": 1,
  "trainings.cancel": 1,
  "trainings.list": 0,
  "webhooks.default.secret.get": 0,
};
const OPTIONS = ["auth", "userAgent", "baseUrl", "fetch", "fileEncodingStrategy", "useFileOutput"];

test("every method of the official client exists and needs no more arguments", () => {
  for (const [path, needed] of Object.entries(METHODS)) {
    const method = path.split(".").reduce((holder, name) => holder?.[name], replicate);
    assert.equal(typeof method, "function", path);
    // `files.create` has an optional second argument in `length`.
    const most = path === "files.create" ? 2 : needed;
    assert.ok(method.length <= most, `${path} takes ${method.length}`);
  }
  for (const [name, needed] of Object.entries({ run: 3, request: 2, stream: 2, paginate: 1, wait: 3 })) {
    assert.equal(typeof replicate[name], "function", name);
    assert.ok(replicate[name].length <= needed, name);
  }
  for (const name of OPTIONS) assert.ok(name in replicate, name);
  assert.equal(typeof Replicate.validateWebhook, "function");
  assert.equal(typeof Replicate.parseProgressFromLogs, "function");
  const required = createRequire(import.meta.url)("../../node/index.cjs");
  assert.ok(new required({ auth: "x" }) instanceof Replicate);
});

test("the constructor needs no options, and each can be read", () => {
  const bare = new Replicate();
  assert.equal(bare.baseUrl, process.env.REPLICATE_BASE_URL ?? "https://api.replicate.com/v1");
  assert.equal(bare.fetch, globalThis.fetch);
  assert.equal(bare.fileEncodingStrategy, "default");
  assert.equal(bare.useFileOutput, true);
  assert.match(bare.userAgent, /^replicant-node\//);
  const send = async () => new Response("{}");
  const given = {
    auth: "r8_x",
    userAgent: "mine/1",
    baseUrl: "http://localhost:1/v1/",
    fetch: send,
    useFileOutput: false,
  };
  for (const strategy of ["default", "upload", "data-uri"]) {
    const client = new Replicate({ ...given, fileEncodingStrategy: strategy });
    for (const [name, value] of Object.entries(given)) assert.equal(client[name], value, name);
    assert.equal(client.fileEncodingStrategy, strategy);
  }
  assert.equal(new Replicate({ auth: "" }).auth, process.env.REPLICATE_API_TOKEN);
});

test("fileEncodingStrategy decides how a file is sent", async () => {
  const bytes = Buffer.alloc(200_000, "x");
  const sent = async (strategy) => {
    await emulator.forgetRequests();
    const client = emulator.client({ fileEncodingStrategy: strategy, useFileOutput: false });
    const value = await client.run("emulator/echo", { input: { value: bytes } });
    return { value, uploads: (await emulator.requests("POST /v1/files")).length };
  };
  assert.match((await sent("data-uri")).value, /^data:application\/octet-stream;base64,/);
  for (const strategy of ["upload", "default"]) {
    const { value, uploads } = await sent(strategy);
    assert.match(value, /\/v1\/files\//);
    assert.equal(uploads, 1);
  }
});

test("run accepts models, versions and all forms of wait", async () => {
  const input = { value: "x" };
  const version = await latest("emulator", "echo");
  for (const [ref, wait, prefer] of [
    ["emulator/echo", undefined, /^wait=\d+$/],
    [`emulator/echo:${version}`, { mode: "block" }, /^wait/],
    ["emulator/echo", { mode: "block", timeout: 3 }, /^wait=3$/],
    ["emulator/echo", { mode: "block", interval: 10 }, /^wait/],
    ["emulator/echo", { mode: "poll" }, undefined],
    ["emulator/echo", { mode: "poll", interval: 10 }, undefined],
  ]) {
    await emulator.forgetRequests();
    assert.equal(await replicate.run(ref, { input, ...(wait ? { wait } : {}) }), "x");
    const [{ headers, path }] = await emulator.requests("POST");
    assert.equal(path, ref.includes(":") ? "/v1/predictions" : "/v1/models/emulator/echo/predictions");
    if (prefer) assert.match(headers.prefer, prefer);
    else assert.equal(headers.prefer, undefined);
  }
});

test("run rejects an invalid reference", async () => {
  for (const ref of ["echo", "a/b/c", "owner/", "/name", ""]) {
    await assert.rejects(replicate.run(ref, { input: {} }), {
      message: `Invalid reference to model version: ${ref}. Expected format: owner/name or owner/name:version`,
    });
  }
});

test("progress is called after the create and each poll", async () => {
  const states = (statuses) => statuses.map((status) => ({ id: "p", status, output: "x", urls: {} }));
  const calls = async (wait, create, ...polls) => {
    const run = await emulator.replay([
      { expect: { method: "POST" }, reply: { status: 201, json: states([create])[0] } },
      ...states(polls).map((json) => ({ expect: { method: "GET" }, reply: { json } })),
    ]);
    const seen = [];
    const client = new Replicate({ auth: "x", baseUrl: run.base_url });
    const output = await client.run("a/b", { input: {}, wait }, (prediction) => seen.push(prediction.status));
    assert.equal(output, "x");
    assert.deepEqual((await run.outcome()).problems, []);
    return seen;
  };
  const poll = { mode: "poll", interval: 1 };
  assert.deepEqual(await calls(poll, "starting", "processing", "processing", "succeeded"), [
    "starting",
    "processing",
    "processing",
    "succeeded",
  ]);
  assert.equal((await calls({ mode: "block" }, "succeeded")).at(-1), "succeeded");
});

test("run sends the webhook and its filter", async () => {
  await emulator.forgetRequests();
  const webhook = "http://127.0.0.1:9/hook";
  const options = { webhook, webhook_events_filter: ["completed"], useFileOutput: false };
  const [url] = await replicate.run(FLUX, { input: { prompt: "x" }, ...options });
  assert.equal(typeof url, "string");
  const [{ json }] = await emulator.requests("POST");
  assert.deepEqual(json, { input: { prompt: "x" }, webhook, webhook_events_filter: ["completed"] });
});

test("run rejects if the prediction failed", async () => {
  await assert.rejects(replicate.run("emulator/fails", { input: { message: "no memory" } }), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /^Prediction failed: no memory/);
    return true;
  });
});

test("stream yields events with event, data, id and toString()", async () => {
  const seen = [];
  const options = {
    input: { chunks: ["a", "b\nc"] },
    signal: new AbortController().signal,
    useFileOutput: true,
  };
  for await (const event of replicate.stream("emulator/stream", options)) seen.push(event);
  assert.deepEqual(
    seen.filter(({ event }) => event === "output").map(({ data }) => data),
    ["a", "b\nc"],
  );
  assert.equal(`${seen[0]}`, "a");
  assert.equal(typeof seen[0].id, "string");
  assert.equal(seen.at(-1).event, "done");
  assert.equal(`${seen.at(-1)}`, "");
});

test("request returns a Response and leaves a URL unchanged", async () => {
  const response = await replicate.request("/account");
  assert.ok(response instanceof Response);
  assert.equal(response.status, 200);
  assert.equal((await response.json()).type, "organization");
  assert.equal(response.statusText, "OK");
  assert.equal((await replicate.request("account")).status, 200);

  const url = new URL(`${emulator.base_url}/predictions`);
  const before = url.href;
  await emulator.forgetRequests();
  await replicate.request(url, { params: { source: "web", n: 5 }, headers: new Headers({ "X-One": "1" }) });
  assert.equal(url.href, before);
  const [seen] = await emulator.requests();
  assert.equal(seen.query, "source=web&n=5");
  assert.equal(seen.headers["x-one"], "1");
  assert.equal(seen.headers.authorization, `Bearer ${TOKEN}`);

  await emulator.forgetRequests();
  const params = { list: ["a", 2], none: undefined, when: new Date(0), text: "x y", nested: { n: null } };
  await replicate.request(`${url}?old=1`, { params });
  const [{ query }] = await emulator.requests();
  assert.equal(new URLSearchParams(query).get("list"), "a,2");
});

test("request sends JSON and FormData, and returns a status without a body", async () => {
  const created = await replicate.request("/models/emulator/echo/predictions", {
    method: "POST",
    headers: { Prefer: "wait=5" },
    data: { input: { value: 1 } },
  });
  assert.deepEqual([created.status, created.statusText], [201, "Created"]);
  assert.equal((await created.json()).output, 1);

  const form = new FormData();
  form.append("content", new Blob(["hello"], { type: "text/plain" }), "hello.txt");
  const uploaded = await replicate.request("/files", { method: "POST", data: form });
  const file = await uploaded.json();
  assert.equal(file.name, "hello.txt");
  const deleted = await replicate.request(`/files/${file.id}`, { method: "DELETE" });
  assert.equal(deleted.status, 204);
  assert.equal(await deleted.text(), "");
});

test("request rejects with an ApiError for an error status", async () => {
  await assert.rejects(replicate.request("/nothing"), (error) => {
    assert.ok(error instanceof ApiError && error instanceof Error);
    assert.equal(error.name, "ApiError");
    assert.match(error.message, /^Request to .*\/nothing failed with status 404 Not Found: \{.*\}\n\.$/);
    assert.equal(error.response.status, 404);
    assert.ok(error.request instanceof Request);
    return true;
  });
  await assert.rejects(replicate.request("/account", { signal: AbortSignal.abort(new Error("no")) }), /no/);
});

test("paginate yields arrays until the signal is aborted", async () => {
  const paged = await startEmulator("--page-size=2");
  const client = paged.client();
  for (let n = 0; n < 5; n++) await client.predictions.create({ model: "emulator/echo", input: {} });
  const sizes = [];
  for await (const results of client.paginate(client.predictions.list)) sizes.push(results.length);
  assert.deepEqual(sizes, [2, 2, 1]);
  const byPath = [];
  for await (const results of client.paginate("/predictions")) byPath.push(results.length);
  assert.deepEqual(byPath, sizes);

  const controller = new AbortController();
  const pages = client.paginate(client.predictions.list, { signal: controller.signal });
  assert.equal((await pages.next()).value.length, 2);
  const sent = (await paged.requests()).length;
  controller.abort();
  assert.deepEqual(await pages.next(), { done: true, value: undefined });
  assert.equal((await paged.requests()).length, sent);
});

test("wait polls until the end or until stop returns true", async () => {
  const created = await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 1, delay: 0.1 },
  });
  assert.equal((await replicate.wait(created)).status, "succeeded");
  assert.equal((await replicate.wait(created, { interval: 10 })).status, "succeeded");
  const endless = await replicate.predictions.create({ model: "emulator/endless", input: {} });
  const stopped = await replicate.wait(endless, { interval: 10 }, async ({ id }) => id === endless.id);
  assert.equal(stopped.id, endless.id);
  await replicate.predictions.cancel(endless.id);
  await assert.rejects(replicate.wait({}), /Invalid prediction/);
});

test("FileOutput has url(), blob() and toString(), and is a ReadableStream", async () => {
  const [image] = await replicate.run(FLUX, { input: { prompt: "x" } });
  assert.ok(image instanceof FileOutput && image instanceof ReadableStream);
  assert.ok(image.url() instanceof URL);
  assert.equal((await fetch(image)).status, 200);
  const blob = await image.blob();
  assert.equal(blob.type, "image/webp");
  assert.ok(blob.size > 0);
  const plain = await emulator.client({ useFileOutput: false }).run(FLUX, { input: { prompt: "x" } });
  assert.match(plain[0], /^http/);
});

test("validateWebhook accepts a Request, a request of Node or parts", async () => {
  const secret = `whsec_${Buffer.from("a secret of the account").toString("base64")}`;
  const body = JSON.stringify({ id: "p", status: "succeeded" });
  const id = "msg_1";
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = Buffer.from(secret.slice(6), "base64");
  const signature = `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  const request = (text = body) => new Request("http://localhost/", { method: "POST", headers, body: text });
  const { validateWebhook } = Replicate;
  assert.equal(await validateWebhook(request(), secret), true);
  assert.equal(await validateWebhook(request(), secret, globalThis.crypto), true);
  assert.equal(await validateWebhook({ headers, body: new Blob([body]).stream() }, secret), true);
  assert.equal(await validateWebhook({ id, timestamp, signature, body, secret }), true);
  assert.equal(await validateWebhook({ id, timestamp, signature, body, secret }, globalThis.crypto), true);
  assert.equal(await validateWebhook({ id, timestamp, signature, body: Buffer.from(body), secret }), true);
  assert.equal(await validateWebhook(request(`${body} `), secret), false);
  for (const [given, message] of [
    [{ timestamp, signature, body, secret }, /Missing required webhook headers/],
    [{ id, timestamp, signature, secret }, /Missing required body/],
    [{ id, timestamp, signature, body }, /Missing required secret/],
    [{ id, timestamp, signature, body: 5, secret }, /Invalid body type/],
  ]) {
    await assert.rejects(validateWebhook(given), message);
  }
});

test("parseProgressFromLogs accepts logs or a prediction, and returns null without progress", () => {
  const logs = "Using seed: 1\n 40%|████      | 20/50 [00:01<00:01, 21.7it/s]\n";
  const { parseProgressFromLogs } = Replicate;
  assert.deepEqual(parseProgressFromLogs(logs), { percentage: 0.4, current: 20, total: 50 });
  assert.deepEqual(parseProgressFromLogs({ logs }), { percentage: 0.4, current: 20, total: 50 });
  for (const none of ["", "no bar", {}, { logs: null }]) assert.equal(parseProgressFromLogs(none), null);
});

test("an aborted run cancels its prediction", async () => {
  const controller = new AbortController();
  const run = replicate.run(
    "emulator/endless",
    { input: {}, wait: { mode: "poll", interval: 10 }, signal: controller.signal },
    () => controller.abort(),
  );
  await assert.rejects(run, { name: "AbortError" });
  await eventually(async () =>
    (await emulator.requests("POST")).some(({ path }) => path.endsWith("/cancel")),
  );
});
