// Logs: the options `logger` and `logLevel`, and REPLICATE_LOG.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import { Writable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pino from "pino";
import winston from "winston";
import Replicate from "../../node/index.mjs";
import { eventually, startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const users = new AsyncLocalStorage();

/** Returns a logger like the console, and its lines: level, message, fields, user. */
function collector() {
  const lines = [];
  const log = (level) => (message, fields) => lines.push({ level, message, fields, user: users.getStore() });
  return {
    lines,
    logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  };
}

const named = (lines, event) => lines.find(({ message }) => message === `replicant: ${event}`);

test("a call is logged in the async context of its caller", async () => {
  const { lines, logger } = collector();
  const client = emulator.client({ logger, logLevel: "debug" });
  const run = (user) =>
    users.run(user, () =>
      client.run("emulator/echo", { input: { value: 1, delay: 0.05 }, wait: { mode: "poll" } }),
    );
  await Promise.all([run("ada"), run("bob")]);
  assert.deepEqual(new Set(lines.map(({ user }) => user)), new Set(["ada", "bob"]));
  const { level, fields } = named(lines, "request succeeded");
  assert.equal(level, "info");
  assert.equal(fields.method, "POST");
  assert.equal(fields.status, 201);
  assert.equal(typeof fields.duration_ms, "number");
  for (const event of ["created prediction", "polled prediction", "prediction ended", "sending request"]) {
    assert.ok(named(lines, event), event);
  }
});

test("a retry is logged with its reason and wait", async () => {
  const { lines, logger } = collector();
  await emulator.fault({ match: { method: "GET", path: "/v1/account" }, action: { status: 503 } });
  await emulator.client({ logger }).accounts.current();
  const { fields } = named(lines, "retrying request");
  assert.equal(fields.status, 503);
  assert.equal(fields.error, "server_error");
  assert.equal(typeof fields.wait_ms, "number");
  assert.deepEqual(
    lines.map(({ level }) => level),
    ["info", "info"],
  );
});

test("the cancel of an aborted run is logged", async () => {
  const { lines, logger } = collector();
  const client = emulator.client({ logger });
  const signal = AbortSignal.timeout(200);
  await assert.rejects(client.run("emulator/endless", { input: {}, signal, wait: { mode: "poll" } }));
  await eventually(() => named(lines, "canceling prediction"));
});

test("streams are logged", async () => {
  const { lines, logger } = collector();
  for await (const _ of emulator
    .client({ logger })
    .stream("emulator/stream", { input: { chunks: ["Sing", "."] } }));
  assert.ok(named(lines, "created prediction"));
  assert.equal(lines.filter(({ message }) => message === "replicant: request succeeded").length, 2);
});

/** Returns a stream that collects lines of JSON. */
function jsonLines() {
  const lines = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(
        ...String(chunk)
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );
      done();
    },
  });
  return { lines, stream };
}

/** Makes calls that are logged at every level. */
async function everyLevel(logger) {
  const client = emulator.client({ logger, logLevel: "debug" });
  await emulator.fault({ match: { method: "GET", path: "/v1/account" }, action: { status: 503 } });
  await client.accounts.current();
  new Replicate({ auth: TOKEN, baseUrl: "http://api.internal:8080", logger });
}

test("pino logs the fields as members", async () => {
  const { lines, stream } = jsonLines();
  await everyLevel(pino({ level: "debug", base: { service: "captions" } }, stream));
  const ended = lines.find(({ msg }) => msg === "replicant: request succeeded");
  assert.equal(ended.level, 30);
  assert.equal(ended.service, "captions");
  assert.equal(ended.method, "GET");
  assert.equal(ended.path, "/v1/account");
  assert.equal(ended.status, 200);
  assert.equal(ended.attempt, 2);
  const retried = lines.find(({ msg }) => msg === "replicant: retrying request");
  assert.equal(retried.error, "server_error");
  assert.equal(lines.find(({ msg }) => msg === "replicant: sending request").level, 20);
  const warning = lines.find(({ level }) => level === 40);
  assert.match(warning.msg, /^replicant: The API token is sent unencrypted to api\.internal: /);
  assert.ok(!JSON.stringify(lines).includes(TOKEN));
});

test("a child of a pino logs with its bindings", async () => {
  const { lines, stream } = jsonLines();
  const logger = pino({}, stream).child({ tenant: "acme" });
  await emulator.client({ logger }).accounts.current();
  assert.deepEqual(
    lines.map(({ tenant, msg }) => [tenant, msg]),
    [["acme", "replicant: request succeeded"]],
  );
});

test("winston logs the fields as members", async () => {
  const { lines, stream } = jsonLines();
  const logger = winston.createLogger({
    level: "debug",
    format: winston.format.json(),
    transports: [new winston.transports.Stream({ stream })],
  });
  await everyLevel(logger);
  await everyLevel(logger.child({ tenant: "acme" }));
  const ended = lines.filter(({ message }) => message === "replicant: request succeeded");
  assert.deepEqual(
    ended.map(({ level, method, path, status, tenant }) => [level, method, path, status, tenant]),
    [
      ["info", "GET", "/v1/account", 200, undefined],
      ["info", "GET", "/v1/account", 200, "acme"],
    ],
  );
  assert.ok(lines.find(({ level }) => level === "debug"));
  const warnings = lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 2, "one per client");
  assert.match(warnings[0].message, /unencrypted to api\.internal: /);
});

test("a token that is sent unencrypted is logged once per client", () => {
  const { lines, logger } = collector();
  const client = new Replicate({ auth: TOKEN, baseUrl: "http://api.internal:8080", logger });
  client.userAgent = "mine";
  const [{ level, message }, ...others] = lines;
  assert.equal(level, "warn");
  assert.match(message, /sent unencrypted to api\.internal: /);
  assert.ok(others.length === 0 && !message.includes(TOKEN));
  new Replicate({ auth: TOKEN, baseUrl: "http://127.0.0.1:8080", logger });
  new Replicate({ auth: TOKEN, baseUrl: "http://api.internal:8080", logger, logLevel: "off" });
  assert.equal(lines.length, 1);
});

test("neither the token nor a body is logged", async () => {
  for (const logBodies of [false, true]) {
    const { lines, logger } = collector();
    const client = emulator.client({ logger, logLevel: "debug", logBodies });
    await client.run("emulator/echo", {
      input: { value: { note: "a heron", api_key: "private", token: TOKEN } },
    });
    const text = JSON.stringify(lines);
    assert.equal(text.includes("a heron"), logBodies);
    assert.ok(!text.includes(TOKEN) && !text.includes("private"));
  }
});

test("a logger that throws does not end the call", async () => {
  const fail = () => {
    throw new Error("mine");
  };
  const logger = { debug: fail, info: fail, warn: fail, error: fail };
  assert.ok(await emulator.client({ logger }).accounts.current());
});

test("a logger whose promises reject neither ends the call nor the process", async () => {
  const unhandled = [];
  const collect = (reason) => unhandled.push(reason);
  process.on("unhandledRejection", collect);
  let calls = 0;
  const fail = async () => {
    calls += 1;
    throw new Error("mine");
  };
  const logger = { debug: fail, info: fail, warn: fail, error: fail };
  assert.ok(await emulator.client({ logger }).accounts.current());
  // Node reports a rejection when the microtasks of its turn have run.
  await new Promise(setImmediate);
  process.off("unhandledRejection", collect);
  assert.ok(calls > 0);
  assert.deepEqual(unhandled, []);
});

test("a wrong logger or level is rejected", () => {
  assert.throws(
    () => emulator.client({ logger: {} }),
    /`logger` must have the methods debug, info, warn and error/,
  );
  assert.throws(
    () => emulator.client({ logLevel: "loud" }),
    /`logLevel` must be "debug", "info", "warn" or "off", not "loud"/,
  );
});

/** Makes a call in a process with `REPLICATE_LOG`. Returns its output. */
function callWithLog(level) {
  const index = fileURLToPath(new URL("../../node/index.mjs", import.meta.url));
  const script = `import Replicate from ${JSON.stringify(index)};
    const client = () => new Replicate({ auth: "x", baseUrl: ${JSON.stringify(emulator.base_url)} });
    client();
    await client().accounts.current();`;
  const env = { ...process.env, REPLICATE_LOG: level };
  return promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
}

test("a misspelled REPLICATE_LOG is warned of once", async () => {
  const { stderr } = await callWithLog(" Verbose");
  const warning =
    'the environment variable REPLICATE_LOG must be "debug", "info", "warn" or "off", not "verbose"';
  assert.equal(stderr.split(warning).length, 2, stderr);
  for (const level of ["", " ", "OFF"]) assert.equal((await callWithLog(level)).stderr, "");
});

test("REPLICATE_LOG logs to standard error", async () => {
  for (const level of ["info", "debug", "off"]) {
    const { stdout, stderr } = await callWithLog(level);
    assert.equal(stdout, "");
    assert.equal(
      /replicant info\] request succeeded method=GET path=\/v1\/account/.test(stderr),
      level !== "off",
    );
    assert.equal(stderr.includes("sending request"), level === "debug");
  }
});
