// What errors say: the option by its name here, the units of here, and what npm's `replicate` says first.
import assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inspect } from "node:util";
import Replicate, { ApiError, InvalidArgumentError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const { openAsBlob } = fs;

const emulator = await startEmulator();
const replicate = emulator.client();

function refusal(message) {
  return (error) => {
    assert.ok(error instanceof InvalidArgumentError && error.code === "invalid_argument", error);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

test("an unknown option of a client comes with the one that was meant", () => {
  for (const [options, advice] of [
    [{ apiKey: "x" }, "unknown option `apiKey`; did you mean `auth`?"],
    [{ token: "x" }, "unknown option `token`; did you mean `auth`?"],
    [{ baseURL: "x" }, "unknown option `baseURL`; did you mean `baseUrl`?"],
    [{ httpAgent: new Agent() }, "unknown option `httpAgent`; did you mean `proxy`?"],
    [{ dispatcher: {} }, "unknown option `dispatcher`; did you mean `fetch`?"],
  ]) {
    assert.throws(() => new Replicate(options), refusal(`options: ${advice}`));
  }
  for (const options of [{ onRetry: () => {} }, { logger: console }]) {
    const name = Object.keys(options)[0];
    assert.throws(
      () => new Replicate(options),
      (error) => {
        assert.match(
          error.message,
          new RegExp(`^options: unknown option \`${name}\`; expected one of .*\`fetch\``),
        );
        assert.doesNotMatch(error.message, /clockRate|clock_rate|base_url/);
        return refusal(/./)(error);
      },
    );
  }
});

test("an unknown option of a call comes with the one that was meant", async () => {
  const calls = {
    run: (options) => replicate.run("emulator/echo", options),
    stream: async (options) => replicate.stream("emulator/echo", options).next(),
    "predictions.create": (options) => replicate.predictions.create({ model: "emulator/echo", ...options }),
  };
  await emulator.forgetRequests();
  for (const [operation, call] of Object.entries(calls)) {
    for (const [options, advice] of [
      [{ inputs: {} }, "unknown option `inputs`; did you mean `input`?"],
      [
        { webhook_event_filter: ["start"] },
        "unknown option `webhook_event_filter`; did you mean `webhook_events_filter`?",
      ],
      [
        { webhookEventsFilter: ["start"] },
        "unknown option `webhookEventsFilter`; did you mean `webhook_events_filter`?",
      ],
      [{ prompt: "a heron" }, "unknown option `prompt`; options of the model belong in `input`"],
    ]) {
      await assert.rejects(call(options), refusal(`${operation}: ${advice}`));
    }
    for (const options of [{ onRetry: () => {} }, { logger: console }, { agent: new Agent() }]) {
      await assert.rejects(
        call({ input: {}, ...options }),
        refusal(/^options: unknown option `(onRetry|logger|agent)`/),
      );
    }
    await assert.rejects(
      call({ input: {}, timeout: () => 1 }),
      refusal(/^`(request_options\.)?timeout`: a function cannot be sent/),
    );
  }
  assert.deepEqual(await emulator.requests(), []);
});

test("a wrong value is named with what it must be", async () => {
  const run = (options) => replicate.run("emulator/echo", { input: {}, ...options });
  await assert.rejects(run({ signal: {} }), refusal("`signal` must be an AbortSignal, not an object"));
  await assert.rejects(
    run({ timeout: -1 }),
    refusal("run: `timeout` must be a non-negative, finite number of milliseconds"),
  );
  await assert.rejects(
    run({ webhook_events_filter: 5 }),
    refusal(/^run: `webhook_events_filter` must be an event or a list/),
  );
  assert.throws(
    () => new Replicate({ timeout: -1 }),
    refusal("options: `timeout` must be a non-negative, finite number of milliseconds"),
  );
  assert.throws(
    () => new Replicate({ baseUrl: "localhost:3000" }),
    refusal('`baseUrl` must begin with http:// or https://; did you mean "http://localhost:3000"?'),
  );
  assert.throws(
    () => new Replicate({ auth: "r8_a b" }),
    refusal(/^the API token contains invalid characters/),
  );
  await assert.rejects(
    replicate.files.create("./x"),
    refusal(
      /^Invalid file argument, must be a Blob, File or Buffer: `file` is a string\. .*`await openAsBlob\(/,
    ),
  );
  await assert.rejects(
    replicate.predictions.create({ input: {} }),
    refusal(/^Either model or version must be specified/),
  );
});

test("a proxy that cannot be reached is named, without its password", async () => {
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
    assert.ok(error.message.startsWith(`Cannot connect to the proxy http://${proxy}: `), error.message);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /secret/);
    return true;
  });
});

test("a file is named by its place", { skip: openAsBlob === undefined }, async () => {
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
  const refused = replicate.run(`nightmareai/real-esrgan:${latest_version.id}`, {
    input: { image: picture },
  });
  await assert.rejects(refused, ({ code, message }) => {
    assert.equal(code, "unprocessable");
    assert.ok(
      message.includes(`as \`input.image\`, pass \`Path(`) &&
        message.includes(`await openAsBlob("${picture}")`),
      message,
    );
    return true;
  });
});

test("a prediction in place of its id is taken, and in place of a model explained", async () => {
  const created = await replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } });
  assert.equal((await replicate.predictions.get(created)).id, created.id);
  assert.equal((await replicate.predictions.cancel(created)).id, created.id);
  await assert.rejects(
    replicate.run(created, { input: {} }),
    refusal(/did you mean `predictions\.wait\(prediction\)`\?$/),
  );
  await assert.rejects(
    replicate.run(created.id, { input: {} }),
    refusal(/^Invalid reference to model version: .*`predictions\.wait`/),
  );
  assert.equal(await replicate.run("https://replicate.com/emulator/echo", { input: { value: 2 } }), 2);
});

test("an API error has the message of npm's replicate, and then what to do", async () => {
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
