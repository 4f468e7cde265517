// Checks an installed package against its own emulator. The smoke tests import the package in different ways and
// pass it to `steps`.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TEXT = "meta/meta-llama-3-8b-instruct";
const PROMPT = { prompt: "Describe a harbor.", max_tokens: 8, seed: 1 };
const UPSCALE = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

/** Runs all checks and returns the line to print. */
export async function steps(Replicate, Emulator) {
  const emulator = new Emulator();
  const folder = mkdtempSync(join(tmpdir(), "replicant-"));
  try {
    const replicate = emulator.client();
    const value = { text: "a", list: [1, 2.5, null] };
    assert.deepEqual(await replicate.run("emulator/echo", { input: { value } }), value);

    const text = (await replicate.run(TEXT, { input: PROMPT })).join("");
    let streamed = "";
    for await (const event of replicate.stream(TEXT, { input: PROMPT })) streamed += event;
    assert.ok(text.length > 0);
    assert.equal(streamed.trim(), text.trim());
    const many = await Promise.all([1, 2, 3, 4].map(() => replicate.run(TEXT, { input: PROMPT })));
    assert.ok(many.every((pieces) => pieces.join("") === text));

    const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
    const path = join(folder, "heron.webp");
    await image.save(path);
    const saved = readFileSync(path);
    assert.equal(saved.subarray(8, 12).toString(), "WEBP");
    assert.deepEqual(Buffer.from(await new Response(image).arrayBuffer()), saved);

    // Too large to be sent inline.
    const uploaded = await replicate.files.create(Buffer.alloc(256 * 1024, 7));
    assert.equal(uploaded.size, 256 * 1024);
    const larger = await replicate.run(UPSCALE, { input: { image: saved, scale: 2 } });
    assert.equal(
      Buffer.from(await (await larger.blob()).arrayBuffer())
        .subarray(1, 4)
        .toString(),
      "PNG",
    );

    await assert.rejects(replicate.predictions.get("nothing-there"), (error) => {
      assert.ok(error instanceof Replicate.ApiError);
      assert.equal(error.code, "not_found");
      assert.equal(error.status, 404);
      return true;
    });

    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    await assert.rejects(replicate.run("emulator/endless", { input: {}, signal: stop.signal }), {
      name: "AbortError",
    });

    await webhook(Replicate, replicate);
  } finally {
    rmSync(folder, { recursive: true });
    emulator.close();
  }
  return "smoke ok";
}

async function webhook(Replicate, replicate) {
  const { key } = await replicate.webhooks.default.secret.get();
  const body = JSON.stringify({ id: "p", status: "succeeded" });
  const now = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", Buffer.from(key.slice("whsec_".length), "base64"))
    .update(`msg.${now}.${body}`)
    .digest("base64");
  const headers = { "webhook-id": "msg", "webhook-timestamp": now, "webhook-signature": `v1,${signature}` };
  assert.equal((await Replicate.verifyWebhook({ headers, body }, key)).id, "p");
  assert.equal(await Replicate.validateWebhook({ headers, body: `${body} ` }, key), false);
}
