// A panic of the core rejects the promise of its call, and harms no other call.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { loadBuild, skip, test } from "./support/build.mjs";

const { Replicate, verifyWebhook } = skip ? {} : await loadBuild();

const created = { id: "p1", status: "starting", urls: {}, input: {}, created_at: "2026-01-01T00:00:00Z" };

/** Returns a client whose requests of `path` get a chunk that is larger than the memory of WebAssembly. */
function client(path) {
  const fetch = async (url) => {
    if (!String(url).includes(path)) return Response.json(created);
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(2 ** 31)),
    });
    return new Response(body, { headers: { "content-type": "application/json" } });
  };
  return new Replicate({ auth: "r8_test", baseUrl: "http://127.0.0.1:1/v1", fetch });
}

describe("a panic", () => {
  test("rejects the promise of its call, and the next call works", async () => {
    const replicate = client("/huge");
    for (let n = 0; n < 3; n++) {
      await assert.rejects(replicate.predictions.get("huge"), { code: "internal", message: /capacity overflow/ });
      assert.equal((await replicate.predictions.get("p1")).id, "p1");
    }
  });

  test("of a function that JavaScript called directly throws its error, each time", async () => {
    const signed = { id: "m", timestamp: "1", signature: "v1,x", secret: "whsec_eA==" };
    for (let n = 0; n < 3; n++) {
      const event = { ...signed, body: new Uint8Array(2 ** 31) };
      await assert.rejects(async () => verifyWebhook(event), { code: "internal", message: /capacity overflow/ });
    }
  });

  test("does not disturb the calls that run meanwhile", async () => {
    const replicate = client("/huge");
    const calls = Array.from({ length: 50 }, (_, n) => replicate.predictions.get(n % 5 ? "p1" : "huge"));
    const outcomes = await Promise.allSettled(calls);
    for (const [n, { status, reason }] of outcomes.entries()) {
      assert.equal(status, n % 5 ? "fulfilled" : "rejected", String(reason?.stack));
    }
  });

  test("of a stream rejects its reader", async () => {
    const file = await client("/huge").predictions.output("http://127.0.0.1:1/huge");
    await assert.rejects(file.arrayBuffer(), { code: "internal" });
  });
});
