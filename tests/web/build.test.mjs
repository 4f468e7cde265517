// The WebAssembly build as a package: exports, what it refuses, runtimes that it recognizes, waiting for cancels.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as native from "../../node/index.mjs";
import { startEmulator, TOKEN } from "../node/support/emulator.mjs";
import { loadBuild, skip, test } from "./support/build.mjs";

const emulator = skip || (await startEmulator());
const web = skip ? {} : await loadBuild();
const entry = fileURLToPath(new URL("../../node/web/index.mjs", import.meta.url));
const client = (options) => new web.Replicate({ auth: TOKEN, baseUrl: emulator.base_url, ...options });

/** Runs code with the build in another process, with globals of another runtime. */
function inRuntime(globals, code) {
  const program = `
    for (const [name, value] of Object.entries(${globals})) {
      Object.defineProperty(globalThis, name, { value, configurable: true });
    }
    const web = await import(${JSON.stringify(entry)});
    const { Replicate } = web;
    const failed = (run) => { try { run(); } catch (error) { return [error.name, error.argument, error.message]; } };
    console.log(JSON.stringify(await (async () => { ${code} })()));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
  assert.equal(stderr.toString(), "");
  return JSON.parse(stdout.toString());
}

const PAGE = `{
  document: {},
  navigator: { userAgent: "Mozilla/5.0" },
  location: { href: "https://example.com/app/", origin: "https://example.com" },
  process: undefined,
}`;

test("the build exports the names of the native one", async () => {
  const entries = await import(entry);
  assert.deepEqual(Object.keys(entries).sort(), Object.keys(native).sort());
  assert.equal(entries.default, entries.Replicate);
});

test("what needs an operating system is an error that names the runtime and the alternative", async () => {
  const { UnsupportedError } = web;
  const [image] = await client().run("black-forest-labs/flux-schnell", { input: { prompt: "a" } });
  await emulator.forgetRequests();
  const saves = [() => image.save("a.webp"), () => client().saveAll([image], "images")];
  for (const save of saves) {
    await assert.rejects(save, (error) => {
      assert.ok(error instanceof UnsupportedError, error.stack);
      assert.match(error.message, /^not supported in Node: saving a file .* stream, or import "replicant\/native"$/);
      return true;
    });
  }
  for (const [name, value] of Object.entries({ proxy: "http://127.0.0.1:1", caBundle: "ca.pem", http2: false })) {
    assert.throws(
      () => client({ [name]: value }),
      (error) => {
        assert.ok(error instanceof UnsupportedError, error.stack);
        assert.equal(error.argument, name);
        assert.match(error.message, new RegExp(`\`${name}\` needs the sockets of an operating system; pass a \`fetch\``));
        return true;
      },
    );
  }
  assert.throws(() => new web.Emulator(), /^UnsupportedError: not supported in Node: the emulator needs/);
  assert.deepEqual(await emulator.requests(), []);
});

test("an exception in progress, or an abort, with the last state ends the run", async () => {
  const thrown = new Error("in the callback");
  const controller = new AbortController();
  const run = (options, end) =>
    client().run("emulator/echo", { input: { value: 1 }, ...options }, ({ status }) => {
      if (status === "succeeded") end();
    });
  const throwing = run({}, () => {
    throw thrown;
  });
  await assert.rejects(throwing, (error) => error === thrown);
  const aborting = run({ signal: controller.signal }, () => controller.abort(thrown));
  await assert.rejects(aborting, (error) => error === thrown);
});

test("a start that failed is tried again", () => {
  const core = JSON.stringify(new URL("../../node/dist/web/core.mjs", import.meta.url));
  const code = `
    const { connect } = await import(${core} + "?again");
    const { compile } = await import(${core.replace("core", "wasm")});
    try { connect(() => { throw new Error("not allowed"); }); } catch (error) {
      return [error.message, typeof connect(compile)("api").Replicate];
    }`;
  assert.deepEqual(inRuntime("{}", code), ["not allowed", "function"]);
});

test("a runtime without WebAssembly, such as Hermes, says so", () => {
  const wasm = JSON.stringify(new URL("../../node/dist/web/wasm.mjs", import.meta.url));
  const code = `
    const { compile } = await import(${wasm});
    const saved = globalThis.WebAssembly;
    delete globalThis.WebAssembly;
    try { compile(); } catch (error) { return error.message; } finally { globalThis.WebAssembly = saved; }`;
  assert.match(inRuntime("{}", code), /^this runtime has no WebAssembly.*a route of your server/);
});

test("null and empty text are no options", async () => {
  const [userAgent, fileEncodingStrategy, useFileOutput] = [null, null, null];
  for (const fetch of [null, ""]) {
    const made = client({ userAgent, fileEncodingStrategy, useFileOutput, fetch });
    assert.equal((await made.accounts.current()).type, "organization");
  }
});

test("the error names the runtime", () => {
  const code = `return failed(() => new Replicate({ auth: "x", proxy: "http://127.0.0.1:1" }))`;
  const [, , worker] = inRuntime('{ navigator: { userAgent: "Cloudflare-Workers" } }', code);
  assert.match(worker, /^not supported in Cloudflare Workers: `proxy` needs .* connects this way$/);
  const [, , edge] = inRuntime('{ EdgeRuntime: "edge-runtime" }', code);
  assert.match(edge, /^not supported in the Edge runtime: /);
  const [, , deno] = inRuntime('{ navigator: { userAgent: "Deno/2.0" }, process: undefined }', code);
  assert.match(deno, /^not supported in Deno: .*, or import "replicant\/native"$/);
});

test("a page must not have a token, unless that is allowed", () => {
  const code = `return [
    failed(() => new Replicate({ auth: "r8_secret" })),
    failed(() => new Replicate({ auth: "r8_secret", dangerouslyAllowBrowser: true })),
    failed(() => new Replicate()),
    new Replicate({ baseUrl: "/api/replicate" }).toJSON().baseUrl,
  ]`;
  const [refused, allowed, without] = inRuntime(PAGE, code);
  assert.deepEqual(refused.slice(0, 2), ["InvalidArgumentError", "auth"]);
  assert.match(refused[2], /set `baseUrl` to your own server/);
  assert.doesNotMatch(refused[2], /secret/);
  assert.equal(allowed, undefined ?? null);
  assert.equal(without, undefined ?? null);
});

test("a page must not have a token in headers, however they are given", () => {
  const code = `
    let sent = 0;
    const fetch = async () => { sent++; return Response.json({ id: "p1", status: "succeeded", input: {}, urls: {} }); };
    const options = { baseUrl: "/api/replicate", fetch };
    const own = { authorization: "Bearer r8_secret" };
    const upper = { AUTHORIZATION: "Bearer r8_secret" };
    const rejected = async (call) => { try { await call(); } catch (error) { return [error.name, error.argument, error.message]; } };
    const made = new Replicate(options);
    const read = async (stream) => { for await (const _ of stream); };
    const hooked = new Replicate({ ...options, onRequest: ({ headers }) => headers.set("Authorization", "Bearer r8_secret") });
    const allowed = new Replicate({ ...options, headers: own, dangerouslyAllowBrowser: true });
    const refused = [
      failed(() => new Replicate({ ...options, headers: own })),
      failed(() => new Replicate({ ...options, headers: upper })),
      await rejected(() => made.predictions.get("p1", { headers: own })),
      await rejected(() => made.predictions.get("p1", { headers: new Headers(upper) })),
      await rejected(() => made.run("acme/painter", { input: {}, headers: upper })),
      await rejected(() => read(made.stream("acme/painter", { input: {}, headers: own }))),
      await rejected(() => made.request("/predictions", { headers: new Headers(own) })),
      await rejected(() => hooked.predictions.get("p1")),
    ];
    const session = { headers: { Authorization: "Bearer eyJhbGciOi" } };
    const ids = [allowed.predictions.get("p1", { headers: upper }), made.predictions.get("p1"), made.predictions.get("p1", session)];
    return [refused, sent, ...(await Promise.all(ids)).map(({ id }) => id)];`;
  const [refused, sent, ...answered] = inRuntime(PAGE, code);
  for (const [name, argument, message] of refused) {
    assert.deepEqual([name, argument], ["InvalidArgumentError", "headers"], message);
    assert.match(message, /^options: `headers` must not contain a token in a web page.* set `baseUrl` to your own server/);
    assert.doesNotMatch(message, /secret/);
  }
  assert.equal(refused.length, 8);
  assert.equal(sent, 0);
  assert.deepEqual(answered, ["p1", "p1", "p1"]);
});

test("a path is resolved against the origin, also in a worker made from a Blob", () => {
  const code = `
    let sent;
    const fetch = async (url) => { sent = String(url); return Response.json({}); };
    await new Replicate({ baseUrl: "/api/replicate", fetch }).predictions.get("p1");
    location.origin = "null";
    return [sent, failed(() => new Replicate({ baseUrl: "/api/replicate" }))];`;
  const blob = PAGE.replace("https://example.com/app/", "blob:https://example.com/5f0c");
  const [url, ofFile] = inRuntime(blob, code);
  assert.equal(url, "https://example.com/api/replicate/predictions/p1");
  assert.deepEqual(ofFile.slice(0, 2), ["InvalidArgumentError", "baseUrl"]);
});

test("a page is told to begin the path of its own server with a slash", () => {
  const code = `return ["api/replicate", "./api", "proxy.example"].map((baseUrl) => failed(() => new Replicate({ baseUrl })))`;
  for (const [name, argument, message] of inRuntime(PAGE, code)) {
    assert.deepEqual([name, argument], ["InvalidArgumentError", "baseUrl"]);
    assert.match(message, /^`baseUrl` must be a path that begins with "\/", such as "\/api\/replicate", or a URL, not "/);
  }
});

test("a page sends exactly the headers and methods that a server of another origin is told to allow", () => {
  const documentation = readFileSync(new URL("../../docs/edge.md", import.meta.url), "utf8");
  const listed = (name) => documentation.match(new RegExp(`Access-Control-Allow-${name}: (.*)`))[1].split(", ").sort();
  const code = `
    const done = { id: "p1", status: "succeeded", output: ["a"], input: {}, urls: {} };
    const running = { ...done, status: "processing", urls: { stream: "https://proxy.example/stream" } };
    const types = { stream: "text/event-stream", file: "application/octet-stream" };
    // The first response with a stream or a file breaks, so that it is resumed.
    const parts = {
      stream: ["event: output\\nid: 1\\ndata: a\\n\\n", "event: output\\nid: 2\\ndata: b\\n\\nevent: done\\ndata: {}\\n\\n"],
      file: ["ab", "c"],
    };
    const broken = (text) => new ReadableStream({
      pull: (controller) => text ? (controller.enqueue(new TextEncoder().encode(text)), (text = "")) : controller.error(new TypeError("network error")),
    });
    const [methods, names] = [new Set(), new Set()];
    const fetch = async (url, { method, headers }) => {
      methods.add(method);
      for (const name of Object.keys(headers)) names.add(name.toLowerCase());
      const { pathname } = new URL(url);
      const [, kind] = pathname.split("/");
      if (!(kind in parts)) {
        if (method === "DELETE") return new Response(null, { status: 204 });
        return Response.json(pathname.endsWith("predictions") ? running : { ...done, results: [] }, { status: method === "POST" ? 201 : 200 });
      }
      const [first, second] = parts[kind];
      const resumed = "Range" in headers || "Last-Event-Id" in headers;
      const range = kind === "file" ? { etag: '"x"', "content-length": resumed ? "1" : "3", ...(resumed ? { "content-range": "bytes 2-2/3" } : {}) } : {};
      return new Response(resumed ? second : broken(first), { status: resumed && kind === "file" ? 206 : 200, headers: { "content-type": types[kind], ...range } });
    };
    const replicate = new Replicate({ baseUrl: "https://proxy.example/v1", fetch });
    let text = "";
    for await (const event of replicate.stream("acme/writer", { input: {} })) text += event;
    const file = await (await replicate.predictions.output("https://proxy.example/file")).text();
    await replicate.run("acme/writer", { input: {}, timeout: 60_000 });
    await replicate.files.create(new Blob(["a"]));
    await replicate.models.search("writer");
    await replicate.deployments.update("acme", "writer", { min_instances: 1 });
    await replicate.deployments.delete("acme", "writer");
    return [text, file, [...methods].sort(), [...names]];`;
  const [text, file, methods, names] = inRuntime(PAGE, code);
  assert.deepEqual([text, file], ["ab", "abc"]);
  assert.deepEqual(methods, listed("Methods"));
  // Browsers ask about neither: they set the first themselves, and any page may set the second.
  const asked = names.filter((name) => !["accept-encoding", "accept"].includes(name));
  assert.deepEqual(asked.sort(), listed("Headers"));
});

test("a page sends requests to a path of its own server", () => {
  const code = `
    let sent;
    const fetch = async (url, init) => { sent = [String(url), init.redirect, Object.keys(init.headers)]; return Response.json({}); };
    await new Replicate({ baseUrl: "/api/replicate", fetch }).predictions.get("p1");
    return sent`;
  const [url, redirect, headers] = inRuntime(PAGE, code);
  assert.equal(url, "https://example.com/api/replicate/predictions/p1");
  assert.equal(redirect, "follow");
  assert.ok(!headers.includes("Authorization"), headers.join());
});

test("a page reads the response of a request to a path of its own server", () => {
  const code = `
    const fetch = async (url) => Response.json({ url: String(url) }, { status: 201 });
    const urls = [];
    for (const baseUrl of ["/api/replicate", "", "https://proxy.example/v1"]) {
      const response = await new Replicate({ baseUrl, fetch }).request("/account", { params: { list: ["a", 2] } });
      urls.push([response.statusText, response.url, (await response.json()).url]);
    }
    return urls;`;
  const bases = ["https://example.com/api/replicate", "https://api.replicate.com/v1", "https://proxy.example/v1"];
  assert.deepEqual(
    inRuntime(PAGE, code),
    bases.map((base) => ["Created", "", `${base}/account?list=a%2C2`]),
  );
});

test("a page sends the headers that its program sets", () => {
  const code = `
    let sent;
    const fetch = async (_, { headers }) => { sent = headers; return Response.json({ id: "p1" }); };
    const headers = { "Cache-Control": "max-age=0", "X-Tenant": "acme" };
    const seen = [];
    for (const options of [{ headers, userAgent: "acme/1.0" }, {}]) {
      await new Replicate({ baseUrl: "/api/replicate", fetch, ...options }).predictions.get("p1");
      seen.push(["Cache-Control", "X-Tenant", "User-Agent"].map((name) => new Headers(sent).get(name)));
    }
    return seen;`;
  assert.deepEqual(inRuntime(PAGE, code), [
    ["max-age=0", "acme", "acme/1.0"],
    [null, null, null],
  ]);
});

test("an aborted upload of a page reads its source no further", () => {
  const code = `
    const ends = [];
    for (const stalls of [false, true]) {
      const controller = new AbortController();
      let fetched = false;
      let read = 0;
      let source;
      const ended = new Promise((resolve) => {
        source = new ReadableStream({
          async pull(stream) {
            await new Promise((resolve) => setTimeout(resolve));
            if (++read === 50) controller.abort(new Error("enough"));
            if (read === 2000) {
              resolve("read to its end");
              stream.close();
            } else if (read < 50 || !stalls) stream.enqueue(new Uint8Array(1e5));
            else setTimeout(resolve, 10_000, "not canceled");
          },
          cancel: () => resolve("canceled"),
        });
      });
      const fetch = async () => { fetched = true; return Response.json({}); };
      const replicate = new Replicate({ baseUrl: "/api/replicate", fetch });
      const outcome = await replicate.files.create(source, {}, { signal: controller.signal }).catch(({ message }) => message);
      ends.push([outcome, await ended, fetched]);
    }
    return ends;`;
  assert.deepEqual(inRuntime(PAGE, code), Array(2).fill(["enough", "canceled", false]));
});

/** Uploads a large file and a large stream, with a `fetch` that converts a stream to text as some browsers do. */
const UPLOADS = `
  const file = new File([new Uint8Array(3e6)], "a.bin");
  const stream = file.stream();
  const sent = [];
  const fetch = async (url, { headers, body }) => {
    const content = body instanceof ReadableStream ? String(body) : body;
    const text = await new Response(content).text();
    const boundary = /boundary=(.*)/.exec(headers["Content-Type"])?.[1];
    const zeros = text.split("\\0").length - 1;
    sent.push([zeros, text.trimEnd().endsWith(boundary + "--")]);
    return Response.json({ id: "f1", name: "a", size: zeros, urls: { get: "https://example.com/f1" } });
  };
  const replicate = new Replicate({ baseUrl: "https://example.com/api", fetch });
  await replicate.files.create(file);
  await replicate.files.create(stream);
  return sent;`;

test("a page sends a large file and a stream as one body, because it cannot stream them", () => {
  const sent = inRuntime(PAGE, UPLOADS);
  assert.deepEqual(sent, Array(2).fill([3e6, true]));
});

test("a large file and a stream are sent where `fetch` cannot read Blobs, as under jsdom", () => {
  const sent = inRuntime(PAGE, UPLOADS.replace("const sent", "delete Blob.prototype.stream; const sent"));
  assert.deepEqual(sent, Array(2).fill([3e6, true]));
});

test("a runtime without streams in requests sends a large file and a stream as one body", () => {
  const convert = (init) => (init?.body === undefined ? {} : { "content-type": "text/plain;charset=UTF-8" });
  const globals = `{ Request: class { constructor(_, init) { this.headers = new Headers((${convert})(init)); } } }`;
  const sent = inRuntime(globals, UPLOADS);
  assert.deepEqual(sent, Array(2).fill([3e6, true]));
});

test("the host of a base URL can be in another script", async () => {
  let sent;
  const fetch = async (url) => {
    sent = String(url);
    return Response.json({});
  };
  await client({ baseUrl: "https://b\u00fccher.example/v1", fetch }).predictions.get("p1");
  assert.equal(sent, "https://xn--bcher-kva.example/v1/predictions/p1");
});

test("numbers of every kind are sent and received exactly", async () => {
  let sent;
  const numbers = [0.30000000000000004, 1e23, 5e-324, 1.7976931348623157e308, -0.1, 9007199254740993, 2 ** 64, 7];
  for (let n = 0; n < 2000; n++) {
    numbers.push(Math.random() * 10 ** (n % 40), new Float64Array(new BigInt64Array([randomBits()]).buffer)[0]);
  }
  const input = { numbers: numbers.filter(Number.isFinite), big: 123456789012345678901234567890n, half: "\ud83d" };
  const fetch = async (_, { body }) => {
    sent = JSON.parse(await new Response(body).text());
    const output = sent.input.numbers;
    return Response.json({ id: "p1", status: "succeeded", output, input: {}, urls: {} });
  };
  const output = await client({ fetch }).run("acme/painter", { input });
  assert.deepEqual(sent.input.numbers, input.numbers);
  assert.deepEqual(output, input.numbers);
});

test("a call that fails waits for no other call", async () => {
  const replicate = client();
  const controller = new AbortController();
  const options = { input: {}, wait: { mode: "block", timeout: 60 }, signal: controller.signal };
  const held = replicate.run("emulator/endless", options).catch(() => {});
  await emulator.until((state) => state.active_holds === 1);
  await assert.rejects(replicate.run("emulator/missing", { input: {} }), { code: "not_found" });
  const text = replicate.stream("emulator/stream", { input: { chunks: ["a"], repeat: 1000, pause: 0.01 } });
  for await (const _ of text) break;
  assert.equal((await emulator.state()).active_holds, 1, "it waited for the create of the first call");
  controller.abort();
  await emulator.advance(60);
  await held;
});

/** Returns 64 random bits. */
function randomBits() {
  return BigInt.asIntN(64, (BigInt(Math.floor(Math.random() * 2 ** 32)) << 32n) | BigInt(Math.floor(Math.random() * 2 ** 32)));
}

test("a variable that a Deno program may not read is not asked for", () => {
  const globals = `{
    Deno: { permissions: { querySync: () => ({ state: "prompt" }) } },
    process: { get env() { throw new Error("it asks"); } },
  }`;
  assert.deepEqual(inRuntime(globals, "return new Replicate().auth ?? null"), null);
});

test("a request that the runtime refuses is not sent again, and was not sent", async () => {
  // What Deno throws, without --allow-net and for a port that `fetch` blocks.
  const denied = new Error('Requires net access to "127.0.0.1:1", run again with the --allow-net flag');
  denied.name = "NotCapable";
  const blocked = new TypeError("Fetch failed: Requests to port 6000 are blocked");
  const refusals = [
    [() => Promise.reject(denied), /^`fetch` failed: Requires net access to/],
    [() => Promise.reject(blocked), /^`fetch` failed: .*port 6000 are blocked: cannot connect to 127/],
    // Node blocks it, too.
    [() => globalThis.fetch("http://127.0.0.1:6000/"), /^`fetch` failed: .*bad port: cannot connect to 127/],
  ];
  for (const [refuse, message] of refusals) {
    let called = 0;
    const fetch = () => {
      called++;
      return refuse();
    };
    const replicate = client({ fetch });
    const calls = [
      () => replicate.predictions.create({ model: "acme/painter", input: {} }),
      () => replicate.predictions.get("p1"),
      () => replicate.run("acme/painter", { input: {} }),
    ];
    for (const [index, call] of calls.entries()) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof web.ConnectionError, error.stack);
        assert.match(error.message, message);
        assert.notEqual(error.outcomeUnknown, true);
        return true;
      });
      assert.equal(called, index + 1);
    }
  }
});

test("the headers of an error are not its own properties, which frameworks copy", async () => {
  await assert.rejects(client().predictions.get("nothing-there"), ({ headers }) => {
    assert.deepEqual(Object.keys(headers), []);
    return /json/.test(headers.get("content-type"));
  });
});

test("a stream that was read is refused, and the error of one is the cause", async () => {
  const echo = (value) => client().run("emulator/echo", { input: { value } });
  const started = new ReadableStream({
    start(controller) {
      for (const text of ["abc", "de"]) controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  const reader = started.getReader();
  await reader.read();
  reader.releaseLock();
  assert.equal((await client().files.create(started)).size, 2);
  const read = new Blob(["abc"]).stream();
  for await (const _ of read);
  for (const stream of [started, read]) {
    await assert.rejects(echo(stream), { name: "InvalidArgumentError", argument: "input.value" });
  }
  const cause = new Error("no such sector");
  const failing = new ReadableStream({ pull: (controller) => controller.error(cause) });
  await assert.rejects(echo(failing), { name: "FileNotFoundError", cause });
});

test("callbacks run in the async context of their call", async () => {
  const storage = new AsyncLocalStorage();
  const seen = [];
  const fetched = [];
  const fetch = (...given) => {
    fetched.push(storage.getStore());
    return globalThis.fetch(...given);
  };
  const run = (name) =>
    storage.run(name, () =>
      client({ fetch }).run("emulator/echo", { input: { value: 1 } }, () => seen.push(storage.getStore())),
    );
  await Promise.all([run("a"), run("b")]);
  assert.deepEqual(new Set(seen), new Set(["a", "b"]));
  assert.deepEqual(new Set(fetched), new Set(["a", "b"]));
});

test("an abandoned run waits for its cancel, or passes it to waitUntil", async () => {
  const wait = { mode: "block", timeout: 60 };
  const reason = new Error("enough");
  const abandoned = async (replicate) => {
    const controller = new AbortController();
    const run = replicate.run("emulator/endless", { input: {}, wait, signal: controller.signal });
    const rejected = assert.rejects(run, (error) => error === reason);
    await emulator.until((state) => state.active_holds === 1);
    controller.abort(reason);
    return { rejected };
  };
  const { rejected } = await abandoned(client());
  await emulator.advance(60);
  await rejected;
  const latest = async () => (await emulator.client().predictions.list()).results[0].status;
  assert.equal(await latest(), "canceled");

  const passed = [];
  const replicate = client({ waitUntil: (promise) => passed.push(promise) });
  await (await abandoned(replicate)).rejected;
  assert.equal((await emulator.state()).active_holds, 1, "it waited for the create");
  await emulator.advance(60);
  assert.equal(passed.length, 1);
  await Promise.all(passed);
  assert.equal(await latest(), "canceled");
  assert.throws(() => client({ waitUntil: true }), { argument: "waitUntil" });
});

test("hooks and loggers are called", async () => {
  const called = [];
  const replicate = client({
    onRequest: ({ method, headers }) => {
      called.push(method);
      headers.set("x-tenant", "acme");
    },
    onResponse: ({ status }) => called.push(status),
    logger: { debug() {}, info: (line) => called.push(line), warn() {}, error() {} },
    logLevel: "debug",
  });
  await emulator.forgetRequests();
  await replicate.run("emulator/echo", { input: { value: 1 } });
  assert.ok(called.includes("POST") && called.includes(201), called.join());
  assert.ok(called.some((line) => String(line).startsWith("replicant: ")), called.join());
  const [request] = await emulator.requests("POST");
  assert.equal(request.headers["x-tenant"], "acme");
});

test("the heap and the memory of the module stay flat over many streams", () => {
  const program = `
    const { Replicate } = await import(${JSON.stringify(entry)});
    const options = { auth: "x", baseUrl: ${JSON.stringify(emulator.base_url)} };
    const input = { chunks: ["0123456789"], repeat: 500 };
    const run = async (count) => {
      for (let n = 0; n < count; n++) {
        for await (const _ of new Replicate(options).stream("emulator/stream", { input }));
      }
      for (let n = 0; n < 3; n++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        gc();
      }
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = await run(15);
    console.log((await run(30)) - before);`;
  const flags = ["--expose-gc", "--input-type=module", "-e", program];
  const { stdout, stderr } = spawnSync(process.execPath, flags);
  assert.equal(stderr.toString(), "");
  // Two closures for each chunk, which a timer once left behind, are 50 KiB for each stream.
  const perStream = Number(stdout) / 30;
  assert.ok(perStream < 16 * 1024, `${perStream} bytes per stream`);
});
