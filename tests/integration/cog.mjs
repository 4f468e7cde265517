// Models that Cog runs, called from Node. Needs BASE_URL, COG_URL, TEXTS and VECTORS; test_cog.py sets them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Replicate } from "../../node/index.mjs";
import { Emulator } from "../../node/testing.mjs";

const client = new Replicate({ baseUrl: process.env.BASE_URL });
const texts = JSON.parse(process.env.TEXTS);
const expected = JSON.parse(process.env.VECTORS);

test("vectors are those of direct use of the package", async () => {
  const output = await client.run("acme/embed", { input: { texts } });
  assert.deepEqual(
    output.map(({ text }) => text),
    texts,
  );
  for (const [index, { vector }] of output.entries()) {
    assert.equal(vector.length, 384);
    for (const [at, value] of vector.entries()) assert.ok(Math.abs(value - expected[index][at]) < 1e-6);
  }
});

test("a model streams nothing else than its output", async () => {
  const events = [];
  for await (const event of client.stream("acme/embed", { input: { texts: texts.slice(0, 1) } }))
    events.push(event);
  const { text } = JSON.parse(events.find(({ event }) => event === "output").data);
  assert.equal(text, texts[0]);
});

test("a test connects a model to its emulator", async () => {
  const emulator = new Emulator();
  emulator.cog("acme/mine", process.env.COG_URL);
  const output = await emulator.client().run("acme/mine", { input: { text: "a b", pause: 0 } });
  assert.equal(output.join(""), "a b ");
  assert.throws(() => emulator.cog("acme/mine", "http://127.0.0.1:1"), /the Cog server at .* is it running/);
  emulator.close();
});
