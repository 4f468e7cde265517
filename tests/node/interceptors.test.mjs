// msw and nock. In a separate file, because importing nock intercepts all HTTP of Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpResponse, http as mocked } from "msw";
import { setupServer } from "msw/node";
import nock from "nock";
import Replicate from "../../node/index.mjs";

const prediction = { id: "p", status: "succeeded", output: "done" };

test("msw intercepts requests sent by `fetch`", async (t) => {
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
});

test("nock intercepts requests sent by `fetch`", async (t) => {
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
});
