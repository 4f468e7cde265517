// Retries with a `fetch` of the user.
import assert from "node:assert/strict";
import { test } from "node:test";
import Replicate, { ConnectionError, OutcomeUnknownError } from "../../node/index.mjs";

const prediction = { id: "p", status: "succeeded", output: "done" };

test("retries are sent by `fetch` too", async () => {
  const responses = [
    new Response("{}", { status: 429, headers: { "retry-after": "0" } }),
    new Response("{}", { status: 503 }),
    Response.json({ id: "p", status: "succeeded" }),
  ];
  let calls = 0;
  const client = new Replicate({ auth: "t", fetch: async () => responses[calls++] });
  assert.equal((await client.predictions.get("p")).id, "p");
  assert.equal(calls, 3);
});

test("a failed read is retried, a create without a response is not", async () => {
  let calls = 0;
  const failing = async () => {
    calls++;
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
  };
  const client = new Replicate({ auth: "t", fetch: failing, maxRetries: 1 });
  await assert.rejects(client.predictions.get("x"), ConnectionError);
  assert.equal(calls, 2);
  calls = 0;
  await assert.rejects(client.predictions.create({ model: "a/b", input: {} }), (error) => {
    assert.ok(error instanceof OutcomeUnknownError);
    assert.match(error.message, /reset/);
    return true;
  });
  assert.equal(calls, 1);
});

for (const bug of [
  new TypeError("Cannot read properties of undefined (reading 'x')"),
  new ReferenceError("response is not defined"),
  new assert.AssertionError({ message: "wrong URL" }),
]) {
  test(`a ${bug.name} in the function is not retried and is thrown unchanged`, async () => {
    let calls = 0;
    const fetch = async () => {
      calls++;
      throw bug;
    };
    const replicate = new Replicate({ auth: "t", fetch });
    const same = (error) => error === bug;
    await assert.rejects(replicate.predictions.get("p"), same);
    await assert.rejects(replicate.run("a/b", { input: {} }), same);
    await assert.rejects(replicate.stream("a/b", { input: {} }).next(), same);
    assert.equal(calls, 3);
  });
}

test("an exception in json() is not retried", async () => {
  let calls = 0;
  const bug = new TypeError("Cannot read properties of undefined (reading 'x')");
  const json = async () => {
    calls++;
    throw bug;
  };
  const replicate = new Replicate({ auth: "t", fetch: async () => ({ ok: true, json }) });
  await assert.rejects(replicate.predictions.get("p"), (error) => error === bug);
  assert.equal(calls, 1);
});

for (const error of [
  new TypeError("fetch failed"),
  new TypeError("Failed to fetch"),
  new TypeError("terminated", { cause: new Error("other side closed") }),
  new TypeError("error sending request for url (https://api.replicate.com/): connection error"),
  Object.assign(new Error("request to https://api.replicate.com failed"), { name: "FetchError" }),
]) {
  test(`a read is retried after a network error: ${error.message}`, async () => {
    let calls = 0;
    const fetch = async () => {
      if (++calls === 1) throw error;
      return Response.json(prediction);
    };
    const replicate = new Replicate({ auth: "t", fetch });
    assert.equal((await replicate.predictions.get("p")).id, "p");
    assert.equal(calls, 2);
  });
}
