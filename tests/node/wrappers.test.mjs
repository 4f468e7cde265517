// Clients in proxies of other libraries, and with spies.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { spyOn } from "@vitest/spy";
import { reactive } from "@vue/reactivity";
import { Client } from "langsmith";
import { wrapSDK } from "langsmith/wrappers";
import Replicate, { EventStream, FileOutput } from "../../node/index.mjs";
import { startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const FLUX = "black-forest-labs/flux-schnell";
const LLAMA = "meta/meta-llama-3-8b-instruct";

/** Wraps everything that is read through it, like tracing libraries. */
function nested(target) {
  return new Proxy(target, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver);
      if (typeof value === "function") return value.bind(receiver);
      const plain = typeof value === "object" && value !== null && !(value instanceof Promise);
      return plain ? nested(value) : value;
    },
  });
}

const WRAPPERS = {
  "a proxy": (client) => new Proxy(client, {}),
  "nested proxies": nested,
  "Vue's reactive": reactive,
  "LangSmith's wrapSDK": wrapSDK,
};

for (const [name, wrap] of Object.entries(WRAPPERS)) {
  test(`a client in ${name} makes every kind of call`, async () => {
    const replicate = wrap(emulator.client());
    assert.equal(await replicate.run("emulator/echo", { input: { value: "a" } }), "a");
    const created = await replicate.predictions.create({ model: "emulator/echo", input: { value: "b" } });
    const states = [];
    const ended = await replicate.wait(
      created,
      { interval: 10 },
      async ({ status }) => states.push(status) > 99,
    );
    assert.equal(ended.output, "b");
    assert.equal((await replicate.models.versions.list("emulator", "echo")).results.length > 0, true);
    for await (const batch of replicate.paginate(() => replicate.predictions.list())) {
      assert.equal(batch[0].id, created.id);
      break;
    }
    let text = "";
    for await (const event of replicate.stream(LLAMA, { input: { prompt: "Hi", max_tokens: 3 } }))
      text += event;
    assert.ok(text.length > 0);
    assert.equal((await replicate.request("/account", {})).status, 200);
  });

  test(`options of a client in ${name} can be read and set`, async () => {
    const replicate = wrap(emulator.client());
    assert.equal(replicate.auth, TOKEN);
    replicate.userAgent = "wrapped/1";
    await emulator.forgetRequests();
    await replicate.accounts.current();
    assert.equal((await emulator.requests())[0].headers["user-agent"], "wrapped/1");
    assert.ok(replicate.timeout > 0 && replicate.maxRetries > 0);
  });
}

for (const [name, wrap] of Object.entries({
  "a proxy": (value) => new Proxy(value, {}),
  "nested proxies": nested,
  "Vue's reactive": reactive,
})) {
  test(`a file, a stream and a page in ${name} work`, async () => {
    const client = emulator.client();
    const [output] = await client.run(FLUX, { input: { prompt: "x" } });
    const file = wrap(output);
    assert.ok(file instanceof FileOutput);
    assert.equal(file.url().href, String(file));
    const bytes = await file.bytes();
    assert.equal((await file.blob()).size, bytes.length);
    for (let time = 0; time < 2; time++) {
      let length = 0;
      for await (const chunk of file) length += chunk.length;
      assert.equal(length, bytes.length);
    }
    assert.equal(file.locked, false);
    assert.equal((await file.getReader().read()).done, false);
    assert.equal(
      await client.run("emulator/echo", { input: { value: `${file}` }, useFileOutput: false }),
      String(file),
    );

    const stream = wrap(client.stream(LLAMA, { input: { prompt: "Hi", max_tokens: 3 } }));
    assert.ok(stream instanceof EventStream);
    let text = "";
    for await (const chunk of stream.text()) text += chunk;
    assert.ok(text.length > 0);

    const page = wrap(await client.predictions.list());
    for await (const { id } of page) assert.match(id, /^\w+$/);
    assert.equal(page.hasNextPage(), false);
  });
}

test("LangSmith records calls, without the token", async () => {
  const recorded = [];
  const client = new Client({
    apiUrl: "http://langsmith.test",
    apiKey: "key",
    autoBatchTracing: false,
    fetchImplementation: async (_url, init) => {
      recorded.push(Buffer.from(init?.body ?? "").toString());
      return new Response("{}");
    },
  });
  const replicate = wrapSDK(emulator.client(), { client, tracingEnabled: true, name: "replicate" });
  assert.equal(await replicate.run("emulator/echo", { input: { value: "recorded" } }), "recorded");
  assert.ok((await replicate.predictions.list()).results.length > 0);
  let text = "";
  for await (const event of replicate.stream(LLAMA, { input: { prompt: "Hi", max_tokens: 3 } }))
    text += event;
  assert.ok(text.length > 0);
  await client.awaitPendingTraceBatches();
  assert.ok(recorded.some((body) => body.includes("recorded")));
  for (const body of recorded) assert.ok(!body.includes(TOKEN));
});

test("spies replace `run` and methods of resources", async () => {
  const replicate = emulator.client();
  const spy = spyOn(replicate, "run").mockResolvedValue(["x"]);
  assert.deepEqual(await replicate.run("a/b", { input: {} }), ["x"]);
  spy.mockRestore();
  assert.equal(await replicate.run("emulator/echo", { input: { value: 1 } }), 1);
  const prototype = spyOn(Replicate.prototype, "run").mockResolvedValue("all");
  assert.equal(await replicate.run("a/b", { input: {} }), "all");
  prototype.mockRestore();
  spyOn(replicate.models, "list").mockResolvedValue({ results: ["a"], next: null });
  const batches = [];
  for await (const batch of replicate.paginate(replicate.models.list)) batches.push(batch);
  assert.deepEqual(batches, [["a"]]);
});

test("a spy on `fetch` and a field of a subclass are used", async () => {
  let calls = 0;
  const counting = async (input, init) => {
    calls++;
    return fetch(input, init);
  };
  const replicate = emulator.client();
  const spy = spyOn(replicate, "fetch").mockImplementation(counting);
  await replicate.accounts.current();
  assert.equal(calls, 1);
  assert.match(String(spy.mock.calls[0][0]), /\/account$/);
  spy.mockRestore();
  await replicate.accounts.current();
  assert.equal(calls, 1);

  class Mine extends Replicate {
    userAgent = "mine/2";
  }
  await emulator.forgetRequests();
  await new Mine({ auth: TOKEN, baseUrl: emulator.base_url }).accounts.current();
  assert.equal((await emulator.requests())[0].headers["user-agent"], "mine/2");
});

test("no wrapper shows the token", () => {
  for (const [name, wrap] of Object.entries(WRAPPERS)) {
    const replicate = wrap(emulator.client());
    for (const text of [
      JSON.stringify(replicate),
      JSON.stringify({ ...replicate }),
      inspect(replicate, { depth: 9 }),
    ])
      assert.ok(!text.includes(TOKEN), name);
  }
});
