// A session of npm `replicate` 1.4.0 and of replicant, to be recorded and replayed. Needs BASE_URL, PACKAGES and
// NODE_EXTRA_CA_CERTS; test_cassettes.py sets them and compares what the sessions print.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import Replicant from "../../node/index.mjs";

const require = createRequire(join(process.env.PACKAGES, "package.json"));
const clients = { replicate: require("replicate"), replicant: Replicant };
const SDXL = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";
const ESRGAN = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

for (const [name, Client] of Object.entries(clients)) {
  test(name, async (t) => {
    const client = new Client({ auth: "r8_secret_token", baseUrl: process.env.BASE_URL });
    const input = { prompt: `a heron, by ${name}`, seed: 1, width: 64, height: 48 };
    const [image] = await client.run(SDXL, { input });
    const png = Buffer.from(await (await image.blob()).arrayBuffer());
    assert.equal(png.subarray(1, 4).toString(), "PNG");
    const larger = await client.run(ESRGAN, {
      input: { image: new Blob([png], { type: "image/png" }), scale: 2 },
    });
    const content = Buffer.from(await (await larger.blob()).arrayBuffer());
    const events = [];
    const prompt = { prompt: `herons, by ${name}`, max_tokens: 20 };
    for await (const event of client.stream("meta/meta-llama-3-8b-instruct", { input: prompt })) {
      events.push(`${event.event} ${event.id} ${event.data}`);
    }
    const { results } = await client.predictions.list();
    await assert.rejects(client.models.get("acme", `missing-${name}`));
    const hash = createHash("sha256").update(content).digest("hex");
    t.diagnostic(JSON.stringify([hash, events, results.map(({ id }) => id)]));
  });
}
