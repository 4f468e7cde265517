// Errors: classes, fields and messages.
import assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import express from "express";
import Replicate, * as api from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

// Node 18 has no `openAsBlob`.
const { openAsBlob } = fs;

const { ApiError, InvalidArgumentError } = api;
const load = createRequire(import.meta.url)("../../node/dist/replicant.js");
const { ERRORS } = load("failures");
const contents = JSON.parse(load("native").native.contents());
const emulator = await startEmulator();
const replicate = emulator.client();

function rejection(message) {
  return (error) => {
    assert.ok(error instanceof InvalidArgumentError && error.code === "invalid_argument", error);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

test("every error code has its own class, and every class a code", () => {
  assert.deepEqual(Object.keys(ERRORS).sort(), contents.errors.slice().sort());
  assert.equal(new Set(Object.values(ERRORS)).size, contents.errors.length);
  for (const [code, Class] of Object.entries(ERRORS)) {
    assert.equal(api[Class.name], Class, `${Class.name} is not exported`);
    const error = new Class({ code, message: "m" });
    assert.ok(error instanceof Error && error instanceof api.ReplicateError);
    assert.equal(error.code, code);
    assert.equal(error.name, error instanceof api.ApiError ? "ApiError" : Class.name);
  }
});

const errors = fs.readFileSync(new URL("../../node/dist/errors.js", import.meta.url), "utf8");

test("the names of errors survive a minifier, which renames classes", () => {
  const named = [...errors.matchAll(/^class (\w+)/gm)].map(([, name]) => name);
  // Property names stay, also those in the short form `{ a }`.
  const minified = named.reduce(
    (text, name, at) =>
      text
        .replace(new RegExp(`^( +)${name},$`, "gm"), `$1${name}: ${name},`)
        .replace(new RegExp(`(?<![.\\w"])${name}\\b(?!:)`, "g"), `_${at}`),
    errors,
  );
  const exports = {};
  new Function("exports", "require", minified)(exports, (name) => load(name.replace("./", "")));
  const classes = Object.entries(api).filter(([, value]) =>
    Object.prototype.isPrototypeOf.call(Error, value),
  );
  assert.ok(classes.length > 35);
  for (const [name] of classes) {
    const Class = exports[name];
    assert.match(Function.prototype.toString.call(Class), /^class _\d/);
    const isOfficial = Class === exports.ApiError || Class.prototype instanceof exports.ApiError;
    const error = new Class({ code: "x", message: "m", status: 500 });
    assert.equal(Class.name, name === "ApiError" ? "ApiStatusError" : name);
    assert.equal(error.name, isOfficial ? "ApiError" : name);
    assert.equal(String(error), `${error.name}: m`);
    assert.equal(error.toJSON().name, error.name);
  }
});

test("an error of a subclass has the name of the subclass", () => {
  class QuotaError extends api.ReplicateError {}
  class GoneError extends api.NotFoundError {}
  const failure = { code: "x", message: "m", status: 404 };
  assert.equal(new QuotaError(failure).name, "QuotaError");
  assert.equal(new GoneError(failure).name, "GoneError");
  assert.ok(!Object.keys(new GoneError(failure)).includes("name"));
});

test("an API error has the properties of the official one, and more", async () => {
  await assert.rejects(replicate.predictions.get("nothing-there"), (error) => {
    assert.ok(error instanceof api.NotFoundError && error instanceof api.ApiError);
    assert.equal(error.name, "ApiError");
    assert.equal(error.status, 404);
    assert.equal(error.code, "not_found");
    assert.match(
      error.message,
      /^Request to .*\/predictions\/nothing-there failed with status 404 Not Found/,
    );
    assert.equal(error.response.status, 404);
    assert.equal(error.response.statusText, "Not Found");
    assert.match(error.response.headers.get("content-type"), /json/);
    assert.ok(error.request.url.endsWith("/predictions/nothing-there"));
    assert.match(error.stack, /errors\.test\.mjs/);
    return true;
  });
  await assert.rejects(replicate.run("black-forest-labs/flux-schnell", { input: {} }), (error) => {
    assert.ok(error instanceof api.UnprocessableEntityError);
    assert.equal(error.invalidFields[0].type, "required");
    assert.match(error.message, /prompt/);
    return true;
  });
});

/** Serves `listener` until the test ends. Returns its address. */
async function serve(t, listener) {
  const server = createHttpServer(listener).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

test("a framework that responds with an API error does not send its headers", async (t) => {
  const upstream = await serve(t, (_request, response) => {
    response.writeHead(401, {
      "content-type": "application/problem+json",
      "content-encoding": "gzip",
      "set-cookie": "session=secret",
      "x-upstream": "yes",
    });
    response.end(gzipSync('{"detail": "bad token"}'));
  });
  const client = new Replicate({ auth: "x", baseUrl: `${upstream}/v1` });
  const app = express();
  app.set("env", "test");
  app.get("/", async (_request, response) => response.json(await client.predictions.get("p1")));
  const response = await fetch(await serve(t, app));
  assert.equal(response.status, 401);
  assert.match(await response.text(), /failed with status 401 Unauthorized/);
  assert.match(response.headers.get("content-type"), /^text\/html/);
  for (const name of ["content-encoding", "set-cookie", "x-upstream"]) {
    assert.equal(response.headers.get(name), null, name);
  }
  const error = await client.predictions.get("p1").catch((error) => error);
  assert.ok(error.headers instanceof Headers);
  assert.deepEqual(Object.keys(error.headers), []);
  const enumerable = [];
  for (const name in error.headers) enumerable.push(name);
  assert.deepEqual(enumerable, []);
  assert.equal(error.headers.get("X-Upstream"), "yes");
  assert.equal(error.response.headers.get("x-upstream"), "yes");
  assert.equal(JSON.parse(JSON.stringify(error)).headers["x-upstream"], "yes");
});

test("headers that `Headers` refuses hide no response", async (t) => {
  const server = createServer((socket) => {
    socket.once("data", (request) => {
      const status = String(request).startsWith("GET /v1/predictions/p1 ") ? 200 : 404;
      const head = `HTTP/1.1 ${status} Status\r\nx-text: 1 \u20ac\r\nx-other: 2\r\nconnection: close\r\n`;
      socket.end(`${head}content-type: application/json\r\ncontent-length: 11\r\n\r\n{"id":"p1"}`);
    });
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const seen = [];
  const client = new Replicate({
    auth: "x",
    baseUrl: `http://127.0.0.1:${server.address().port}/v1`,
    onResponse: ({ headers }) => seen.push(headers.get("x-other")),
  });
  const { _response } = await client.predictions.get("p1");
  assert.deepEqual([_response.headers.get("x-text"), _response.headers.get("x-other")], ["1 ?", "2"]);
  await assert.rejects(client.predictions.get("p2"), ({ name, headers, response }) => {
    assert.deepEqual(
      [name, headers.get("x-text"), response.headers.get("x-other")],
      ["ApiError", "1 ?", "2"],
    );
    return true;
  });
  assert.deepEqual(seen, ["2", "2"]);
  const double = {
    status: 404,
    headers: { "no name": "1", "x-line": "1\r2", "x-other": "2" },
    json: () => ({}),
  };
  const stubbed = new Replicate({ auth: "x", fetch: async () => double });
  await assert.rejects(stubbed.predictions.get("p1"), ({ name, headers }) => {
    assert.deepEqual([name, [...headers]], ["ApiError", [["x-other", "2"]]]);
    return true;
  });
});

test("an API error has the message of npm's replicate and a hint", async () => {
  await assert.rejects(replicate.run("emulator/none", { input: {} }), (error) => {
    assert.ok(error instanceof ApiError);
    const [first, rest] = error.message.split(`: ${error.body}.`);
    assert.equal(
      first,
      `Request to ${emulator.base_url}/models/emulator/none/predictions failed with status 404 Not Found`,
    );
    assert.match(rest, /^ Only official models run without a version/);
    return true;
  });
});

test("an error has the text of the API as it is", async () => {
  const text = "`token` and `base_url`: unknown";
  const refuse = (match, times) =>
    emulator.fault({ match, times, action: { status: 422, json: { detail: text } } });
  const rejects = (call, before) =>
    assert.rejects(call, (error) => {
      assert.ok(error.message.includes(text) && before.test(error.message), error.message);
      return true;
    });
  await refuse({ operation: "predictions.create" }, 1);
  await rejects(
    replicate.predictions.create({ model: "emulator/echo", input: {}, wait: false }),
    /^Request to/,
  );
  await refuse({ operation: "predictions.create" }, 100);
  await rejects(async () => {
    const rows = Array.from({ length: 100 }, () => ({}));
    for await (const _ of replicate.map("emulator/echo", rows, { maxErrorRate: 0.5, concurrency: 8 }));
  }, /`maxErrorRate`/);
  await fetch(`${emulator.origin}/_emulator/reset`, { method: "POST" });
  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  await emulator.fault({ match: { path: image.url().pathname }, times: 1, action: { status: 403, text } });
  await rejects(image.bytes(), /403/);
  await emulator.fault({ match: { path: "/v1/account" }, times: 1, action: { status: 200, text } });
  await rejects(replicate.accounts.current(), /`baseUrl` is the API/);
  // Patterns with nested repetitions would take minutes.
  const long = `Prediction failed: ${text}\n`.repeat(20_000);
  await rejects(replicate.run("emulator/fails", { input: { message: long } }), /^Prediction failed/);
});

test("an unreachable proxy is named without its password", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = `127.0.0.1:${server.address().port}`;
  server.close();
  await once(server, "close");
  const client = new Replicate({
    auth: "x",
    baseUrl: "https://api.example/v1",
    proxy: `http://me:secret@${proxy}`,
    maxRetries: 0,
  });
  await assert.rejects(client.accounts.current(), (error) => {
    assert.equal(error.name, "ConnectionError");
    assert.ok(error.message.startsWith(`cannot connect to the proxy http://${proxy}: `), error.message);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /secret/);
    return true;
  });
});

test("an error of a file has its path in the input", { skip: openAsBlob === undefined }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "replicant-"));
  after(() => rm(folder, { recursive: true }));
  const huge = join(folder, "huge.bin");
  await writeFile(huge, "");
  await truncate(huge, 100 * 1024 * 1024 + 1);
  const input = { image: await openAsBlob(huge) };
  await assert.rejects(replicate.run("emulator/echo", { input }), {
    code: "file_too_large",
    message: "`input.image`: the file is 101 MiB; the limit is 100 MiB. Host it yourself and pass its URL.",
  });
  const picture = join(folder, "heron.png");
  await writeFile(picture, "pixels");
  const { latest_version } = await replicate.models.get("nightmareai", "real-esrgan");
  const rejected = replicate.run(`nightmareai/real-esrgan:${latest_version.id}`, {
    input: { image: picture },
  });
  await assert.rejects(rejected, ({ code, message }) => {
    assert.equal(code, "unprocessable");
    assert.ok(
      message.includes(`as \`input.image\`, pass \`Path(`) &&
        message.includes(`await openAsBlob("${picture}")`),
      message,
    );
    return true;
  });
});

test("a prediction is accepted instead of its id, and is an error instead of a model", async () => {
  const created = await replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } });
  assert.equal((await replicate.predictions.get(created)).id, created.id);
  assert.equal((await replicate.predictions.cancel(created)).id, created.id);
  await assert.rejects(
    replicate.run(created, { input: {} }),
    rejection(/did you mean `predictions\.wait\(prediction\)`\?$/),
  );
  await assert.rejects(
    replicate.run(created.id, { input: {} }),
    rejection(/^Invalid reference to model version: .*`predictions\.wait`/),
  );
  assert.equal(await replicate.run("https://replicate.com/emulator/echo", { input: { value: 2 } }), 2);
});

test("a method without its object is an error that says how to call it", () => {
  const { run, stream } = emulator.client();
  const copy = Object.assign(Object.create(Replicate.prototype), emulator.client());
  for (const call of [
    () => run("a/b", { input: {} }),
    () => stream.call({}, "a/b", { input: {} }),
    () => copy.run("a/b", { input: {} }),
  ]) {
    assert.throws(call, {
      name: "TypeError",
      message:
        /call the method on its object, such as `replicate\.run.*, not alone or on a copy of a client$/,
    });
  }
});
