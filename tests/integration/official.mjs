// The emulator serves npm `replicate` 1.4.0, over HTTPS with a throwaway certificate authority. Needs BASE_URL, PACKAGES
// and NODE_EXTRA_CA_CERTS; test_official_node.py sets them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

const require = createRequire(join(process.env.PACKAGES, "package.json"));
const Replicate = require("replicate");
const { validateWebhook } = Replicate;

const SDXL = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";
const ESRGAN = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";
const SMALL = { prompt: "a heron", width: 64, height: 48 };

const client = new Replicate({ auth: "any-token", baseUrl: process.env.BASE_URL });

const bytes = async (output) => Buffer.from(await (await output.blob()).arrayBuffer());
const isPng = (content) => content.subarray(1, 4).toString() === "PNG";

/** Polls until a prediction or training has ended. */
async function finished(work, get = client.predictions.get) {
  let now = work;
  while (!["succeeded", "failed", "canceled"].includes(now.status)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    now = await get(work.id);
  }
  return now;
}

for (const model of [
  "meta/meta-llama-3-70b-instruct",
  "meta/meta-llama-3-8b-instruct",
  "openai/gpt-4o-mini",
]) {
  test(`run returns the text of ${model}`, async () => {
    const output = await client.run(model, { input: { prompt: "herons", max_tokens: 20 } });
    assert.ok(output.join("").length > 10);
  });
}

test("stream yields events until done", async () => {
  const events = [];
  const stream = client.stream("meta/meta-llama-3-70b-instruct", {
    input: { prompt: "herons", max_tokens: 20 },
  });
  for await (const event of stream) events.push(event);
  assert.equal(events.at(-1).event, "done");
  assert.ok(events.map(String).join("").length > 10);
});

for (const model of ["black-forest-labs/flux-1.1-pro", "google/imagen-4"]) {
  test(`run returns the image of ${model}`, async () => {
    const output = await client.run(model, { input: { prompt: "a heron" } });
    assert.equal(output.url().protocol, "https:");
    assert.ok((await bytes(output)).length > 100);
  });
}

test("run uploads files and returns file outputs", async () => {
  const [image] = await client.run(SDXL, { input: SMALL });
  const png = await bytes(image);
  assert.ok(isPng(png));
  const input = { image: new Blob([png], { type: "image/png" }), scale: 2 };
  const enlarged = await bytes(await client.run(ESRGAN, { input }));
  assert.ok(isPng(enlarged));
  assert.equal(enlarged.readUInt32BE(16), 128);
});

test("stream yields the file outputs of image models", async () => {
  const files = [];
  for await (const { event, data } of client.stream(SDXL, { input: SMALL })) {
    if (event === "output") files.push(data);
  }
  assert.equal(files.length, 1);
  assert.ok(isPng(await bytes(files[0])));
});

test("run reports progress and is canceled by a signal", async () => {
  const statuses = [];
  const options = { input: { value: "heron" }, wait: { mode: "poll", interval: 20 } };
  await client.run("emulator/echo", options, ({ status }) => statuses.push(status));
  assert.equal(statuses.at(-1), "succeeded");
  const controller = new AbortController();
  let id;
  await client
    .run(
      "emulator/endless",
      { input: {}, signal: controller.signal, wait: { mode: "poll", interval: 20 } },
      (prediction) => {
        id = prediction.id;
        if (prediction.status === "processing") controller.abort();
      },
    )
    .catch((error) => assert.equal(error.name, "AbortError"));
  await client.predictions.cancel(id);
  assert.equal((await finished({ id })).status, "canceled");
});

test("predictions are created, read and canceled", async () => {
  const created = await client.predictions.create({ model: "emulator/endless", input: {} });
  assert.equal((await client.predictions.get(created.id)).id, created.id);
  await client.predictions.cancel(created.id);
  assert.equal((await finished(created)).status, "canceled");
});

test("lists have pages", async () => {
  for (let i = 0; i < 6; i++) {
    await client.predictions.create({ model: "emulator/echo", input: { value: 1 } });
  }
  const pages = [];
  for await (const page of client.paginate(client.predictions.list)) pages.push(page);
  const ids = pages.flat().map(({ id }) => id);
  assert.ok(pages.length > 1 && pages[0].length === 4);
  assert.equal(new Set(ids).size, ids.length);
});

test("resources are read", async () => {
  assert.equal((await client.accounts.current()).username, "acme");
  assert.ok((await client.hardware.list()).length > 0);
  assert.ok((await client.collections.get("text-to-image")).models.length > 0);
  assert.ok((await client.models.versions.list("stability-ai", "sdxl")).results.length > 0);
  assert.ok((await client.models.search("sdxl")).results.some(({ name }) => name === "sdxl"));
});

test("deployments are managed and run", async () => {
  const deployment = await client.deployments.create({
    name: "art",
    model: "stability-ai/sdxl",
    version: SDXL.split(":")[1],
    hardware: "gpu-t4",
    min_instances: 0,
    max_instances: 2,
  });
  const updated = await client.deployments.update(deployment.owner, "art", { max_instances: 3 });
  assert.equal(updated.current_release.configuration.max_instances, 3);
  const input = { prompt: "herons", max_tokens: 20 };
  const prediction = await client.deployments.predictions.create("acme", "text", { input });
  assert.equal((await finished(prediction)).status, "succeeded");
  assert.equal(await client.deployments.delete("acme", "art"), true);
});

test("trainings run", async () => {
  const [image] = await client.run(SDXL, { input: SMALL });
  const file = await client.files.create(new Blob([await bytes(image)]));
  const [owner, rest] = SDXL.split("/");
  const training = await client.trainings.create(owner, ...rest.split(":"), {
    destination: "acme/hotdog",
    input: { input_images: file.urls.get },
  });
  const trained = await finished(training, client.trainings.get);
  assert.equal(trained.status, "succeeded");
  assert.match(trained.output.version, /^acme\/hotdog:/);
  await client.trainings.cancel(training.id);
});

test("files are managed", async () => {
  const created = await client.files.create(Buffer.from("hello"), { a: 1 });
  assert.equal((await client.files.get(created.id)).size, 5);
  assert.equal(await client.files.delete(created.id), true);
  await assert.rejects(client.files.get(created.id), ({ response }) => response.status === 404);
});

test("webhooks are signed", async () => {
  const received = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    response.end();
    server.emit("delivered");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const delivered = once(server, "delivered");
  const prediction = await client.predictions.create({
    model: "emulator/echo",
    input: { value: "heron" },
    webhook: `http://127.0.0.1:${server.address().port}/`,
    webhook_events_filter: ["completed"],
  });
  await delivered;
  server.close();
  const [delivery] = received;
  const { key } = await client.webhooks.default.secret.get();
  assert.equal(await validateWebhook(delivery, key), true);
  assert.equal(JSON.parse(delivery.body).id, prediction.id);
  assert.equal(await validateWebhook({ ...delivery, body: `${delivery.body} ` }, key), false);
});

test("errors have the messages of the client", async () => {
  const run = (model, input) => client.run(model, { input });
  await assert.rejects(run("emulator/fails", { message: "out of paint" }), /Prediction failed: out of paint/);
  await assert.rejects(run("acme/nothing", {}), ({ response }) => response.status === 404);
  await assert.rejects(
    run("meta/meta-llama-3-8b-instruct", { prompt: 1 }),
    ({ response }) => response.status === 422,
  );
});
