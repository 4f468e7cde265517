// What the package exports, to both module systems.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import Default, * as esm from "../../node/index.mjs";

const require = createRequire(import.meta.url);
const cjs = require("../../node/index.cjs");
const load = require("../../node/dist/replicant.js");

test("require and import return the same class", () => {
  assert.equal(typeof cjs, "function");
  assert.equal(cjs, Default);
  assert.equal(cjs.default, cjs);
  assert.equal(cjs.Replicate, cjs);
  assert.equal(esm.Replicate, cjs);
  for (const [name, value] of Object.entries(esm)) {
    if (name !== "default") assert.equal(cjs[name], value, name);
  }
  for (const name of [
    "ApiError",
    "FileOutput",
    "ServerSentEvent",
    "validateWebhook",
    "parseProgressFromLogs",
  ]) {
    assert.equal(typeof cjs[name], "function", name);
  }
});

test("without a native module every attempt to load has the same error", () => {
  const index = JSON.stringify(fileURLToPath(new URL("../../node/index.cjs", import.meta.url)));
  const script = `for (let attempt = 0; attempt < 2; attempt++) {
    try { require(${index}); } catch (error) { console.log(error.message); }
  }`;
  const { stdout } = spawnSync(process.execPath, ["--no-addons", "-e", script], { encoding: "utf8" });
  const [first, second] = stdout.trim().split("\n");
  assert.match(first, /native addons are disabled .*"replicant\/web"$/);
  assert.equal(second, first);
});

test("everything that the official package exports is exported", () => {
  const official = require("replicate");
  for (const name of [...Object.keys(official), ...Object.keys(new official({ auth: "x" }))]) {
    assert.ok(name in cjs || name in new cjs({ auth: "x" }), name);
  }
});

test("the path of the main module of the official package is a name of the package", async () => {
  assert.equal(require("replicant/index.js"), require("replicant"));
  assert.equal(await import("replicant/index.js"), await import("replicant"));
});

test("the version is the one in package.json", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.equal(load("version").version, version);
});

test("the package can be imported where TextEncoder is missing, as in Jest's jsdom", () => {
  const entry = JSON.stringify(new URL("../../node/index.mjs", import.meta.url));
  const program = `
    delete globalThis.TextEncoder;
    const { default: Replicate } = await import(${entry});
    console.log(typeof new Replicate({ auth: "t" }).run);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
  assert.equal(`${stdout}${stderr}`.trim(), "function");
});
