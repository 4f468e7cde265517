// Webhooks in Fastify and Hono, also in workerd, and in Next.js, and errors in Koa: the frameworks run, and the emulator delivers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { BODY, post as send, signer } from "../node/support/webhooks.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const packages = createRequire(join(process.env.PACKAGES, "package.json"));
// `replicant` is there, too, for the applications that the tests write.
const Replicate = packages("replicant");
const { MemoryStore, webhook: fastifyWebhook } = packages("replicant/webhooks/fastify");
const { webhook: honoWebhook } = packages("replicant/webhooks/hono");
const { BASE_URL: baseUrl } = process.env;
const replicate = new Replicate({ auth: "r8_a-token-for-tests", baseUrl });
const { key: secret } = await replicate.webhooks.default.secret.get();

const signed = signer(secret);

function post(url, body = BODY, headers = signed(body)) {
  return send(url, body, headers);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** Waits until `url` responds. */
async function listening(url) {
  for (let n = 0; n < 1200; n++) {
    if (await fetch(url).catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not respond`);
}

/**
 * Checks how a framework responds to all kinds of webhooks.
 *
 * @param url of a route whose handler adds the event to what `received` returns
 */
async function check(url, received) {
  const headers = signed(BODY);
  const forged = await post(url, BODY, { ...headers, "webhook-signature": "v1,bGllcw==" });
  assert.equal(forged.status, 401, forged.text);
  assert.match(forged.text, /no entry of `webhook-signature` matches/);
  assert.equal((await post(url, BODY, signed(BODY, 900))).status, 401);
  assert.equal((await post(url, JSON.stringify(JSON.parse(BODY)), headers)).status, 401);
  assert.equal((await post(url, BODY, { "content-type": "application/json" })).status, 400);
  assert.deepEqual(await received(), []);
  const large = JSON.stringify({ id: "large", output: "x".repeat(5_000_000) });
  assert.equal((await post(url, large)).status, 204);
  const { id } = await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 7 },
    webhook: url,
    webhook_events_filter: ["completed"],
  });
  for (let n = 0; (await received()).length < 2; n++) {
    assert.ok(n < 600, "the webhook did not arrive");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(await received(), ["large", id]);
}

/** A client whose token the API refuses. */
async function refusedClient() {
  const api = createServer((_request, response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end('{"detail": "internal"}');
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
  after(() => api.close());
  return new Replicate({ auth: "r8_x", baseUrl: `http://127.0.0.1:${api.address().port}/v1` });
}

/** Checks that an error of the API is responded to with 500, without its message. */
async function checkOpaque(url) {
  const { status, text } = await post(url);
  assert.equal(status, 500, text);
  assert.doesNotMatch(text, /internal"|401/);
}

/** A response of another class than that of the runtime, as libraries have. */
class OtherResponse {
  headers = new Map();
  body = null;
  constructor(status) {
    this.status = status;
  }
}

/** Checks that a handler with a store that responds with 503, and then 200, is called twice. */
async function checkRetried(url) {
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await post(url)).status);
  assert.deepEqual(statuses, [503, 200, 204], url);
}

test("Fastify", async () => {
  const events = [];
  const app = packages("fastify")();
  const handle = (event) => void events.push(event.id);
  app.register(fastifyWebhook(replicate, handle), { prefix: "/webhook" });
  app.register(fastifyWebhook(replicate, handle, { store: new MemoryStore() }), { prefix: "/once" });
  const failing = {
    sent: (reply, status) => void reply.code(status).send("sent"),
    returned: (reply, status) => reply.code(status) && "returned",
    response: (_, status) => new Response("response", { status }),
    other: (_, status) => new OtherResponse(status),
    error: (_, status) =>
      status === 200 ? "good" : Object.assign(new Error("later"), { statusCode: status }),
  };
  for (const [name, respond] of Object.entries(failing)) {
    const statuses = [503, 200];
    const handle = (_event, _request, reply) => respond(reply, statuses.shift());
    app.register(fastifyWebhook(replicate, handle, { store: new MemoryStore() }), { prefix: `/${name}` });
  }
  const unsent = [503];
  const set = (_event, _request, reply) => void (unsent.length && reply.code(unsent.shift()));
  app.register(fastifyWebhook(replicate, set, { store: new MemoryStore() }), { prefix: "/set" });
  const client = await refusedClient();
  app.register(
    fastifyWebhook(client, () => {}),
    { prefix: "/secret" },
  );
  app.register(
    fastifyWebhook(replicate, () => client.predictions.get("p1")),
    { prefix: "/handler" },
  );
  // The other routes keep their parsers. A body that they parsed cannot be verified.
  app.post("/parsed", (request) => replicate.webhooks.unwrap(request));
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  after(() => app.close());
  await check(`${origin}/webhook`, () => events);
  const parsed = await post(`${origin}/parsed`);
  assert.equal(parsed.status, 400);
  assert.match(parsed.text, /Invalid body type: /);
  events.length = 0;
  for (let n = 0; n < 2; n++) assert.equal((await post(`${origin}/once`)).status, 204);
  assert.deepEqual(events, ["p1"]);
  for (const name of Object.keys(failing)) await checkRetried(`${origin}/${name}`);
  for (const status of [503, 204, 204]) assert.equal((await post(`${origin}/set`)).status, status);
  for (const path of ["/secret", "/handler"]) await checkOpaque(origin + path);
});

/** Starts an application with one route, and returns its origin. */
const APPLICATIONS = {
  Fastify: (route) => {
    const app = packages("fastify")();
    app.get("/", route);
    after(() => app.close());
    return app.listen({ port: 0, host: "127.0.0.1" });
  },
  "Koa 2": (route) => koa("koa-2", route),
  "Koa 3": (route) => koa("koa", route),
};

async function koa(name, route) {
  const app = new (packages(name))();
  app.silent = true;
  const server = app.use(route).listen(0, "127.0.0.1");
  after(() => server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

for (const [name, start] of Object.entries(APPLICATIONS)) {
  test(`${name} sends no headers of an API error that a route throws`, async () => {
    const api = createServer((_request, response) => {
      response.writeHead(401, { "content-encoding": "gzip", "set-cookie": "session=secret" });
      response.end(gzipSync('{"detail": "bad token"}'));
    }).listen(0, "127.0.0.1");
    await once(api, "listening");
    after(() => api.close());
    const client = new Replicate({ auth: "r8_x", baseUrl: `http://127.0.0.1:${api.address().port}/v1` });
    const response = await fetch(await start(() => client.predictions.get("p1")));
    assert.equal(response.status, 401);
    assert.match(await response.text(), /"code":"authentication"|^Unauthorized$/);
    const allowed = ["connection", "content-length", "content-type", "date", "keep-alive"];
    assert.deepEqual([...response.headers.keys()].sort(), allowed);
  });
}

test("Hono", async () => {
  const events = [];
  const { Hono } = packages("hono");
  const { serve } = packages("@hono/node-server");
  const app = new Hono();
  const handler = honoWebhook(replicate, (event) => void events.push(event.id));
  app.post("/webhook", handler);
  const before = (read) => async (c, next) => {
    await read(c.req);
    await next();
  };
  app.post(
    "/parsed",
    before((request) => request.json()),
    handler,
  );
  app.post(
    "/stream",
    before((request) => request.raw.text()),
    handler,
  );
  const statuses = [503, 200];
  const respond = (_event, c) => c.text("later", statuses.shift());
  app.post("/retried", honoWebhook(replicate, respond, { store: new MemoryStore() }));
  const others = [503, 200];
  const other = () => new OtherResponse(others.shift());
  app.post("/other", honoWebhook(replicate, other, { store: new MemoryStore() }));
  const unsent = [503];
  const set = (_event, c) => {
    c.header("x-handled", "yes");
    if (unsent.length) c.status(unsent.shift());
  };
  app.post("/set", honoWebhook(replicate, set, { store: new MemoryStore() }));
  const client = await refusedClient();
  app.post(
    "/secret",
    honoWebhook(client, () => {}),
  );
  const port = await freePort();
  const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" });
  after(() => server.close());
  const origin = `http://127.0.0.1:${port}`;
  await listening(origin);
  await check(`${origin}/webhook`, () => events);
  // Hono keeps the text that it parsed.
  assert.equal((await post(`${origin}/parsed`)).status, 204);
  const read = await post(`${origin}/stream`);
  assert.equal(read.status, 400);
  assert.match(read.text, /already read/);
  await checkRetried(`${origin}/retried`);
  await checkRetried(`${origin}/other`);
  for (const status of [503, 204, 204]) assert.equal((await post(`${origin}/set`)).status, status);
  await checkOpaque(`${origin}/secret`);
});

const withoutWeb = !existsSync(join(root, "node/dist/web/replicant.wasm")) && "needs `make web`";

test("Hono in workerd, with the WebAssembly build", { skip: withoutWeb }, async () => {
  const folder = join(process.env.PACKAGES, "worker");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "worker.mjs"),
    `import { Hono } from "hono";
import Replicate from "replicant";
import { webhook } from "replicant/webhooks/hono";
const events = [];
const app = new Hono();
app.post("/webhook", webhook(
  (c) => new Replicate({ auth: c.env.TOKEN, baseUrl: c.env.BASE_URL }),
  (event) => void events.push(event.id),
  (c) => ({ secret: c.env.SECRET }),
));
app.get("/events", (c) => c.json(events));
export default app;
`,
  );
  const bundled = join(folder, "bundled.mjs");
  await packages("esbuild").build({
    entryPoints: [join(folder, "worker.mjs")],
    outfile: bundled,
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["*.wasm"],
    plugins: [externalWasm(folder)],
    logLevel: "error",
  });
  const port = await freePort();
  const binding = (name, text) => `(name = "${name}", text = "${text}")`;
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "bundled.mjs"), (name = "./replicant.wasm", wasm = embed "replicant.wasm")],
      bindings = [${[binding("TOKEN", "r8_x"), binding("BASE_URL", baseUrl), binding("SECRET", secret)].join(", ")}],
      compatibilityDate = "2026-01-01",
    )),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
  );
  const workerd = createRequire(join(root, "package.json"))("workerd").default;
  const child = spawn(workerd, ["serve", join(folder, "config.capnp")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  after(() => child.kill());
  const origin = `http://127.0.0.1:${port}`;
  await listening(origin);
  await check(`${origin}/webhook`, async () => (await fetch(`${origin}/events`)).json());
});

/** Copies the WebAssembly module beside the bundle, which imports it. */
function externalWasm(folder) {
  return {
    name: "wasm",
    setup(build) {
      build.onResolve({ filter: /\.wasm$/ }, async ({ path, resolveDir }) => {
        const { copyFileSync } = await import("node:fs");
        copyFileSync(join(resolveDir, path), join(folder, "replicant.wasm"));
        return { path: "./replicant.wasm", external: true };
      });
    },
  };
}

for (const bundler of ["webpack", "turbopack"]) {
  test(`Next.js with ${bundler}, app router and pages router`, () => next(bundler));
}

async function next(bundler) {
  const folder = join(process.env.PACKAGES, `next-${bundler}`);
  rmSync(folder, { recursive: true, force: true });
  const write = (path, text) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const client = `const replicate = new Replicate({ auth: "r8_x", baseUrl: "${baseUrl}" });
const events = (globalThis.events ??= { app: [], pages: [] });`;
  write("package.json", '{"private": true, "type": "module"}');
  write(
    "next.config.mjs",
    `export default { serverExternalPackages: ["replicant"], outputFileTracingRoot: ${JSON.stringify(root)} };\n`,
  );
  write(
    "app/layout.js",
    'export default function Layout({ children }) { return <html lang="en"><body>{children}</body></html>; }\n',
  );
  write(
    "app/webhook/route.js",
    `import Replicate from "replicant";
import { webhook } from "replicant/webhooks/next";
${client}
export const POST = webhook(replicate, (event) => void events.app.push(event.id));
export const GET = () => Response.json(events);
`,
  );
  write(
    "app/retried/route.js",
    `import Replicate from "replicant";
import { MemoryStore, webhook } from "replicant/webhooks/next";
${client}
const statuses = [503, 200];
const respond = () => new Response("later", { status: statuses.shift() });
export const POST = webhook(replicate, respond, { store: new MemoryStore() });
`,
  );
  write(
    "pages/api/retried.js",
    `import Replicate from "replicant";
import { apiRoute, MemoryStore } from "replicant/webhooks/next";
${client}
export const config = { api: { bodyParser: false } };
const statuses = [503, 200];
const respond = (_event, _request, response) => response.status(statuses.shift()).send("later");
export default apiRoute(replicate, respond, { store: new MemoryStore() });
`,
  );
  for (const [name, config] of [
    ["raw", "export const config = { api: { bodyParser: false } };"],
    ["parsed", ""],
  ]) {
    write(
      `pages/api/${name}.js`,
      `import Replicate from "replicant";
import { apiRoute } from "replicant/webhooks/next";
${client}
${config}
export default apiRoute(replicate, (event) => void events.pages.push(event.id));
`,
    );
  }
  const port = await freePort();
  const bin = packages.resolve("next/dist/bin/next");
  const server = spawn(
    process.execPath,
    [bin, "dev", `--${bundler}`, "-p", String(port), "-H", "127.0.0.1"],
    {
      cwd: folder,
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_OPTIONS: "", NODE_TEST_CONTEXT: "" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    },
  );
  let output = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (data) => (output += data));
  after(() => process.kill(-server.pid, "SIGKILL"));
  const origin = `http://127.0.0.1:${port}`;
  try {
    await listening(`${origin}/webhook`);
    const received = async (router) => (await (await fetch(`${origin}/webhook`)).json())[router];
    await check(`${origin}/webhook`, () => received("app"));
    await check(`${origin}/api/raw`, () => received("pages"));
    await checkRetried(`${origin}/retried`);
    await checkRetried(`${origin}/api/retried`);
    const parsed = await post(`${origin}/api/parsed`);
    assert.equal(parsed.status, 400, parsed.text);
    assert.match(parsed.text, /^Invalid body type: /);
  } catch (error) {
    console.error(output);
    throw error;
  }
}
