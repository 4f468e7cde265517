// Tests of the application: no token, no network, no bill. Run with `node --test`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Emulator } from "replicant/testing";
import { application, MODEL } from "./app.mjs";

const emulator = new Emulator();
const folder = mkdtempSync(join(tmpdir(), "pictures-"));
/** @type {import("node:http").Server} */
let server;
let url = "";

before(async () => {
  server = application(emulator.client(), () => url, folder).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  url = `http://127.0.0.1:${port}`;
});
afterEach(() => emulator.reset());
after(() => {
  server.close();
  server.closeAllConnections();
  emulator.close();
  rmSync(folder, { recursive: true });
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
  const { id } = await (await post("/pictures", { prompt: "a heron" })).json();
  const { status, files } = await finished(id);
  assert.equal(status, "succeeded");
  assert.equal(files.length, 1);
  assert.ok(statSync(files[0]).size > 0);
  emulator.assertCalledWith(MODEL, { prompt: "a heron" });
});

test("a failure is shown", async () => {
  emulator.script(MODEL, { fails: "out of memory" });
  const { id } = await (await post("/pictures", { prompt: "a heron" })).json();
  const { status, error } = await finished(id);
  assert.deepEqual([status, error], ["failed", "out of memory"]);
});

test("a request without a prompt is refused with a reason", async () => {
  const none = await fetch(`${url}/pictures`, { method: "POST" });
  for (const response of [none, await post("/pictures", {}), await post("/pictures", { prompt: 1 })]) {
    assert.equal(response.status, 400);
    assert.match((await response.json()).error, /"prompt"/);
  }
  const headers = { "content-type": "application/json" };
  const broken = await fetch(`${url}/pictures`, { method: "POST", headers, body: "{" });
  assert.equal(broken.status, 400);
  assert.match((await broken.json()).error, /JSON/);
  emulator.assertNotCalled();
});

test("a create that fails is reported", async () => {
  emulator.failNext("predictions.create", { status: 402 });
  const response = await post("/pictures", { prompt: "a heron" });
  assert.equal(response.status, 502);
  assert.match((await response.json()).error, /402/);
});

test("without a public URL, the application does not start", () => {
  const { PUBLIC_URL: _, ...env } = process.env;
  const server = fileURLToPath(new URL("server.mjs", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [server], { env, timeout: 60_000 });
  assert.equal(status, 1);
  assert.match(String(stderr), /PUBLIC_URL/);
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
