// The package in pools of threads and processes, whose members may end at any time.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { eventually, startEmulator } from "../node/support/emulator.mjs";
import { Program, prelude } from "../node/support/program.mjs";

const emulator = await startEmulator();
const bundle = fileURLToPath(new URL("../../node/dist/replicant.js", import.meta.url));

/** Calls of every kind, until the thread or process ends. `say` reports that they have begun. */
const BUSY = `
  const forever = async (work) => { for (;;) await work().catch(() => {}); };
  for (let n = 0; n < 2; n++) {
    forever(() => replicate.models.get("emulator", "echo"));
    forever(() => replicate.run("emulator/echo", { input: { value: n } }));
    forever(async () => { for await (const _ of replicate.stream("emulator/stream", { input: { chunks: ["a"], repeat: 100 } })); });
    forever(async () => {
      const [file] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
      for await (const _ of file) if (n % 2) break;
    });
  }
  // The id is known before the end: the cancel of a held create could not be sent.
  replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" } }, () => say("busy")).catch(() => {});
`;

/** No prediction is left running by what has ended. */
async function nothingRuns() {
  const client = emulator.client();
  await eventually(async () => {
    const { results } = await client.predictions.list();
    return results.every(({ status }) => !["starting", "processing"].includes(status));
  }, 20_000);
}

test("worker threads are terminated in the middle of calls of every kind", async () => {
  const code = `
    ${prelude(emulator.base_url)}
    const say = (text) => require("node:worker_threads").parentPort.postMessage(text);
    ${BUSY}
  `;
  for (let round = 0; round < 2; round++) {
    const workers = Array.from({ length: 4 }, () => new Worker(code, { eval: true }));
    await Promise.all(workers.map((worker) => once(worker, "message")));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  await nothingRuns();
});

test("workers load the package before the main thread, end by themselves or in the middle of calls, and others follow", async () => {
  const worker = `
    ${prelude(emulator.base_url)}
    const { parentPort, workerData } = require("node:worker_threads");
    const get = () => replicate.models.get("emulator", "echo");
    (async () => {
      await Promise.all(Array.from({ length: 16 }, get));
      parentPort.postMessage("called");
      while (workerData.stays) await Promise.all(Array.from({ length: 16 }, get));
    })();
  `;
  const code = `
    const { once } = require("node:events");
    const { Worker } = require("node:worker_threads");
    const start = (stays) => new Worker(${JSON.stringify(worker)}, { eval: true, workerData: { stays } });
    const all = (workers, event) => Promise.all(workers.map((worker) => once(worker, event)));
    (async () => {
      for (let round = 0; round < 3; round++) {
        const alone = start(false);
        await all([alone], "exit");
        const busy = [start(true), start(true), start(true)];
        await all(busy, "message");
        await Promise.all(busy.map((worker) => worker.terminate()));
      }
      await all([start(true), start(true)], "message");
      console.log("called");
      process.exit(7);
    })();
  `;
  for (let round = 0; round < 3; round++) {
    const program = new Program(code);
    const end = await program.ended;
    assert.equal(program.output, "called\n", program.errors);
    assert.deepEqual(end, { code: 7, signal: null });
    assert.equal(program.errors, "");
  }
});

test("contexts of the vm module load the package in one thread, and end with it", async () => {
  const code = `
    const vm = require("node:vm");
    const { readFileSync } = require("node:fs");
    const { parentPort } = require("node:worker_threads");
    const text = readFileSync(${JSON.stringify(bundle)}, "utf8");
    const names = ["exports", "require", "module", "__filename", "__dirname"];
    function load() {
      const sandbox = vm.createContext();
      for (const name of Object.getOwnPropertyNames(globalThis)) {
        if (!(name in sandbox)) sandbox[name] = globalThis[name];
      }
      const module = { exports: {} };
      const define = vm.compileFunction(text, names, { parsingContext: sandbox });
      define(module.exports, require, module, ${JSON.stringify(bundle)}, ${JSON.stringify(dirname(bundle))});
      const { Replicate } = module.exports("api");
      return new Replicate({ auth: "r8_test", baseUrl: ${JSON.stringify(emulator.base_url)} });
    }
    (async () => {
      for (let n = 0; n < 3; n++) {
        const replicate = load();
        const value = await replicate.run("emulator/echo", { input: { value: n } });
        if (value !== n) throw new Error("not " + n + " but " + value);
        replicate.run("emulator/endless", { input: {} }).catch(() => {});
      }
      parentPort.postMessage("done");
    })();
  `;
  const workers = Array.from({ length: 2 }, () => new Worker(code, { eval: true }));
  const results = await Promise.all(workers.map((worker) => once(worker, "message")));
  assert.ok(results.every(([result]) => result === "done"));
  await Promise.all(workers.map((worker) => worker.terminate()));
  await nothingRuns();
});

test("processes of a cluster end and are replaced while others serve", async () => {
  const folder = mkdtempSync(join(tmpdir(), "replicant-"));
  after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "server.cjs");
  const code = `
    const cluster = require("node:cluster");
    const { once } = require("node:events");
    const http = require("node:http");
    ${prelude(emulator.base_url)}
    if (cluster.isPrimary) {
      // As in a real server, the primary has used the package too.
      replicate.run("emulator/echo", { input: { value: 0 } }).then(async () => {
        cluster.setupPrimary({ exec: __filename });
        const workers = Array.from({ length: 3 }, () => cluster.fork());
        const [address] = await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("listening", resolve))));
        const get = async (n) => (await fetch("http://127.0.0.1:" + address.port + "/" + n)).text();
        // Node.js loses a connection that it hands to a process which is just ending: nobody accepts
        // or closes it. Therefore each request waits until the end of the killed process is known.
        const replace = async (worker, signal) => {
          const ended = ["exit", "disconnect"].map((event) => once(worker, event));
          cluster.fork();
          worker.process.kill(signal);
          await Promise.all(ended);
        };
        const served = [];
        for (let n = 0; n < 30; n++) {
          if (n === 10) await replace(workers[0], "SIGKILL");
          if (n === 20) await replace(workers[1], "SIGTERM");
          served.push(await get(n).catch(() => get(n)));
        }
        console.log(served.every((text, n) => text === "/" + n) ? "served" : served);
        cluster.disconnect(() => process.exit(0));
      });
    } else {
      http.createServer(async (request, response) => {
        response.end(await replicate.run("emulator/echo", { input: { value: request.url } }));
      }).listen(0, "127.0.0.1");
    }
  `;
  writeFileSync(path, code);
  const program = new Program(`require(${JSON.stringify(path)})`);
  const end = await program.ended;
  assert.equal(program.output, "served\n", program.errors);
  assert.deepEqual(end, { code: 0, signal: null });
});

test("child processes end in the middle of calls of every kind", async () => {
  const code = `
    ${prelude(emulator.base_url)}
    const say = (text) => process.send(text);
    process.on("message", () => process.exit(3));
    ${BUSY}
  `;
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ["-e", code], { stdio: ["ignore", "inherit", "inherit", "ipc"] }),
  );
  await Promise.all(children.map((child) => once(child, "message")));
  const exits = children.map((child) => once(child, "exit"));
  for (const child of children) child.send("end");
  for (const [exit] of await Promise.all(exits)) assert.equal(exit, 3);
  await nothingRuns();
});
