// The token is sent to the API origin only, and never printed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { serialize } from "node:v8";
import Replicate from "../../node/index.mjs";
import { startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

const hidden = (text, what) => assert.ok(!String(text).includes(TOKEN), `${what} shows the token`);

test("the token can be read and is not printed", () => {
  assert.equal(replicate.auth, TOKEN);
  for (const options of [undefined, { showHidden: true, depth: 10 }])
    hidden(inspect(replicate, options), "inspect");
  hidden(JSON.stringify(replicate), "JSON");
  hidden(JSON.stringify({ ...replicate }), "a copy");
  hidden(inspect(replicate.predictions, { showHidden: true, depth: 10 }), "a resource");
  hidden(inspect(Object.getOwnPropertyDescriptors(replicate), { depth: 10 }), "descriptors");
});

test("no structured clone and no message to a worker contains the token", async () => {
  for (const value of [replicate, { replicate }, replicate.predictions, await replicate.accounts.current()]) {
    try {
      hidden(inspect(structuredClone(value), { showHidden: true, depth: 20 }), "a structured clone");
    } catch (error) {
      assert.equal(error.name, "DataCloneError");
      hidden(inspect(error, { showHidden: true, depth: 20 }), "the error of a structured clone");
    }
    hidden(serialize(Object.getOwnPropertyNames(value)).toString("latin1"), "the names");
  }
  hidden(inspect(replicate, { showHidden: true, showProxy: true, depth: 20 }), "a deep inspect");
  for (const [name, value] of Object.entries(replicate)) hidden(inspect(value, { depth: 20 }), name);
});

test("a token over plain http causes one warning per client", async () => {
  const warnings = [];
  const collect = (warning) => warnings.push(warning);
  process.on("warning", collect);
  try {
    const client = new Replicate({ auth: TOKEN, baseUrl: "http://api.internal:8080" });
    client.userAgent = "mine";
    new Replicate({ auth: TOKEN, baseUrl: "http://localhost:8080", requireHttps: true });
    new Replicate({ auth: TOKEN, baseUrl: "https://api.internal" });
    new Replicate({ auth: "", baseUrl: "http://api.internal:8080" });
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off("warning", collect);
  }
  assert.deepEqual(
    warnings.map(({ name }) => name),
    ["InsecureConnectionWarning"],
  );
  assert.match(warnings[0].message, /^The API token is sent unencrypted to api\.internal: /);
  hidden(warnings[0].message, "the warning");
  assert.throws(
    () => new Replicate({ auth: TOKEN, baseUrl: "http://api.internal:8080", requireHttps: true }),
    /`baseUrl` must begin with https:\/\//,
  );
});

test("no printed error contains the token", async () => {
  const failures = [
    () => replicate.predictions.get("nothing-there"),
    () => replicate.run("emulator/fails", { input: { message: "x" } }),
    () => emulator.client({ baseUrl: "http://127.0.0.1:1/v1", maxRetries: 0 }).predictions.get("x"),
    () => emulator.client({ auth: `${TOKEN}\nbroken` }).predictions.get("x"),
  ];
  for (const failure of failures) {
    await assert.rejects(
      async () => failure(),
      (error) => {
        hidden(inspect(error, { showHidden: true, depth: 20 }), "inspect of an error");
        hidden(JSON.stringify(error), "JSON of an error");
        hidden(error.stack, "a stack");
        if (error.request) hidden(inspect([...error.request.headers]), "error.request");
        return true;
      },
    );
  }
});

test("no input contains the token, even if it contains the client", async () => {
  const created = await replicate.predictions.create({
    model: "emulator/echo",
    input: { client: replicate },
  });
  hidden(JSON.stringify(created), "the input");
  for (const strategy of ["default", "upload", "data-uri"]) {
    await emulator.forgetRequests();
    await emulator
      .client({ fileEncodingStrategy: strategy })
      .run("emulator/echo", { input: { value: Buffer.from("a") } });
    for (const { json } of await emulator.requests("POST")) hidden(JSON.stringify(json ?? ""), strategy);
  }
});

test("the token is not sent to another host, by a redirect or a `next` link", async () => {
  const run = await emulator.replay([
    {
      expect: { method: "GET", path: "/v1/predictions" },
      reply: { json: { next: "{{other}}/v1/predictions?cursor=x", previous: null, results: [{ id: "a" }] } },
    },
    {
      expect: { origin: "other", headers: { authorization: null } },
      reply: { json: { next: null, previous: null, results: [] } },
      times: "any",
    },
  ]);
  const client = new Replicate({ auth: TOKEN, baseUrl: run.base_url, maxRetries: 0 });
  try {
    for await (const _ of client.predictions.list());
  } catch (error) {
    hidden(inspect(error), "the error");
  }
  assert.deepEqual((await run.outcome()).problems, []);
});

test("the token comes from the environment and is optional", async () => {
  const before = process.env.REPLICATE_API_TOKEN;
  try {
    process.env.REPLICATE_API_TOKEN = "r8_from_the_environment";
    assert.equal(new Replicate().auth, "r8_from_the_environment");
    await emulator.forgetRequests();
    await new Replicate({ baseUrl: emulator.base_url }).accounts.current();
    assert.equal((await emulator.requests())[0].headers.authorization, "Bearer r8_from_the_environment");
    delete process.env.REPLICATE_API_TOKEN;
    await emulator.forgetRequests();
    await new Replicate({ baseUrl: emulator.base_url }).accounts.current();
    assert.equal((await emulator.requests())[0].headers.authorization, undefined);
  } finally {
    if (before !== undefined) process.env.REPLICATE_API_TOKEN = before;
  }
});
