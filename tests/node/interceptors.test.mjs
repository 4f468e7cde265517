// msw and nock. In a separate file, because importing nock intercepts all HTTP of Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpResponse, http as mocked } from "msw";
import { setupServer } from "msw/node";
import nock from "nock";
import Replicate from "../../node/index.mjs";
import { Emulator } from "../../node/testing.mjs";

/** Checks that a model that is a function runs: its files, logs, items and end take requests of their own. */
async function checkModel(t) {
  const emulator = new Emulator();
  t.after(() => emulator.close());
  const input = { type: "object", properties: { image: { type: "string", format: "uri" } } };
  emulator.model("acme/reads", { input }, async function* ({ image }, run) {
    run.log("reading");
    yield image.toString();
    yield new Uint8Array([1, 2, 3]);
  });
  const client = emulator.client();
  const [text, file] = await client.run("acme/reads", { input: { image: Buffer.from("a heron") } });
  assert.equal(text, "a heron");
  assert.deepEqual(Buffer.from(await (await file.blob()).arrayBuffer()), Buffer.from([1, 2, 3]));
  const [{ status, logs }] = emulator.predictions();
  assert.deepEqual([status, logs], ["succeeded", "reading\n"]);
}

const prediction = { id: "p", status: "succeeded", output: "done" };

test("msw intercepts requests sent by `fetch`, and functions are models beside it", {
  timeout: 60_000,
}, async (t) => {
  const bodies = [];
  const server = setupServer(
    mocked.post("https://api.replicate.com/v1/files", async ({ request }) => {
      bodies.push(await (await request.formData()).get("content").text());
      return HttpResponse.json({ id: "f", urls: { get: "https://example.com/f" } });
    }),
    mocked.post("https://api.replicate.com/v1/predictions", async ({ request }) => {
      bodies.push(await request.json());
      return HttpResponse.json(prediction, { status: 201 });
    }),
  );
  server.listen({ onUnhandledRequest: "error" });
  t.after(() => server.close());
  const replicate = new Replicate({ auth: "t", fetch: (...call) => fetch(...call) });
  const large = "x".repeat(2_000_000);
  for (const content of ["hello", large]) await replicate.files.create(new Blob([content]));
  assert.equal(await replicate.run(`a/b:${"0".repeat(64)}`, { input: { n: 1 } }), "done");
  assert.deepEqual(bodies, ["hello", large, { version: "0".repeat(64), input: { n: 1 } }]);
  await checkModel(t);
});

test("nock intercepts requests sent by `fetch`, and functions are models beside it", {
  timeout: 60_000,
}, async (t) => {
  nock.disableNetConnect();
  t.after(() => {
    nock.cleanAll();
    nock.enableNetConnect();
    nock.restore();
  });
  const scope = nock("https://api.replicate.com/v1")
    .post("/files", /hello/)
    .reply(201, { id: "f", urls: { get: "https://example.com/f" } })
    .post("/predictions", { version: "0".repeat(64), input: { n: 1 } })
    .reply(201, prediction);
  const replicate = new Replicate({ auth: "t", fetch: (...call) => fetch(...call) });
  await replicate.files.create(new Blob(["hello"]));
  assert.equal(await replicate.run(`a/b:${"0".repeat(64)}`, { input: { n: 1 } }), "done");
  scope.done();
  await checkModel(t);
});
