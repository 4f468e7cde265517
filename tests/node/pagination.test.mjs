// Lists and their pages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("a list yields a page, all items or all pages", async () => {
  for (let n = 0; n < 6; n++) await replicate.predictions.create({ model: "emulator/echo", input: {} });
  const page = await replicate.predictions.list();
  assert.ok(page.results.length > 5);
  assert.equal(page.previous, null);
  const ids = [];
  for await (const prediction of replicate.predictions.list()) ids.push(prediction.id);
  assert.deepEqual(
    ids.slice(0, page.results.length),
    page.results.map(({ id }) => id),
  );
  const arrays = [];
  for await (const results of replicate.paginate(replicate.predictions.list)) arrays.push(results);
  assert.deepEqual(
    arrays.flat().map(({ id }) => id),
    ids,
  );
});

test("a link with the text null, which a documented sample has, is no page", async () => {
  const json = { next: "null", previous: "null", results: [] };
  const run = await emulator.replay([{ expect: { path: "/v1/predictions" }, reply: { json } }]);
  const page = await emulator.client({ baseUrl: run.base_url }).predictions.list();
  assert.deepEqual([page.next, page.previous, page.hasNextPage()], [null, null, false]);
});

test("the null after the last page is no cursor, which would begin at the first page again", async () => {
  const { next } = await replicate.collections.list();
  assert.equal(next, null);
  await emulator.forgetRequests();
  const refused = {
    code: "invalid_argument",
    argument: "cursor",
    message: /there is no page after the last one/,
  };
  const lists = [
    ...["collections", "deployments", "files", "models", "predictions", "trainings"].map(
      (name) => replicate[name],
    ),
    { list: (options) => replicate.models.versions.list("a", "b", options) },
    { list: (options) => replicate.models.examples.list("a", "b", options) },
  ];
  for (const each of lists) {
    await assert.rejects(each.list({ cursor: null }), refused);
    await assert.rejects(async () => {
      for await (const _ of each.list({ cursor: next }));
    }, refused);
  }
  assert.deepEqual(await emulator.requests(), []);
  assert.ok((await replicate.predictions.list({ cursor: undefined })).results);
});

test("a page is fetched when it is requested", async () => {
  const page = (n) => ({
    expect: { path: "/v1/predictions" },
    reply: { json: { next: `{{base}}/predictions?cursor=${n}`, previous: null, results: [{ id: `p${n}` }] } },
  });
  const run = await emulator.replay([page(1), page(2), page(3), page(4)]);
  const seen = [];
  for await (const { id } of emulator.client({ baseUrl: run.base_url }).predictions.list()) {
    seen.push(id);
    if (seen.length === 2) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      break;
    }
  }
  assert.deepEqual(seen, ["p1", "p2"]);
  assert.equal((await run.outcome()).remaining, 2);
});
