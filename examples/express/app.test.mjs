// Tests of the application: no token, no network, no bill. Run with `node --test`.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, test } from "node:test";
import { Emulator } from "replicant/testing";
import { application, MODEL } from "./app.mjs";

const emulator = new Emulator();
/** @type {import("node:http").Server} */
let server;
let url = "";

before(async () => {
  server = application(emulator.client(), () => url).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  url = `http://127.0.0.1:${port}`;
});
afterEach(() => emulator.reset());
after(() => {
  server.close();
  server.closeAllConnections();
  emulator.close();
});

const post = (/** @type {string} */ path, /** @type {object} */ body, headers = {}) =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** Returns the picture when its webhook has arrived.
 * @param {string} id */
async function finished(id) {
  for (let n = 0; n < 1500; n++) {
    const picture = await (await fetch(`${url}/pictures/${id}`)).json();
    if (picture.status !== "starting") return picture;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the webhook did not arrive");
}

test("a picture is made", async () => {
  emulator.script(MODEL, { output: ["https://example.com/heron.webp"] });
  const { id } = await (await post("/pictures", { prompt: "a heron" })).json();
  const { status, urls } = await finished(id);
  assert.deepEqual([status, urls], ["succeeded", ["https://example.com/heron.webp"]]);
  emulator.assertCalledWith(MODEL, { prompt: "a heron" });
});

test("a failure is shown", async () => {
  emulator.script(MODEL, { fails: "out of memory" });
  const { id } = await (await post("/pictures", { prompt: "a heron" })).json();
  const { status, error } = await finished(id);
  assert.deepEqual([status, error], ["failed", "out of memory"]);
});

test("a forged webhook changes nothing", async () => {
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
    "webhook-signature": "v1,bGllcw==",
  };
  const forged = { id: "p1", status: "succeeded", output: ["https://example.com/lies.webp"] };
  assert.equal((await post("/webhook", forged, headers)).status, 401);
  assert.equal((await post("/webhook", forged)).status, 400);
  assert.equal((await fetch(`${url}/pictures/p1`)).status, 404);
});
