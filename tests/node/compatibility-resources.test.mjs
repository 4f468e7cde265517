// The resources of npm `replicate` 1.4.0, used as its users use them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();
const latest = async (owner, name) => (await replicate.models.get(owner, name)).latest_version.id;

test("accounts, collections, hardware and webhooks work as in the official client", async () => {
  assert.equal(typeof (await replicate.accounts.current()).username, "string");
  const { results } = await replicate.collections.list();
  const collection = await replicate.collections.get(results[0].slug);
  assert.ok(Array.isArray(collection.models));
  const [hardware] = await replicate.hardware.list();
  assert.deepEqual(Object.keys(hardware).sort(), ["name", "sku"]);
  assert.match((await replicate.webhooks.default.secret.get()).key, /^whsec_/);
});

test("deployments work as in the official client", async () => {
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

test("files work as in the official client", async () => {
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

test("models work as in the official client", async () => {
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

test("predictions work as in the official client", async () => {
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

test("trainings work as in the official client", async () => {
  const version = await latest("stability-ai", "sdxl");
  const options = { destination: "acme/hotdog", input: { input_images: "https://example.com/pictures.zip" } };
  const { id } = await replicate.trainings.create("stability-ai", "sdxl", version, options);
  assert.equal((await replicate.trainings.get(id)).id, id);
  assert.ok((await replicate.trainings.list()).results.some((one) => one.id === id));
  assert.equal((await replicate.trainings.cancel(id)).id, id);
});

test("methods with one parameter can be passed to `map`", async () => {
  const { predictions, collections, files, models } = replicate;
  const create = () => predictions.create({ model: "emulator/echo", input: {} });
  const ids = [(await create()).id, (await create()).id];
  const found = await Promise.all(ids.map(predictions.get));
  assert.deepEqual(
    found.map(({ id }) => id),
    ids,
  );
  await Promise.all(ids.map(predictions.cancel));
  const { results } = await collections.list();
  await Promise.all(results.map(({ slug }) => slug).map(collections.get));
  const file = await files.create(Buffer.from("x"));
  assert.equal((await Promise.all([file.id].map(files.get)))[0].id, file.id);
  assert.deepEqual(await Promise.all([file.id].map(files.delete)), [true]);
  assert.ok((await Promise.all(["echo"].map(models.search)))[0].results);
  await assert.rejects(predictions.get(ids[0], "x"), {
    message: "the options must be an object, such as { signal }, not a string",
  });
});
