// An emulator lives as long as what uses it, and no longer than the process that started it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { Emulator } from "../../node/testing.mjs";
import { eventually } from "./support/emulator.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Collects garbage until finalizers have run. */
async function collected() {
  for (let n = 0; n < 5; n++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a client keeps its emulator alive", async () => {
  const client = new Emulator().client();
  await collected();
  assert.equal(await client.run("emulator/echo", { input: { value: 1 } }), 1);
});

test("what a client returns keeps the emulator alive", async () => {
  const make = () => new Emulator({ timeScale: 0.5 }).client();
  const { predictions } = make();
  const [file] = await make().run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  const events = make().stream("emulator/stream", { input: { chunks: ["a", "b"] } });
  const call = make().run("emulator/echo", { input: { value: "late", delay: 0.3 } });
  const page = await make().models.list();
  await collected();
  assert.equal((await predictions.create({ model: "emulator/echo", input: { value: 1 } })).error, null);
  assert.ok((await file.blob()).size > 0);
  assert.equal((await events.next()).value.data, "a");
  assert.equal(await call, "late");
  assert.ok(Array.isArray(page.results));
});

/** Waits until the emulator at a URL has ended. */
function ended(baseUrl) {
  const refused = () =>
    fetch(`${baseUrl}/hardware`)
      .then(() => false)
      .catch(() => true);
  return eventually(refused);
}

test("an emulator without clients stops", async () => {
  const baseUrl = (() => new Emulator().baseUrl)();
  await collected();
  await ended(baseUrl);
});

test("a closed emulator frees its port", async () => {
  const first = new Emulator();
  const port = Number(new URL(first.baseUrl).port);
  assert.throws(() => new Emulator({ port }), { message: new RegExp(`cannot listen on 127.0.0.1:${port}`) });
  first.close();
  first.close();
  const second = new Emulator({ port });
  assert.equal(await second.client().run("emulator/echo", { input: { value: 1 } }), 1);
  await second[Symbol.asyncDispose ?? "close"]();
  await assert.rejects(fetch(second.baseUrl));
});

/** Ends an emulator while functions run for it, in another process. Returns how that and the functions end. */
async function interrupted(end) {
  const program = `${start}
    const { execFileSync } = require("node:child_process");
    const emulator = new Emulator();
    const client = emulator.client({ maxRetries: 0 });
    const create = (model) => client.predictions.create({ model, input: {} });
    const ends = [];
    process.on("exit", () => console.log(ends.sort().join()));
    let waiting, yielding;
    const both = Promise.all([
      new Promise((resolve) => { waiting = resolve; }),
      new Promise((resolve) => { yielding = resolve; }),
    ]);
    emulator.model("acme/waits", (_, { signal }) => new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => { ends.push("aborted"); reject(signal.reason); });
      waiting();
    }));
    emulator.model("acme/yields", async function* () {
      try {
        for (;;) {
          yield 1;
          yielding();
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        ends.push("returned");
      }
    });
    create("acme/waits").then(() => create("acme/yields")).then(() => both).then(() => { ${end} });`;
  const { child, line, printed } = await run(program);
  return { line, printed: await printed, code: child.exitCode };
}

const interruption = { line: "aborted,returned", printed: "", code: 0 };

test("closing an emulator ends the functions that run for it", async () => {
  assert.deepEqual(await interrupted("emulator.close();"), interruption);
});

test("the death of an emulator ends the functions that run for it", async () => {
  const kill = `process.kill(execFileSync("pgrep", ["-P", process.pid, "replicant"]), "SIGKILL");`;
  assert.deepEqual(await interrupted(kill), interruption);
});

test("options out of range are refused", () => {
  assert.throws(() => new Emulator({ timeScale: -1 }), /time_scale must be above 0/);
  assert.throws(() => new Emulator({ port: -1 }), /--port needs a number from 0 to 65535, not "-1"/);
});

const testing = new URL("../../node/testing.cjs", import.meta.url);
const load = (path) => `const { Emulator } = require(${JSON.stringify(path)});`;
const start = load(fileURLToPath(testing));

/** Runs a program. Returns the process, its first line and a promise of what it prints. */
async function run(program, options = {}) {
  const child = spawn(process.execPath, ["--eval", program], {
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  let printed = "";
  child.stderr.on("data", (chunk) => {
    printed += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  const closed = once(child, "close");
  const [line] = await Promise.race([once(lines, "line"), closed.then(() => [undefined])]);
  lines.on("line", (line) => {
    printed += `${line}\n`;
  });
  return { child, line, printed: closed.then(() => printed) };
}

test("the emulator of a killed process ends", async () => {
  const { child, line } = await run(
    `${start} console.log(new Emulator().baseUrl); setInterval(() => {}, 1000);`,
  );
  assert.equal((await fetch(`${line}/hardware`)).status, 200);
  child.kill("SIGKILL");
  await ended(line);
});

test("the emulator of a terminated worker ends", async () => {
  const program = `${start}
    globalThis.emulator = new Emulator();
    require("node:worker_threads").parentPort.postMessage(emulator.baseUrl);
    setInterval(() => {}, 1000);`;
  const worker = new Worker(program, { eval: true });
  const [baseUrl] = await once(worker, "message");
  assert.equal((await fetch(`${baseUrl}/hardware`)).status, 200);
  await worker.terminate();
  await ended(baseUrl);
});

test("Ctrl-C does not reach the emulator", { skip: process.platform === "win32" }, async () => {
  const program = `${start}
    const emulator = new Emulator();
    process.once("SIGINT", async () => {
      console.log(await emulator.client().run("emulator/echo", { input: { value: "alive" } }));
      process.exit();
    });
    setInterval(() => {}, 1000);
    console.log("ready");`;
  const { child, line, printed } = await run(program, { detached: true });
  assert.equal(line, "ready");
  process.kill(-child.pid, "SIGINT");
  assert.equal(await printed, "alive\n");
});

/** Places the package where it is not beside a build of the emulator, and calls `use` with the folder of packages. */
async function installed(use) {
  const folder = mkdtempSync(join(tmpdir(), "replicant-installed-"));
  const packages = join(folder, "node_modules");
  const copy = join(packages, "replicant/node");
  const node = fileURLToPath(new URL(".", testing));
  const isModule = (path) => path.endsWith(".node");
  try {
    cpSync(node, copy, { recursive: true, filter: (path) => !isModule(path) });
    for (const file of readdirSync(join(node, "dist")).filter(isModule)) {
      symlinkSync(join(node, "dist", file), join(copy, "dist", file));
    }
    const start = async (program) => {
      const options = { cwd: folder, env: { ...process.env, REPLICANT_EMULATOR: "" } };
      const { line, printed } = await run(`${load(join(copy, "testing.cjs"))} ${program}`, options);
      return `${line}\n${await printed}`;
    };
    await use(packages, start);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function addEmulatorPackage(packages) {
  const folder = join(packages, "replicant-emulator");
  cpSync(fileURLToPath(new URL("../../crates/emulator/npm/", import.meta.url)), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "main": "index.cjs" }');
}

test("a missing program is reported with the command that installs it", async () => {
  await installed(async (packages, start) => {
    assert.match(await start("new Emulator();"), /npm install --save-dev replicant-emulator$/m);
    addEmulatorPackage(packages);
    assert.match(await start("new Emulator();"), /npm install --save-dev replicant-emulator-\w+-\w+/);
  });
});

test("the program of the installed packages is started", async () => {
  await installed(async (packages, start) => {
    addEmulatorPackage(packages);
    const missing = await start("new Emulator();");
    const [name] = missing.match(/replicant-emulator-\w+-[\w-]+/);
    mkdirSync(join(packages, name));
    const suffix = process.platform === "win32" ? ".exe" : "";
    const built = new URL(`../../target/debug/replicant-emulator${suffix}`, import.meta.url);
    copyFileSync(
      process.env.REPLICANT_EMULATOR || built,
      join(packages, name, `replicant-emulator${suffix}`),
    );
    const program = `
      const emulator = new Emulator();
      emulator.client().run("emulator/echo", { input: { value: "started" } }).then(console.log);`;
    assert.match(await start(program), /^started$/m);
    const cli = join(packages, "replicant-emulator/cli.cjs");
    const help = execFileSync(process.execPath, [cli, "--help"]).toString();
    assert.match(help, /Usage:\s+replicant-emulator/);
  });
});

test("a wrong path of the program is reported", async () => {
  const environment = (path) => ({ env: { ...process.env, REPLICANT_EMULATOR: path } });
  const wrong = await run(`${start} new Emulator();`, environment("/nowhere"));
  assert.match(await wrong.printed, /`REPLICANT_EMULATOR` must be the path of a file, not "\/nowhere"/);
  const other = await run(`${start} new Emulator();`, environment(process.execPath));
  assert.match(await other.printed, /ended with code 9 before it listened/);
});

test("a program that is not the emulator is reported", { skip: process.platform === "win32" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "replicant-other-"));
  try {
    const path = join(folder, "other");
    for (const line of ["hello", "null", "[1]"]) {
      writeFileSync(path, `#!/bin/sh\necho '${line}'\ncat\ntouch ${path}-ended\n`, { mode: 0o755 });
      const env = { ...process.env, REPLICANT_EMULATOR: path };
      const program = `try { new Emulator(); } catch (error) { console.log(error.message); }`;
      const { line: message } = await run(`${start} ${program}`, { env });
      assert.equal(message, `${path} is not the emulator: it printed ${JSON.stringify(line)}`);
      assert.ok(existsSync(`${path}-ended`));
      rmSync(`${path}-ended`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const REFUSING = `#!${process.execPath}
const server = require("node:http").createServer((request, response) => {
  response.statusCode = 503;
  response.end(request.url.includes("workers") ? '{"detail": "too many workers"}' : "");
});
server.listen(0, "127.0.0.1", () => {
  const origin = "http://127.0.0.1:" + server.address().port;
  console.log(JSON.stringify({ origin, base_url: origin + "/v1" }));
});
process.stdin.resume().on("end", () => process.exit());
`;

test("an emulator that refuses a model reports why", { skip: process.platform === "win32" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "replicant-refusing-"));
  try {
    const path = join(folder, "emulator.cjs");
    writeFileSync(path, REFUSING, { mode: 0o755 });
    const program = `
      const emulator = new Emulator();
      for (const call of [() => emulator.model("a/b", () => {}), () => emulator.reset()])
        try { call(); } catch (error) { console.log(error.name, error.message); }
      emulator.close();`;
    const { line, printed } = await run(`${start} ${program}`, {
      env: { ...process.env, REPLICANT_EMULATOR: path },
    });
    assert.equal(line, "Error too many workers");
    assert.match(await printed, /^Error the emulator responded with status 503 to POST reset\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
