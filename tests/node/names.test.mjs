// Every name that the npm package `replicate` 1.4.0 has, used as its users use it.
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

/** Methods by their path, with how many arguments they need at least. */
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

test("every method is there, and needs no more arguments", () => {
  for (const [path, needed] of Object.entries(METHODS)) {
    const method = path.split(".").reduce((holder, name) => holder?.[name], replicate);
    assert.equal(typeof method, "function", path);
    // `files.create` counts its metadata, which may be left out all the same.
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

test("the constructor: nothing given, and each option readable", () => {
  const bare = new Replicate();
  assert.equal(bare.baseUrl, process.env.REPLICATE_BASE_URL ?? "https://api.replicate.com/v1");
  assert.equal(bare.fetch, globalThis.fetch);
  assert.equal(bare.fileEncodingStrategy, "default");
  assert.equal(bare.useFileOutput, true);
  assert.match(bare.userAgent, /^replicant-node\//);
  const carrier = async () => new Response("{}");
  const given = {
    auth: "r8_x",
    userAgent: "mine/1",
    baseUrl: "http://localhost:1/v1/",
    fetch: carrier,
    useFileOutput: false,
  };
  for (const strategy of ["default", "upload", "data-uri"]) {
    const client = new Replicate({ ...given, fileEncodingStrategy: strategy });
    for (const [name, value] of Object.entries(given)) assert.equal(client[name], value, name);
    assert.equal(client.fileEncodingStrategy, strategy);
  }
  assert.equal(new Replicate({ auth: "" }).auth, process.env.REPLICATE_API_TOKEN);
});

test("fileEncodingStrategy: where a file goes", async () => {
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

test("run: by model, by version, with wait in all its forms", async () => {
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

test("run: references that are none", async () => {
  for (const ref of ["echo", "a/b/c", "owner/", "/name", ""]) {
    await assert.rejects(replicate.run(ref, { input: {} }), {
      message: `Invalid reference to model version: ${ref}. Expected format: owner/name or owner/name:version`,
    });
  }
});

test("run: progress is called for the create, each look and the end", async () => {
  const states = (statuses) => statuses.map((status) => ({ id: "p", status, output: "x", urls: {} }));
  const calls = async (wait, create, ...looks) => {
    const run = await emulator.replay([
      { expect: { method: "POST" }, reply: { status: 201, json: states([create])[0] } },
      ...states(looks).map((json) => ({ expect: { method: "GET" }, reply: { json } })),
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

test("run: webhook, events filter and useFileOutput travel", async () => {
  await emulator.forgetRequests();
  const webhook = "http://127.0.0.1:9/hook";
  const options = { webhook, webhook_events_filter: ["completed"], useFileOutput: false };
  const [url] = await replicate.run(FLUX, { input: { prompt: "x" }, ...options });
  assert.equal(typeof url, "string");
  const [{ json }] = await emulator.requests("POST");
  assert.deepEqual(json, { input: { prompt: "x" }, webhook, webhook_events_filter: ["completed"] });
});

test("run: a failed prediction", async () => {
  await assert.rejects(replicate.run("emulator/fails", { input: { message: "no memory" } }), (error) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, /^Prediction failed: no memory/);
    return true;
  });
});

test("stream: events with event, data, id and toString()", async () => {
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

test("request: a Response, from a path or a URL that is not changed", async () => {
  const response = await replicate.request("/account");
  assert.ok(response instanceof Response);
  assert.equal(response.status, 200);
  assert.equal((await response.json()).type, "organization");
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
});

test("request: data as JSON, as FormData, and a status without a body", async () => {
  const created = await replicate.request("/models/emulator/echo/predictions", {
    method: "POST",
    headers: { Prefer: "wait=5" },
    data: { input: { value: 1 } },
  });
  assert.equal(created.status, 201);
  assert.equal((await created.json()).output, 1);

  const form = new FormData();
  form.append("content", new Blob(["hello"], { type: "text/plain" }), "hello.txt");
  // The client of old took this header away itself; with another one the form could not be read.
  const uploaded = await replicate.request("/files", { method: "POST", data: form });
  const file = await uploaded.json();
  assert.equal(file.name, "hello.txt");
  const deleted = await replicate.request(`/files/${file.id}`, { method: "DELETE" });
  assert.equal(deleted.status, 204);
  assert.equal(await deleted.text(), "");
});

test("request: an answer that is no success is an ApiError", async () => {
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

test("paginate: arrays of results, until the signal is aborted", async () => {
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
  const asked = (await paged.requests()).length;
  controller.abort();
  assert.deepEqual(await pages.next(), { done: true, value: undefined });
  assert.equal((await paged.requests()).length, asked);
});

test("wait: to the end, with an interval, and until stop says so", async () => {
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

test("accounts, collections, hardware, webhooks", async () => {
  assert.equal(typeof (await replicate.accounts.current()).username, "string");
  const { results } = await replicate.collections.list();
  const collection = await replicate.collections.get(results[0].slug);
  assert.ok(Array.isArray(collection.models));
  const [hardware] = await replicate.hardware.list();
  assert.deepEqual(Object.keys(hardware).sort(), ["name", "sku"]);
  assert.match((await replicate.webhooks.default.secret.get()).key, /^whsec_/);
});

test("deployments", async () => {
  const version = await latest("emulator", "echo");
  const config = {
    name: "names",
    model: "emulator/echo",
    version,
    hardware: "cpu",
    min_instances: 0,
    max_instances: 1,
  };
  const { owner, name } = await replicate.deployments.create(config);
  assert.equal((await replicate.deployments.get(owner, name)).current_release.number, 1);
  const updated = await replicate.deployments.update(owner, name, { max_instances: 2 });
  assert.equal(updated.current_release.configuration.max_instances, 2);
  assert.ok((await replicate.deployments.list()).results.some((one) => one.name === name));
  assert.equal(await replicate.deployments.delete(owner, name), true);
  const input = { prompt: "x" };
  const created = await replicate.deployments.predictions.create("acme", "text", { input, wait: 5 });
  assert.match(created.id, /^\w{26}$/);
  await emulator.forgetRequests();
  const { id } = await replicate.deployments.predictions.create("acme/text", { input, wait: 5 });
  assert.match(id, /^\w{26}$/);
  await replicate.models.predictions.create("emulator/echo", { input: { value: 1 } });
  assert.deepEqual(
    (await emulator.requests("POST")).map(({ path }) => path),
    ["/v1/deployments/acme/text/predictions", "/v1/models/emulator/echo/predictions"],
  );
  await assert.rejects(
    replicate.deployments.predictions.create("acme", { input }),
    (error) => error.code === "invalid_argument" && /owner\/name/.test(error.message),
  );
  await assert.rejects(
    replicate.deployments.predictions.create("acme/text", null),
    /options must be an object/,
  );
});

test("files", async () => {
  for (const content of [new Blob(["a"]), new File(["a"], "a.txt"), Buffer.from("a")]) {
    const file = await replicate.files.create(content, { purpose: "test" });
    assert.equal(file.size, 1);
    assert.deepEqual(file.metadata, { purpose: "test" });
    assert.equal((await replicate.files.get(file.id)).id, file.id);
    assert.equal(await replicate.files.delete(file.id), true);
  }
  assert.ok(Array.isArray((await replicate.files.list()).results));
  await assert.rejects(
    async () => replicate.files.create(5),
    /Invalid file argument, must be a Blob, File or Buffer/,
  );
});

test("models", async () => {
  const id = await latest("stability-ai", "sdxl");
  assert.equal((await replicate.models.versions.get("stability-ai", "sdxl", id)).id, id);
  assert.ok((await replicate.models.versions.list("stability-ai", "sdxl")).results.length > 0);
  assert.ok((await replicate.models.list()).results.length > 0);
  assert.ok((await replicate.models.search("sdxl")).results.some(({ name }) => name === "sdxl"));
  const created = await replicate.models.create("acme", "names", {
    visibility: "private",
    hardware: "cpu",
    description: "for a test",
  });
  assert.equal(created.description, "for a test");
});

test("predictions", async () => {
  const input = { value: 1 };
  const version = await latest("emulator", "echo");
  for (const options of [{ model: "emulator/echo" }, { version }, { model: "emulator/echo", stream: true }]) {
    const { id } = await replicate.predictions.create({ ...options, input });
    assert.equal((await replicate.predictions.get(id)).id, id);
  }
  for (const [wait, prefer] of [
    [true, "wait"],
    [5, "wait=5"],
    [0.2, "wait=1"],
    [undefined, undefined],
    [false, undefined],
  ]) {
    await emulator.forgetRequests();
    await replicate.predictions.create({ model: "emulator/echo", input, wait });
    assert.equal((await emulator.requests("POST"))[0].headers.prefer, prefer, String(wait));
  }
  const endless = await replicate.predictions.create({ model: "emulator/endless", input: {} });
  assert.equal((await replicate.predictions.cancel(endless.id)).status, "canceled");
  assert.ok((await replicate.predictions.list()).results.length > 0);
  await assert.rejects(replicate.predictions.create({ input }), /Either model or version must be specified/);
  await assert.rejects(
    replicate.predictions.create({ model: "emulator/echo", input, webhook: "nonsense" }),
    /Invalid webhook URL/,
  );
});

test("trainings", async () => {
  const version = await latest("stability-ai", "sdxl");
  const options = { destination: "acme/hotdog", input: { input_images: "https://example.com/pictures.zip" } };
  const { id } = await replicate.trainings.create("stability-ai", "sdxl", version, options);
  assert.equal((await replicate.trainings.get(id)).id, id);
  assert.ok((await replicate.trainings.list()).results.some((one) => one.id === id));
  assert.equal((await replicate.trainings.cancel(id)).id, id);
});

test("FileOutput: url(), blob(), toString(), and a ReadableStream", async () => {
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

test("validateWebhook: a Request, a Node request, or its parts", async () => {
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

test("parseProgressFromLogs: logs, a prediction, or nothing to tell", () => {
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
