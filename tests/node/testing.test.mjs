// The testing kit: models of the test, scripts, time, failures, records and assertions.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { ANY, Emulator } from "../../node/testing.mjs";
import { eventually } from "./support/emulator.mjs";

const emulator = new Emulator();
after(() => emulator.close());
beforeEach(() => emulator.reset());
const client = emulator.client({ maxRetries: 0 });

test("a function is a model", async () => {
  const input = {
    type: "object",
    required: ["image"],
    properties: { image: { type: "string", format: "uri" }, scale: { type: "integer", default: 2 } },
  };
  emulator.model("acme/resize", { input, description: "Larger" }, async ({ image, scale }, run) => {
    run.log("scale", scale);
    console.log("from the console");
    return new File([Buffer.concat(Array(scale).fill(image))], "larger.txt", { type: "text/plain" });
  });
  const output = await client.run("acme/resize", { input: { image: Buffer.from("ab") } });
  const blob = await output.blob();
  assert.equal(await blob.text(), "abab");
  assert.equal(blob.type, "text/plain");
  assert.equal(emulator.predictions()[0].logs, "scale 2\nfrom the console\n");
  assert.equal((await client.models.get("acme", "resize")).description, "Larger");
  await assert.rejects(client.run("acme/resize", { input: {} }), /image is required/);
});

test("the items of a generator are emitted", async () => {
  emulator.model("acme/words", async function* ({ text }) {
    for (const word of text.split(" ")) yield word;
  });
  const words = [];
  for await (const event of client.stream("acme/words", { input: { text: "a b" } })) {
    if (event.event === "output") words.push(event.data);
  }
  assert.deepEqual(words, ["a", "b"]);
});

test("an exception fails the prediction", async () => {
  emulator.model("acme/broken", function broken() {
    throw new RangeError("out of memory");
  });
  await assert.rejects(client.run("acme/broken", { input: {} }), /out of memory/);
  assert.match(emulator.predictions()[0].logs, /RangeError: out of memory\n.*at .*broken/s);
});

test("a cancel aborts the signal of the run", async () => {
  const aborted = new Promise((resolve) => {
    emulator.model("acme/waits", (_, { signal }) => {
      return new Promise((end) => signal.addEventListener("abort", () => end(resolve(true))));
    });
  });
  const prediction = await client.predictions.create({ model: "acme/waits", input: {} });
  while ((await client.predictions.get(prediction.id)).status === "starting");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await client.predictions.cancel(prediction.id);
  assert.equal(await aborted, true);
});

test("any name exists with one line", async () => {
  await assert.rejects(client.run("acme/new", { input: {} }), /emulator\.script\('acme\/new'/);
  emulator.script("acme/new", { outputs: ["a", "b"] });
  assert.deepEqual(await client.run("acme/new", { input: {} }), ["a", "b"]);
  emulator.script("acme/new", { output: { n: 1 }, versions: ["v1"] });
  assert.deepEqual(await client.run("acme/new:v1", { input: {} }), { n: 1 });
  emulator.script("acme/new", { fails: "no GPU" });
  await assert.rejects(client.run("acme/new", { input: {} }), /no GPU/);
  assert.throws(() => emulator.script("new", { output: 1 }), /owner\/name/);
  assert.throws(() => emulator.model("acme/x", {}), /`run` must be a function/);
});

test("a refused redefinition keeps the model", async () => {
  emulator.model("acme/kept", () => "first");
  const input = { required: "a" };
  assert.throws(
    () => emulator.model("acme/kept", { input }, () => "second"),
    /`input\.required` must be a list/,
  );
  assert.equal(await client.run("acme/kept", { input: {} }), "first");
});

test("a model that is defined again keeps its earlier function", async () => {
  let begin, release;
  const began = new Promise((resolve) => (begin = resolve));
  const released = new Promise((resolve) => (release = resolve));
  emulator.model("acme/again", { versions: ["again-1"] }, async ({ waits }) => {
    begin();
    if (waits) await released;
    return "first";
  });
  const running = await client.predictions.create({ model: "acme/again", input: { waits: true } });
  await began;
  emulator.model("acme/again", { versions: ["again-2"], coldStart: 1800 }, () => "second");
  const starting = await client.predictions.create({ model: "acme/again", input: {} });
  emulator.model("acme/again", { versions: ["again-3"] }, () => "third");
  assert.equal(await client.run("acme/again:again-1", { input: {} }), "first");
  assert.equal(await client.run("acme/again", { input: {} }), "third");
  emulator.time.advance("30m");
  release();
  assert.equal((await client.wait(running)).output, "first");
  assert.equal((await client.wait(starting)).output, "second");
});

test("files of nullable and referenced types are read", async () => {
  const file = { type: "string", format: "uri" };
  const input = {
    type: "object",
    properties: {
      nullable: { anyOf: [file, { type: "null" }] },
      referenced: { $ref: "#/$defs/File" },
      list: { type: "array", items: { oneOf: [{ $ref: "#/$defs/File" }, { type: "null" }] } },
      either: { anyOf: [file, { type: "array", items: file }] },
      text: { anyOf: [file, { type: "string" }] },
      loop: { $ref: "#/$defs/Loop" },
    },
    $defs: { File: file, Loop: { anyOf: [{ $ref: "#/$defs/Loop" }, { type: "null" }] } },
  };
  const shown = (value) => (Buffer.isBuffer(value) ? { file: value.toString() } : value);
  emulator.model("acme/files", { input }, (given) =>
    Object.fromEntries(
      Object.entries(given).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(shown) : shown(value),
      ]),
    ),
  );
  const [a, text] = ["data:,a", "a text"];
  const given = { nullable: a, referenced: a, list: [a, null], either: [a], text, loop: null };
  const expected = { file: "a" };
  assert.deepEqual(await client.run("acme/files", { input: given }), {
    nullable: expected,
    referenced: expected,
    list: [expected, null],
    either: [expected],
    text,
    loop: null,
  });
  const others = { nullable: null, either: a };
  assert.deepEqual(await client.run("acme/files", { input: others }), { nullable: null, either: expected });
});

test("a received request shows no token of the environment", async () => {
  const { REPLICATE_API_TOKEN: token } = process.env;
  process.env.REPLICATE_API_TOKEN = "r8_real";
  try {
    await emulator.client().run("emulator/echo", { input: { value: 1 } });
  } finally {
    if (token === undefined) delete process.env.REPLICATE_API_TOKEN;
    else process.env.REPLICATE_API_TOKEN = token;
  }
  for (const { headers } of emulator.requests()) {
    assert.match(headers.authorization, /^Bearer r8_a-token-for-tests-\d+$/);
  }
});

test("an emulator with `tls` also serves HTTPS", async () => {
  const secure = new Emulator({ tls: true });
  try {
    const client = secure.client({ baseUrl: secure.tlsBaseUrl, caBundle: secure.caBundle });
    assert.equal(await client.run("emulator/echo", { input: { value: 1 } }), 1);
    const plain = new Emulator({ tls: false });
    assert.equal(plain.tlsBaseUrl, undefined);
    plain.close();
  } finally {
    secure.close();
  }
});

test("time can be advanced", async () => {
  emulator.script("acme/cold", { output: 1, coldStart: 3600 });
  const prediction = await client.predictions.create({ model: "acme/cold", input: {} });
  emulator.time.advance("1h1s");
  assert.equal((await client.wait(prediction)).output, 1);
  assert.throws(() => emulator.time.advance("soon"), /advance/);
});

test("the next requests fail", async () => {
  emulator.failNext("predictions.create", { status: 429, retryAfter: 2 });
  const rejected = await client.run("emulator/echo", { input: { value: 1 } }).catch((error) => error);
  assert.equal(rejected.code, "rate_limited");
  assert.equal(await client.run("emulator/echo", { input: { value: 1 } }), 1);
  assert.throws(() => emulator.failNext("predictions.crate"), /`predictions.crate` is not an operation/);
});

test("a pause after a 429 is not that of the next client", async () => {
  emulator.failNext("predictions.create", { status: 429, retryAfter: 60 });
  const first = emulator.client({ maxRetries: 0 });
  await assert.rejects(first.run("emulator/echo", { input: { value: 1 } }), { code: "rate_limited" });
  emulator.reset();
  assert.equal(await emulator.client().run("emulator/echo", { input: { value: 1 }, timeout: 20_000 }), 1);
});

test("assertions show differences", async () => {
  emulator.assertNotCalled();
  assert.throws(() => emulator.assertCalled("emulator/echo"), /no predictions were created at all/);
  await client.run("emulator/echo", { input: { value: 1, seed: 7 } });
  assert.equal(emulator.requests()[0].json.input.value, 1);
  emulator.assertCalled("emulator/echo", { times: 1 });
  emulator.assertCalledWith("emulator/echo", { value: 1, seed: ANY });
  emulator.assertAnyCall("emulator/echo", { value: ANY, seed: 7 });
  const wrong = () => emulator.assertCalledWith("emulator/echo", { value: 2, seed: ANY });
  assert.throws(wrong, { name: "AssertionError", message: /expected input\.value = 2, got 1/ });
  assert.throws(wrong, assert.AssertionError);
  assert.throws(() => emulator.assertNotCalled("emulator/echo"), /expected no predictions/);
});

test("assertions take a version or a deployment, and refuse a misspelled name", async () => {
  emulator.script("acme/paid", { output: 1, versions: ["paid-2", "paid-1"] });
  await client.run("acme/paid:paid-1", { input: { prompt: "a" } });
  emulator.assertNotCalled("acme/paid:paid-2");
  emulator.assertCalledWith("acme/paid:paid-1", { prompt: /a/ });
  assert.throws(() => emulator.assertNotCalled("acme/paid:paid-1"), /expected no predictions/);
  await client.deployments.predictions.create("acme", "text", { input: { prompt: "b" } });
  emulator.assertCalledWith("acme/text", { prompt: /b/ });
  for (const model of ["", "acme", "typo"])
    assert.throws(() => emulator.assertNotCalled(model), /`model` must be "owner\/name"/);
  for (const model of ["acme/piad", "acme/paid:paid-3"])
    assert.throws(() => emulator.assertNotCalled(model), new RegExp(`there is no model ${model}`));
});

test("assertions compare inputs whose data have been removed", async () => {
  await client.run("emulator/echo", { input: { value: "a" } });
  emulator.time.advance("2h");
  await eventually(() => emulator.predictions()[0].data_removed);
  for (const value of ["a", /a/]) emulator.assertCalledWith("emulator/echo", { value });
  assert.throws(() => emulator.assertCalledWith("emulator/echo", {}), /another input/);
});

test("an assertion after `close` says that the emulator has stopped", () => {
  const closed = new Emulator();
  closed.close();
  assert.throws(
    () => closed.assertNotCalled(),
    /the emulator has stopped; use it, also for assertions, before/,
  );
});

test("expected inputs may have matchers", async () => {
  for (const seed of [1, 2, 3]) {
    await client.run("emulator/echo", { input: { value: "a heron", seed, list: [1, { a: "b" }] } });
  }
  const any = (type) => ({
    asymmetricMatch: (value) => typeof value === type,
    toAsymmetricMatcher: () => `Any<${type}>`,
  });
  const list = any("object");
  emulator.assertCalledWith("emulator/echo", {
    value: /^a h/g,
    seed: any("number"),
    list: [ANY, { a: /b/ }],
  });
  emulator.assertCalledWith("emulator/echo", { asymmetricMatch: ({ seed }) => seed === 3 });
  emulator.assertAnyCall("emulator/echo", { value: /heron/, seed: 2, list });
  emulator.assertCalledWith("emulator/echo", { value: ANY, seed: 3, list, none: undefined });
  const rejects = (assert_, expected, message) =>
    assert.throws(() => emulator[assert_]("emulator/echo", expected), { name: "AssertionError", message });
  const wrong = { value: /gull/, seed: any("string"), list: ANY };
  rejects("assertCalledWith", wrong, /expected input\.value = "\/gull\/", got "a heron"/);
  rejects("assertCalledWith", wrong, /expected input\.seed = "Any<string>", got 3/);
  rejects("assertAnyCall", { value: /gull/, seed: 2, list }, /expected input\.value = "\/gull\/"/);
  rejects("assertAnyCall", { value: /heron/, seed: 4, list }, /expected input\.seed = 4, got 3/);
  rejects(
    "assertCalledWith",
    { value: ANY, seed: ANY, list, x: list },
    /input\.x = "Any<object>", got nothing/,
  );
});

test("what cannot be compared is refused", async () => {
  await client.run("emulator/echo", { input: { value: 1 } });
  const circular = {};
  circular.itself = circular;
  const refused = [
    [{ value: () => 1 }, /`input\.value`: a function cannot be sent/],
    [{ value: [new Map()] }, /`input\.value\[0\]`: a Map cannot be sent/],
    [{ value: 1n }, /`input\.value`: a bigint cannot be sent/],
    [{ value: NaN }, /`input\.value`: NaN cannot be sent/],
    [{ value: [Buffer.from("a")] }, /`input\.value\[0\]`: a file cannot be passed here; use `ANY`/],
    [{ value: circular }, /circular reference/],
    [undefined, /`input` must be an object, not undefined/],
  ];
  for (const [input, message] of refused) {
    for (const check of ["assertCalledWith", "assertAnyCall"]) {
      assert.throws(() => emulator[check]("emulator/echo", input), { name: "InvalidArgumentError", message });
    }
  }
});

test("unknown options and options of another kind are refused", () => {
  const schema = { type: "object" };
  const run = () => 1;
  const refused = [
    [() => new Emulator({ prot: 1 }), /unknown option `prot`; did you mean `port`/],
    [() => new Emulator({ tls: "yes" }), /`tls` must be a boolean, not a string/],
    [() => new Emulator(null), /the options must be an object, such as { port: ... }, not null/],
    [() => emulator.model("a/b", { inputs: schema }, run), /unknown option `inputs`; did you mean `input`/],
    [() => emulator.model("a/b", { cold_start: 1 }, run), /unknown option `cold_start`; .*`coldStart`/],
    [() => emulator.model("a/b", { versions: "v1" }, run), /`versions` must be an array, not a string/],
    [() => emulator.model("a/b", null, run), /the options must be an object.*, not null/],
    [() => emulator.model("a/b", run, { input: schema }), /`options` must be before the function/],
    [() => emulator.script("a/b"), /the options must be an object, such as { output: ... }, not undefined/],
    [() => emulator.script("a/b", { ouput: 1 }), /unknown option `ouput`; did you mean `output`/],
    [() => emulator.script("a/b", { fails: new Error("x") }), /`fails` must be a string, not an object/],
    [() => emulator.script("a/b", { output: { n: [NaN] } }), /`output\.n\[0\]`: NaN cannot be sent/],
    [
      () => emulator.script("a/b", { outputs: [Buffer.from("a")] }),
      /`outputs\[0\]`: a file cannot be passed/,
    ],
    [() => emulator.script("a/b", {}), /`output`, `outputs` or `fails` is missing/],
    [() => emulator.script("a/b", { delay: 1 }), /`output`, `outputs` or `fails` is missing/],
    [() => emulator.script("a/b", { output: "a", outputs: ["b"] }), /`outputs` are its items; pass one/],
    [() => emulator.script("a/b", { output: "a", fails: "x" }), /`output` has no effect with `fails`/],
    [() => emulator.failNext(), /`operation` must be the id of an operation/],
    [() => emulator.failNext("models.get", { staus: 429 }), /unknown option `staus`; did you mean `status`/],
    [() => emulator.failNext("models.get", { delay: "abc" }), /`delay` must be a number, not a string/],
    [() => emulator.failNext("models.get", { delay: NaN }), /`delay` must be a number, not NaN/],
    [() => emulator.failNext("models.get", { delay: -1 }), /`delay` must be 0 or more seconds, not -1$/],
    [() => emulator.failNext("models.get", { json: { n: 1n } }), /`json\.n`: a bigint cannot be sent/],
    [() => emulator.failNext("models.get", { lost: true, status: 503 }), /`lost` sends no response: omit/],
    [() => emulator.failNext("models.get", { lost: true, retryAfter: 1 }), /`lost` sends no response: omit/],
    [() => emulator.misbehave({ action: { delay_ms: NaN } }), /`\[0\]\.action\.delay_ms`: NaN/],
    [
      () => emulator.assertCalled("a/b", 2),
      /the options must be an object, such as { times: ... }, not a number/,
    ],
    [() => emulator.assertCalled("a/b", { time: 2 }), /unknown option `time`; did you mean `times`/],
  ];
  for (const [call, message] of refused) assert.throws(call, { name: "InvalidArgumentError", message });
});

test("a script may have no output, or items and then an error", async () => {
  emulator.script("acme/silent", { output: null });
  assert.equal(await client.run("acme/silent", { input: {} }), null);
  emulator.script("acme/breaks", { outputs: ["a"], fails: "out of memory" });
  await assert.rejects(client.run("acme/breaks", { input: {} }), /out of memory/);
  assert.deepEqual(emulator.predictions().at(-1).output, ["a"]);
});

test("the origin is the address of the page", async () => {
  const page = await fetch(emulator.origin);
  assert.match(page.headers.get("content-type"), /text\/html/);
  assert.ok(emulator.baseUrl.startsWith(emulator.origin));
});

/** Runs a program in another process, and returns what it prints. */
async function output(program) {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const module = JSON.stringify(new URL("../../node/testing.mjs", import.meta.url).href);
  const whole = `import { Emulator } from ${module};\nconst emulator = new Emulator();\n${program}`;
  const args = ["--input-type=module", "--eval", whole];
  return (await promisify(execFile)(process.execPath, args, { timeout: 20_000 })).stdout;
}

test("an emulator with models does not keep the process alive", async () => {
  const printed = await output(`
    emulator.model("acme/x", () => "done");
    console.log(await emulator.client().run("acme/x", { input: {} }));`);
  assert.equal(printed, "done\n");
});

test("the process lives until its functions have run, and have been canceled", async () => {
  const printed = await output(`
    const client = emulator.client();
    let started, canceled;
    const begun = new Promise((resolve) => { started = resolve; });
    const aborted = new Promise((resolve) => { canceled = resolve; });
    emulator.model("acme/waits", { coldStart: 0.2 }, (_, { signal }) => {
      started();
      return new Promise((end) => signal.addEventListener("abort", () => end(canceled())));
    });
    const { id } = await client.predictions.create({ model: "acme/waits", input: {} });
    await begun;
    console.log("started");
    await client.predictions.cancel(id);
    await aborted;
    console.log("canceled");`);
  assert.equal(printed, "started\ncanceled\n");
});

test("a session is recorded and replayed, with files and streams", async () => {
  const folder = mkdtempSync(join(tmpdir(), "replicant-cassette-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const session = async (server) => {
    const client = server.client();
    const image = await client.run("acme/double", { input: { image: Buffer.from("ab") } });
    const events = [];
    for await (const event of client.stream("acme/writer", { input: { prompt: "a heron" } }))
      events.push(`${event}`);
    return [Buffer.from(await (await image.blob()).arrayBuffer()).toString(), events];
  };
  const input = { properties: { image: { type: "string", format: "uri" } } };
  emulator.model("acme/double", { input }, ({ image }) => new Blob([image, image], { type: "image/png" }));
  emulator.script("acme/writer", { outputs: ["a ", "heron"] });
  const recorder = new Emulator({ record: folder, upstream: emulator.baseUrl });
  const recorded = await session(recorder);
  recorder.close();
  assert.equal(recorded[0], "abab");
  const player = new Emulator({ replay: folder });
  assert.deepEqual(await session(player), recorded);
  const other = player.client().run("acme/writer", { input: { prompt: "a gull" } });
  await assert.rejects(other, /expected json.input.prompt = .+a heron.+, got .+a gull/);
  player.close();
});
