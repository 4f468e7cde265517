// What the package hands out, and that both module systems get the same.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import Default, * as esm from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const require = createRequire(import.meta.url);
const cjs = require("../../node/index.cjs");
const load = require("../../node/dist/replicant.js");
const { native } = load("native");
const { ERRORS } = load("failures");
const contents = JSON.parse(native.contents());

test("require gives the class, import gives the same one", () => {
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

test("everything that the official package hands out is there", () => {
  const official = require("replicate");
  for (const name of [...Object.keys(official), ...Object.keys(new official({ auth: "x" }))]) {
    assert.ok(name in cjs || name in new cjs({ auth: "x" }), name);
  }
});

test("the version is that of package.json", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.equal(load("version").version, version);
});

test("every error code has a class of its own, and no class is without a code", () => {
  assert.deepEqual(Object.keys(ERRORS).sort(), contents.errors.slice().sort());
  assert.equal(new Set(Object.values(ERRORS)).size, contents.errors.length);
  for (const [code, Class] of Object.entries(ERRORS)) {
    assert.equal(cjs[Class.name], Class, `${Class.name} is not exported`);
    const error = new Class({ code, message: "m" });
    assert.ok(error instanceof Error && error instanceof cjs.ReplicateError);
    assert.equal(error.code, code);
    assert.equal(error.name, error instanceof cjs.ApiError ? "ApiError" : Class.name);
  }
});

test("an API error has what the official one has, and more", async () => {
  const replicate = (await startEmulator()).client();
  await assert.rejects(replicate.predictions.get("nothing-there"), (error) => {
    assert.ok(error instanceof esm.NotFoundError && error instanceof esm.ApiError);
    assert.equal(error.name, "ApiError");
    assert.equal(error.status, 404);
    assert.equal(error.code, "not_found");
    assert.match(
      error.message,
      /^Request to .*\/predictions\/nothing-there failed with status 404 Not Found/,
    );
    assert.equal(error.response.status, 404);
    assert.match(error.response.headers.get("content-type"), /json/);
    assert.ok(error.request.url.endsWith("/predictions/nothing-there"));
    assert.match(error.stack, /exports\.test\.mjs/);
    return true;
  });
  await assert.rejects(replicate.run("black-forest-labs/flux-schnell", { input: {} }), (error) => {
    assert.ok(error instanceof esm.UnprocessableEntityError);
    assert.equal(error.invalidFields[0].type, "required");
    assert.match(error.message, /prompt/);
    return true;
  });
});

test("options are readable, and can be changed as with the official client", async () => {
  const replicate = new Default({
    auth: "a",
    baseUrl: "http://localhost:1/v1/",
    userAgent: "mine/1",
    timeout: 1500,
    maxRetries: 2,
  });
  assert.equal(replicate.auth, "a");
  assert.equal(replicate.baseUrl, "http://localhost:1/v1/");
  assert.equal(replicate.userAgent, "mine/1");
  assert.equal(replicate.fileEncodingStrategy, "default");
  assert.equal(replicate.useFileOutput, true);
  assert.equal(replicate.timeout, 1500);
  assert.equal(replicate.maxRetries, 2);
  replicate.useFileOutput = false;
  assert.equal(replicate.useFileOutput, false);
  assert.match(new Default().userAgent, /^replicant-node\/\d/);
});

test("an option that does not exist, or has a wrong value, is refused by name", () => {
  for (const [options, message] of [
    [{ fileEncodingStrategy: "base32" }, /file_encoding_strategy|fileEncodingStrategy/],
    [{ baseURL: "x" }, /base_u_r_l|baseURL/],
    [{ baseUrl: "not a url" }, /base_url|baseUrl/],
    [{ timeout: "soon" }, /timeout/],
  ]) {
    assert.throws(
      () => new Default(options),
      (error) => {
        assert.ok(error instanceof esm.InvalidArgumentError, error);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});
