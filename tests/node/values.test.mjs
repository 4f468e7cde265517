// Values that cross to the core and back are unchanged, or the error has their path.
import assert from "node:assert/strict";
import { test } from "node:test";
import Replicate, { InvalidArgumentError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

const echo = (value) => replicate.run("emulator/echo", { input: { value }, useFileOutput: false });

test("JSON values are unchanged", async () => {
  const value = {
    z: [0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER, -0.1],
    a: { "": null, 'key with "quotes" and \u0000': true, é: "😀 \u2028 \ud83d\ude00" },
    __proto__: undefined,
    empty: [{}, [], ""],
  };
  const back = await echo(value);
  assert.deepEqual(back, JSON.parse(JSON.stringify(value)));
  assert.deepEqual(Object.keys(back), ["z", "a", "empty"], "the order of properties");
});

test("a property called __proto__ is a property", async () => {
  const value = JSON.parse('{"__proto__": {"polluted": [1]}, "big": 0}');
  value.big = 1n;
  const [created] = [await replicate.predictions.create({ model: "emulator/echo", input: { value } })];
  assert.ok(Object.hasOwn(created.input.value, "__proto__"));
  assert.equal({}.polluted, undefined);
});

test("big integers are sent exactly", async () => {
  await emulator.forgetRequests();
  await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 123456789012345678901234567890n, small: 5n },
  });
  const response = await fetch(`${emulator.origin}/_emulator/requests`, { headers: { connection: "close" } });
  assert.match(await response.text(), /"value":123456789012345678901234567890,"small":5/);
});

test("undefined, dates, toJSON, boxed values and class instances are sent as by JSON.stringify", async () => {
  class Point {
    x = 1;
    #hidden = 2;
    sum() {
      return this.x + this.#hidden;
    }
  }
  class Itself {
    list = [1];
    toJSON() {
      return this;
    }
  }
  const value = {
    date: new Date(0),
    url: new URL("https://example.com/a?b"),
    undefined: undefined,
    array: [undefined, 1],
    point: new Point(),
    boxed: [new String("s"), new Number(1)],
    custom: { toJSON: (key) => ({ key }) },
    itself: new Itself(),
    bare: Object.assign(Object.create(null), { a: 1 }),
  };
  assert.deepEqual(await echo(value), JSON.parse(JSON.stringify(value)));
});

test("a value that cannot be sent is an error with its path", async () => {
  const cycle = { a: [] };
  cycle.a.push({ b: cycle });
  const cases = [
    [{ image: [{ f: () => 1 }] }, /^`input\.image\[0\]\.f`: a function cannot be sent/],
    [{ s: Symbol("x") }, /^`input\.s`: a symbol cannot be sent/],
    [{ m: new Map() }, /^`input\.m`: a Map cannot be sent; convert it with `Object\.fromEntries/],
    [{ set: [new Set()] }, /^`input\.set\[0\]`: a Set cannot be sent/],
    [{ r: new Request("https://example.com") }, /^`input\.r`: a Request cannot be sent; pass its `\.body`$/],
    [{ r: new Response("a") }, /^`input\.r`: a Response cannot be sent; pass its `\.body`$/],
    [{ p: Promise.resolve(1) }, /^`input\.p`: a Promise cannot be sent; await it first/],
    [{ r: /x/ }, /^`input\.r`: a RegExp cannot be sent/],
    [{ e: new Error("x") }, /^`input\.e`: an Error cannot be sent/],
    [{ n: Number.NaN }, /^`input\.n`: NaN cannot be sent as JSON/],
    [{ i: [Number.POSITIVE_INFINITY] }, /^`input\.i\[0\]`: Infinity cannot be sent as JSON/],
    [cycle, /^`input\.a\[0\]\.b`: circular reference/],
  ];
  await emulator.forgetRequests();
  for (const [input, message] of cases) {
    await assert.rejects(replicate.run("emulator/echo", { input }), (error) => {
      assert.ok(error instanceof InvalidArgumentError && error.code === "invalid_argument", error);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(await emulator.requests(), []);
});

test("an object can occur twice in an input", async () => {
  const shared = { a: 1 };
  assert.deepEqual(await echo([shared, shared, [shared]]), [{ a: 1 }, { a: 1 }, [{ a: 1 }]]);
});

test("invalid arguments never crash", async () => {
  const values = [
    undefined,
    null,
    0,
    -1,
    "",
    "x",
    [],
    {},
    () => {},
    Symbol("s"),
    1n,
    Number.NaN,
    new Map(),
    "a".repeat(1e6),
    "\ud800",
  ];
  // Without retries: some values reach the server and time out.
  const replicate = emulator.client({ maxRetries: 0 });
  const methods = [
    (value) => replicate.run(value, value),
    (value) => replicate.run("emulator/echo", value),
    (value) => replicate.predictions.get(value),
    (value) => replicate.predictions.get("x", { timeout: value }),
    (value) => replicate.predictions.create(value),
    (value) => replicate.models.get(value, value),
    (value) => replicate.files.create(value),
    (value) => replicate.wait(value),
    (value) => replicate.stream(value, value).next(),
  ];
  for (const method of methods) {
    for (const value of values) {
      try {
        await method(value);
      } catch (error) {
        assert.ok(error instanceof Error, `${method} of ${String(value).slice(0, 20)}: ${error}`);
        assert.notEqual(error.code, "internal", error.stack);
      }
    }
  }
});

test("a value that is nested too deeply is an error that names the argument", async () => {
  const nested = (levels) => {
    let value = 1;
    for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { a: value };
    return value;
  };
  const create = (value) => replicate.predictions.create({ model: "emulator/echo", input: { value } });
  await create(nested(999));
  for (const levels of [1000, 100_000]) {
    await assert.rejects(create(nested(levels)), {
      name: "InvalidArgumentError",
      message: "`input` must be nested at most 1000 levels deep",
      argument: "input",
    });
  }
  const list = (levels, item) => (levels ? [list(levels - 1, item)] : item);
  for (const item of [Buffer.from("x"), new Blob(["x"]), 1n]) {
    await create(list(126, item));
    for (const levels of [127, 900]) {
      await assert.rejects(create(list(levels, item)), {
        name: "InvalidArgumentError",
        message: "a file or a BigInt in `input` must be nested at most 128 levels deep",
        argument: "input",
      });
    }
  }
});

test("JSON is delivered as JSON.parse reads it", async () => {
  const deep = `${'[{"a":'.repeat(3000)}1${"}]".repeat(3000)}`;
  for (const text of [
    String.raw`"\ud83d"`,
    String.raw`{"\udc00":["\\ud83d\n"]}`,
    "[1e400,-1e400,1e-400]",
    deep,
  ]) {
    const body = `{"id":"p1","status":"succeeded","output":${text}}`;
    const exchange = { expect: {}, reply: { status: 201, text: body } };
    const { base_url: baseUrl } = await emulator.replay([exchange, exchange]);
    const replicate = new Replicate({ auth: "x", baseUrl });
    for (const output of [
      (await replicate.predictions.get("p1")).output,
      await replicate.run("acme/text", { input: {} }),
    ]) {
      if (text !== deep) assert.deepEqual(output, JSON.parse(text));
      let inner = output;
      for (let level = 0; text === deep && level < 3000; level++) inner = inner[0].a;
      if (text === deep) assert.equal(inner, 1);
    }
  }
});
