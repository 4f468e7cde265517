// Options: names, units and values of clients and calls.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { test } from "node:test";
import Replicate, { InvalidArgumentError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

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

test("options can be read and changed as in the official client", async () => {
  const replicate = new Replicate({
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
  assert.match(new Replicate().userAgent, /^replicant-node\/\d/);
});

test("falsy values are no options, as in 1.4.0", async () => {
  const names = ["auth", "userAgent", "baseUrl", "fetch", "fileEncodingStrategy", "useFileOutput"];
  const bare = new Replicate();
  for (const value of [null, "", 0, false]) {
    const client = new Replicate(Object.fromEntries(names.map((name) => [name, value])));
    for (const name of names) {
      const expected = name === "useFileOutput" && value === false ? false : bare[name];
      assert.equal(client[name], expected, `${name}: ${value}`);
    }
    const { auth, baseUrl } = replicate;
    const used = new Replicate({
      userAgent: value,
      fetch: value,
      fileEncodingStrategy: value,
      auth,
      baseUrl,
    });
    await emulator.forgetRequests();
    const image = new Blob(["a"]);
    await used.predictions.create({ model: "emulator/echo", input: { value: image } });
    const [{ path, headers }] = await emulator.requests();
    assert.equal(path, "/v1/files");
    assert.equal(new Headers(headers).get("user-agent"), bare.userAgent);
  }
});

test("an invalid field of a subclass rejects every call", async () => {
  let sent = 0;
  class Mine extends Replicate {
    baseUrl = "ht!tp://x";
  }
  const fetch = async () => {
    sent++;
    return Response.json({});
  };
  const client = new Mine({ auth: "x", fetch });
  for (let call = 0; call < 3; call++) {
    await assert.rejects(client.accounts.current(), rejection(/`baseUrl`/));
  }
  assert.equal(sent, 0);
  client.baseUrl = emulator.base_url;
  await client.accounts.current();
  assert.equal(sent, 1);
});

test("options that are null are an error, or none where 1.4.0 takes null", async () => {
  await emulator.forgetRequests();
  const refused = rejection(/^the options must be an object, such as .*, not null$/);
  for (const call of [
    () => replicate.predictions.stream("p1", null).next(),
    () => replicate.predictions.outputIterator("p1", null).next(),
    () => replicate.handle("p1").events(null).next(),
    () => replicate.paginate("/predictions", null).next(),
    () => replicate.request("/account", null),
    () => replicate.webhooks.unwrap({ headers: {}, body: "a" }, null),
  ]) {
    await assert.rejects(call, refused, String(call));
  }
  for (const [call, example] of [
    [() => replicate.models.list("foo"), ", such as { signal },"],
    [() => replicate.run("emulator/echo", "foo"), ", such as { input: { ... } },"],
    [() => replicate.predictions.create("foo"), ", such as { input: { ... } },"],
    [() => replicate.deployments.update("a", "b", "foo"), ","],
    [() => replicate.models.create("a", "b", "foo"), ","],
    [() => replicate.models.create("a", "b", { visibility: "public", hardware: "cpu" }, "foo"), ","],
  ]) {
    await assert.rejects(call, rejection(`the options must be an object${example} not a string`));
  }
  assert.deepEqual(await emulator.requests(), []);
  const created = await replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } });
  assert.equal((await replicate.wait(created, null)).output, 1);
});

test("an unknown option or an invalid value is an error that names it", () => {
  for (const [options, message] of [
    [{ fileEncodingStrategy: "base32" }, /file_encoding_strategy|fileEncodingStrategy/],
    [{ baseURL: "x" }, /base_u_r_l|baseURL/],
    [{ baseUrl: "not a url" }, /base_url|baseUrl/],
    [{ timeout: "soon" }, /timeout/],
  ]) {
    assert.throws(
      () => new Replicate(options),
      (error) => {
        assert.ok(error instanceof InvalidArgumentError, error);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});

test("an unknown option of a client is an error with a suggestion", () => {
  for (const [options, advice] of [
    [{ apiKey: "x" }, "unknown option `apiKey`; did you mean `auth`?"],
    [{ token: "x" }, "unknown option `token`; did you mean `auth`?"],
    [{ baseURL: "x" }, "unknown option `baseURL`; did you mean `baseUrl`?"],
    [{ httpAgent: new Agent() }, "unknown option `httpAgent`; did you mean `proxy`?"],
    [{ dispatcher: {} }, "unknown option `dispatcher`; did you mean `fetch`?"],
  ]) {
    assert.throws(() => new Replicate(options), rejection(`options: ${advice}`));
  }
  for (const options of [{ plugin: () => {} }, { interceptor: console }]) {
    const name = Object.keys(options)[0];
    assert.throws(
      () => new Replicate(options),
      (error) => {
        assert.match(
          error.message,
          new RegExp(`^options: unknown option \`${name}\`; expected one of .*\`fetch\``),
        );
        assert.doesNotMatch(error.message, /clockRate|clock_rate|base_url/);
        return rejection(/./)(error);
      },
    );
  }
});

test("an unknown option of a call is an error with a suggestion", async () => {
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
      await assert.rejects(call(options), rejection(`${operation}: ${advice}`));
    }
    for (const options of [{ onRetry: () => {} }, { logger: console }, { agent: new Agent() }]) {
      await assert.rejects(
        call({ input: {}, ...options }),
        rejection(/^options: unknown option `(onRetry|logger|agent)`/),
      );
    }
    await assert.rejects(
      call({ input: {}, timeout: () => 1 }),
      rejection(/^`timeout`: a function cannot be sent/),
    );
  }
  assert.deepEqual(await emulator.requests(), []);
});

test("an invalid value is an error that says what is expected", async () => {
  const run = (options) => replicate.run("emulator/echo", { input: {}, ...options });
  await assert.rejects(run({ signal: {} }), rejection("`signal` must be an AbortSignal, not an object"));
  await assert.rejects(
    run({ timeout: -1 }),
    rejection("run: `timeout` must be a non-negative, finite number of milliseconds"),
  );
  await assert.rejects(
    run({ webhook_events_filter: 5 }),
    rejection(/^run: `webhook_events_filter` must be an event or a list/),
  );
  await assert.rejects(
    replicate.predictions.get("x", { timeout: -1 }),
    rejection("predictions.get: `timeout` must be a non-negative, finite number of milliseconds"),
  );
  await assert.rejects(
    run({ fileEncodingStrategy: "base32" }),
    rejection(
      'run: `fileEncodingStrategy` must be "upload", "url", "default", "auto", "base64" or "data-uri", not "base32"',
    ),
  );
  assert.throws(
    () => new Replicate({ timeout: -1 }),
    rejection("options: `timeout` must be a non-negative, finite number of milliseconds"),
  );
  assert.throws(
    () => new Replicate({ baseUrl: "localhost:3000" }),
    rejection('`baseUrl` must begin with http:// or https://; did you mean "http://localhost:3000"?'),
  );
  assert.throws(
    () => new Replicate({ auth: "r8_a b" }),
    rejection(/^the API token contains invalid characters/),
  );
  await assert.rejects(
    replicate.files.create("./x"),
    rejection(
      "Invalid file argument, must be a Blob, File or Buffer: `file` is a string. To upload a file by its path, pass " +
        '`await openAsBlob("photo.png")` (node:fs).',
    ),
  );
  await assert.rejects(
    replicate.predictions.create({ input: {} }),
    rejection(/^Either model or version must be specified/),
  );
});

test("an infinite number is refused as an option, under its own name", async () => {
  await emulator.forgetRequests();
  for (const value of [Number.POSITIVE_INFINITY, Number.NaN]) {
    const refused = (name) => (error) => {
      assert.equal(error.argument, name);
      return rejection(`\`${name}\` must be a finite number, not ${value}; omit it for the default`)(error);
    };
    for (const name of ["timeout", "poolIdleTimeout", "maxRetries", "pollInterval"]) {
      assert.throws(() => new Replicate({ auth: "t", [name]: value }), refused(name));
    }
    for (const name of ["timeout", "maxRetries", "cancelAfter"]) {
      const options = { input: {}, [name]: value };
      await assert.rejects(replicate.run("emulator/echo", options), refused(name));
    }
    await assert.rejects(replicate.accounts.current({ timeout: value }), refused("timeout"));
    await assert.rejects(replicate.handle("p1").result({ timeout: value }), refused("timeout"));
    const map = () => replicate.map("emulator/echo", [{}], { maxErrorRate: value }).next();
    await assert.rejects(map, refused("maxErrorRate"));
  }
  const headers = { "x-a": Number.NaN };
  await assert.rejects(
    replicate.accounts.current({ headers }),
    rejection("`headers.x-a`: NaN cannot be sent as JSON; pass null or omit it"),
  );
  assert.throws(() => new Replicate({ auth: "t", pollInterval: new Map() }), {
    message: /^`pollInterval`: a Map cannot be sent/,
  });
  assert.deepEqual(await emulator.requests(), []);
});

test("advice for an unknown option names it as written, with the calls that have it", async () => {
  const { accounts, models, predictions, trainings } = replicate;
  const input = {};
  const ofRequest = "`signal`, `timeout`, `maxRetries`, `headers` and `query`";
  await emulator.forgetRequests();
  for (const [call, option, advice] of [
    [() => predictions.get("p1", { maxRetry: 1 }), "maxRetry", "did you mean `maxRetries`?"],
    [() => predictions.cancel("p1", { header: {} }), "header", "did you mean `headers`?"],
    [() => accounts.current({ timeot: 5 }), "timeot", "did you mean `timeout`?"],
    [() => models.get("a", "b", { maxretries: 1 }), "maxretries", "did you mean `maxRetries`?"],
    [() => accounts.current({ flavour: 1 }), "flavour", `expected one of ${ofRequest}`],
    [
      () => replicate.deployments.update("a", "b", { timeout: 5 }),
      "timeout",
      "pass it in the last argument, the options",
    ],
    [
      () => replicate.deployments.update("a", "b", { maxRetries: 5 }),
      "maxRetries",
      "pass it in the last argument, the options",
    ],
    [() => replicate.run("a/b", { input, saveTo: "x" }), "saveTo", "it is an option of `map`"],
    [() => replicate.run("a/b", { input, maxErrorRate: 1 }), "maxErrorRate", "it is an option of `map`"],
    [
      () => predictions.create({ model: "a/b", input, interval: 1 }),
      "interval",
      "it is an option of `run`, `map` and `wait`",
    ],
    [
      () => predictions.create({ model: "a/b", input, onAbandon: "leave" }),
      "onAbandon",
      "it is an option of `run`, `stream` and `map`",
    ],
    [
      () => predictions.wait("p1", { onAbandon: "leave" }),
      "onAbandon",
      "it is an option of `run`, `stream` and `map`",
    ],
    [
      () => replicate.handle("p1").result({ onAbandon: "leave" }),
      "onAbandon",
      "it is an option of `run`, `stream` and `map`",
    ],
    [
      () => trainings.create("a", "b", "v", { input, destination: "a/b", wait: true }),
      "wait",
      "it is an option of `run`, `stream`, `map` and creates of predictions",
    ],
    [() => replicate.run("a/b", { input, on_abandon: "leave" }), "on_abandon", "did you mean `onAbandon`?"],
    [() => replicate.run("a/b", { input, token: "x" }), "token", "pass the token to the client"],
  ]) {
    await assert.rejects(call, (error) => {
      assert.equal(error.argument, option);
      return rejection(
        new RegExp(`^[\\w.]+: unknown option \`${option}\`; ${advice.replace(/[?.]/g, "\\$&")}$`),
      )(error);
    });
  }
  await assert.rejects(
    replicate.stream("a/b", { input, interval: 5 }).next(),
    rejection("`interval` is not an option of `stream`, which does not poll"),
  );
  assert.deepEqual(await emulator.requests(), []);
});

test("several targets of a create are an error that does not say that they are missing", async () => {
  const create = replicate.predictions.create({ model: "a/b", version: "c", input: {} });
  await assert.rejects(create, (error) => {
    assert.equal(error.argument, "version");
    return rejection("Exactly one of 'model', 'version', or 'deployment' must be specified, not several")(
      error,
    );
  });
});

test("an invalid URL of the environment is an error that names the variable", () => {
  const before = process.env.REPLICATE_BASE_URL;
  process.env.REPLICATE_BASE_URL = "foo";
  try {
    assert.throws(
      () => new Replicate(),
      rejection(/^the environment variable REPLICATE_BASE_URL must begin with http/),
    );
  } finally {
    if (before === undefined) delete process.env.REPLICATE_BASE_URL;
    else process.env.REPLICATE_BASE_URL = before;
  }
});

test("a misspelled property of a body is an error that names it", async () => {
  const version = "0".repeat(64);
  const { deployments, files, models, predictions, trainings } = replicate;
  const config = { name: "a", model: "b/c", version, hardware: "cpu", min_instances: 0, max_instances: 1 };
  const input = {};
  const calls = {
    "deployments.create": (extra) => deployments.create({ ...config, ...extra }),
    "deployments.update": (extra) => deployments.update("a", "b", extra),
    "deployments.predictions.create": (extra) =>
      deployments.predictions.create("a", "b", { input, ...extra }),
    "files.create": (extra) => files.create(new Blob(["a"]), {}, extra),
    "files.download": (extra) => files.download("x", { owner: "a", expiry: 1, signature: "s", ...extra }),
    "models.create": (extra) => models.create("a", "b", { visibility: "public", hardware: "cpu", ...extra }),
    "models.update": (extra) => models.update("a", "b", extra),
    "models.predictions.create": (extra) => models.predictions.create("a", "b", { input, ...extra }),
    "predictions.create": (extra) => predictions.create({ version, input, ...extra }),
    "trainings.create": (extra) =>
      trainings.create("a", "b", version, { destination: "a/b", input, ...extra }),
  };
  await emulator.forgetRequests();
  for (const [operation, call] of Object.entries(calls)) {
    await assert.rejects(call({ misspelled: "x" }), (error) => {
      assert.equal(error.argument, "misspelled", operation);
      return rejection(new RegExp(`^${operation}: unknown option \`misspelled\``))(error);
    });
  }
  await assert.rejects(
    deployments.update("a", "b", { max_instance: 2 }),
    rejection("deployments.update: unknown option `max_instance`; did you mean `max_instances`?"),
  );
  assert.deepEqual(await emulator.requests(), []);
});

test("an argument by position cannot be repeated in an object", async () => {
  await emulator.forgetRequests();
  for (const call of [
    () => replicate.deployments.update("a", "b", { name: "another" }),
    () => replicate.models.update("a", "b", { name: "another" }),
    () => replicate.models.get("a", "b", { name: "another" }),
  ]) {
    await assert.rejects(
      call(),
      rejection("`name` is passed by position and cannot be repeated in an object"),
    );
  }
  assert.deepEqual(await emulator.requests(), []);
});

test("an error has the argument by the name in this package", async () => {
  const run = (options) => replicate.run("emulator/echo", { input: {}, ...options });
  for (const [call, argument] of [
    [async () => new Replicate({ maxRetries: "x" }), "maxRetries"],
    [async () => new Replicate({ baseUrl: "localhost:3000" }), "baseUrl"],
    [async () => new Replicate({ apiKey: "x" }), "apiKey"],
    [() => run({ webhook_events_filter: 5 }), "webhook_events_filter"],
    [() => run({ signal: 5 }), "signal"],
    [() => run({ max_retries: 1 }), "max_retries"],
    [() => run({ input: { images: [() => 1] } }), "input.images[0]"],
    [() => replicate.predictions.get("x", { timeout: -1 }), "timeout"],
  ]) {
    await assert.rejects(call, (error) => {
      assert.equal(error.argument, argument, error.message);
      assert.ok(error.message.includes(`\`${argument}\``), error.message);
      return true;
    });
  }
  await assert.rejects(replicate.predictions.get("nothing"), (error) => !("argument" in error));
});
