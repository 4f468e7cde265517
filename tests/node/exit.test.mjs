// The end of the process cancels the predictions of its runs and streams, as long as the API responds, and ends as it should.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, startEmulator, within } from "./support/emulator.mjs";
import { Program, prelude, silentServer } from "./support/program.mjs";

const emulator = await startEmulator();

/** Starts a program with an endless run, and waits until its prediction exists. Returns the program and its prediction. */
async function running({ before = "", options = {}, runOptions = "", after = "" } = {}) {
  const program = new Program(`
    ${prelude(emulator.base_url, options)}
    ${before}
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" }, ${runOptions} }, (prediction) => {
      console.log("id=" + prediction.id + ";");
    }).then(console.log, (error) => console.log("rejected", error.message));
    ${after}
  `);
  await program.printed(";");
  return [program, /id=(\w+)/.exec(program.output)[1]];
}

const status = async (id) => (await emulator.client().predictions.get(id)).status;

async function canceled(id) {
  await eventually(async () => (await status(id)) === "canceled");
}

/** The limit for an end that takes a second, in milliseconds. */
const SECOND = 2500;

const endsBy = (signal) =>
  within(SECOND, async () => {
    const [program, id] = await running();
    program.kill(signal);
    const end = await program.end();
    assert.deepEqual([end.code, end.signal], [null, signal]);
    assert.ok(!program.output.includes("rejected"), program.output);
    assert.equal(program.errors, "");
    await canceled(id);
    return end.took;
  });

test("SIGINT cancels the prediction of a run and ends the process", () => endsBy("SIGINT"));
test("SIGTERM cancels the prediction of a run and ends the process", () => endsBy("SIGTERM"));

test("a signal cancels the prediction of a run whose requests go through replaced methods", async () => {
  const replaced = [
    `const { request } = replicate; replicate.request = (...given) => request.apply(replicate, given);`,
    `const { create, cancel } = replicate.predictions;
    Object.assign(replicate.predictions, { create: (given) => create(given), cancel: (id) => cancel(id) });`,
  ];
  for (const before of replaced) {
    const [program, id] = await running({ before });
    program.kill("SIGINT");
    assert.equal((await program.end()).signal, "SIGINT");
    await canceled(id);
  }
});

test("a signal cancels the prediction of a stream", async () => {
  const program = new Program(`
    ${prelude(emulator.base_url)}
    (async () => {
      const events = replicate.stream("emulator/stream", { input: { chunks: ["a"], pause: 0.05, repeat: 1e6 } });
      for await (const event of events) console.log("id=" + events.prediction.id + ";");
    })();
  `);
  await program.printed(";");
  program.kill("SIGTERM");
  assert.equal((await program.end()).signal, "SIGTERM");
  await canceled(/id=(\w+)/.exec(program.output)[1]);
});

test("a program that listens to the signal decides when it ends", async () => {
  for (const add of ["once", "on", "prependListener"]) {
    const before = `process.${add}("SIGINT", () => {
      console.log("stopping");
      setTimeout(async () => {
        const [latest] = (await replicate.predictions.list()).results;
        console.log("meanwhile", latest.status);
        process.exit(5);
      }, 300);
    });`;
    const [program, id] = await running({ before });
    program.kill("SIGINT");
    const end = await program.end();
    assert.deepEqual([end.code, end.signal], [5, null], program.errors);
    assert.match(program.output, /meanwhile (starting|processing)/);
    await canceled(id);
  }
});

test("a program can ignore the signal", async () => {
  const [program, id] = await running({ before: `process.on("SIGINT", () => console.log("ignored"));` });
  for (let n = 1; n <= 2; n++) {
    program.kill("SIGINT");
    await eventually(() => program.output.split("ignored").length === n + 1);
  }
  assert.match(await status(id), /starting|processing/);
  program.kill("SIGKILL");
  await program.end();
});

test("a library that ends the process if nobody else listens does so, and the prediction is canceled", async () => {
  // As signal-exit does.
  const listen = `const end = () => {
    if (process.listeners("SIGINT").length !== 1) return;
    process.off("SIGINT", end);
    process.kill(process.pid, "SIGINT");
  };
  process.on("SIGINT", end);`;
  for (const given of [{ before: listen }, { after: listen }]) {
    const [program, id] = await running(given);
    program.kill("SIGINT");
    assert.equal((await program.end()).signal, "SIGINT");
    await canceled(id);
  }
});

test("a signal that a parent passes on, which the terminal has sent too, is one signal", async () => {
  for (const pause of [0, 0.5, 2]) {
    const [program, id] = await running();
    program.kill("SIGINT");
    const sent = performance.now();
    while (performance.now() - sent < pause);
    program.kill("SIGINT");
    assert.equal((await program.end()).signal, "SIGINT");
    await canceled(id);
  }
});

test("onAbandon and cancelOnExit keep the prediction running", async () => {
  const count = `console.log("listeners", process.listenerCount("SIGINT"));`;
  const kept = [
    { runOptions: `onAbandon: "leave"` },
    { options: { onAbandon: "leave" } },
    { options: { cancelOnExit: false }, after: count },
  ];
  for (const given of kept) {
    const [program, id] = await running(given);
    program.kill("SIGINT");
    const end = await program.end();
    assert.equal(end.signal, "SIGINT");
    if (given.after) assert.match(program.output, /listeners 0/);
    assert.match(await status(id), /starting|processing/, JSON.stringify(given));
    await emulator.client().predictions.cancel(id);
  }
});

test("process.exit and an exception cancel the prediction and keep the exit code", async () => {
  const ends = [
    ["process.exit(7)", 7],
    [`throw new Error("unrelated")`, 1],
  ];
  for (const [statement, expected] of ends) {
    await within(SECOND, async () => {
      const [program, id] = await running({ after: `process.on("SIGUSR2", () => { ${statement} });` });
      program.kill("SIGUSR2");
      const end = await program.end();
      assert.equal(end.code, expected, program.errors);
      assert.equal(program.errors.includes("unrelated"), expected === 1);
      await canceled(id);
      return end.took;
    });
  }
});

test("the process ends in a second although the API is silent, and at once at a second signal", async () => {
  const code = `
    ${prelude(await silentServer())}
    replicate.run("a/b", { input: {} }).catch(console.log);
    setTimeout(() => console.log("sent"), 300);
  `;
  await within(SECOND, async () => {
    const patient = new Program(code);
    await patient.printed("sent");
    patient.kill("SIGINT");
    const end = await patient.end();
    assert.equal(end.signal, "SIGINT");
    return end.took;
  });

  const times = [];
  for (let n = 0; n < 5; n++) {
    const impatient = new Program(code);
    await impatient.printed("sent");
    impatient.kill("SIGINT");
    const first = impatient.killed;
    await new Promise((resolve) => setTimeout(resolve, 100));
    impatient.kill("SIGINT");
    assert.equal((await impatient.end()).signal, "SIGINT");
    times.push(performance.now() - first);
  }
  // One signal leaves 600 ms for the cancel. The best of five counts.
  assert.ok(Math.min(...times) < 600, `${times} ms`);
});

test("an aborted run keeps the process alive for at most a second", async () => {
  const code = `
    ${prelude(await silentServer())}
    const controller = new AbortController();
    replicate.run("a/b", { input: {}, signal: controller.signal }).catch((error) => console.log(error.message));
    setTimeout(() => controller.abort(new Error("enough")), 300);
  `;
  await within(SECOND, async () => {
    const program = new Program(code);
    await program.printed("enough");
    program.killed = performance.now();
    const end = await program.end();
    assert.equal(end.code, 0);
    return end.took;
  });
});

test("the process ends after an upload through a `fetch` has failed", async () => {
  const program = new Program(`
    const { Readable } = require("node:stream");
    ${prelude(emulator.base_url)}
    replicate.fetch = (...given) => fetch(...given);
    const failing = new Readable({ read() { this.destroy(new Error("no such sector")); } });
    replicate.files.create(failing).catch((error) => console.log(error.message));
  `);
  const overdue = setTimeout(() => program.kill("SIGKILL"), 30_000);
  const end = await program.ended;
  clearTimeout(overdue);
  assert.deepEqual(end, { code: 0, signal: null });
  assert.match(program.output, /no such sector/);
});

test("listeners exist only while a run or a stream runs", async () => {
  const program = new Program(`
    ${prelude(emulator.base_url)}
    const count = () => ["SIGINT", "SIGTERM", "exit"].map((event) => process.listenerCount(event)).join();
    const turn = async () => {
      for (let n = 0; n < 500 && count() !== "0,0,0"; n++) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    (async () => {
      console.log("before", count());
      const run = replicate.run("emulator/echo", { input: { value: 1, delay: 0.2 } });
      console.log("run", count());
      await run;
      await turn();
      console.log("after", count());
      const events = replicate.stream("emulator/stream", { input: { chunks: ["a"], pause: 0.05, repeat: 100 } });
      await events.next();
      console.log("stream", count());
      await events.return();
      await turn();
      console.log("after", count());
    })();
  `);
  assert.equal((await program.ended).code, 0, program.errors);
  const expected = ["before 0,0,0", "run 1,1,1", "after 0,0,0", "stream 1,1,1", "after 0,0,0"];
  assert.deepEqual(program.output.trim().split("\n"), expected);
});

test("the end of a worker cancels its predictions", async () => {
  const work = `
    ${prelude(emulator.base_url)}
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" } }, ({ id }) => {
      require("node:worker_threads").parentPort.postMessage(id);
    });
  `;
  const program = new Program(`
    const { Worker } = require("node:worker_threads");
    const worker = new Worker(${JSON.stringify(work)}, { eval: true });
    worker.once("message", async (id) => {
      await worker.terminate();
      console.log("id=" + id + ";");
      setTimeout(() => {}, 60_000);
    });
  `);
  await program.printed(";");
  await canceled(/id=(\w+)/.exec(program.output)[1]);
  program.kill("SIGKILL");
});

test("a program that exits at a signal cancels the predictions of its workers", async () => {
  const work = `
    ${prelude(emulator.base_url)}
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" } }, ({ id }) => {
      require("node:worker_threads").parentPort.postMessage(id);
    });
  `;
  const program = new Program(`
    const { Worker } = require("node:worker_threads");
    process.once("SIGTERM", () => process.exit(7));
    const worker = new Worker(${JSON.stringify(work)}, { eval: true });
    worker.once("message", (id) => console.log("id=" + id + ";"));
  `);
  await program.printed(";");
  program.kill("SIGTERM");
  assert.deepEqual([(await program.ended).code, program.errors], [7, ""]);
  await canceled(/id=(\w+)/.exec(program.output)[1]);
});

test("an option that is not a boolean is an error", () => {
  assert.throws(() => emulator.client({ cancelOnExit: "no" }), /`cancelOnExit` must be true or false/);
});

/** Delays the response to each cancel. The emulator cancels nothing if the connection closes before. */
async function delayCancels(ms) {
  await emulator.clearFaults();
  await emulator.fault({ match: { path: "/v1/predictions/*/cancel" }, times: 0, action: { delay_ms: ms } });
}

test("the cancel of a run or a stream that has ended is sent before the process ends", async () => {
  await delayCancels(300);
  const runs = `await replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" }, timeout: 1500 })`;
  const streams = `for await (const event of replicate.stream("emulator/stream", ENDLESS)) break`;
  for (const statement of [runs, streams]) {
    for (const end of ["", "process.exit(7)", "setTimeout(() => process.exit(7), 20)"]) {
      await emulator.forgetRequests();
      const program = new Program(`
        ${prelude(emulator.base_url)}
        const ENDLESS = { input: { chunks: ["a"], pause: 0.05, repeat: 1e6 } };
        (async () => { ${statement} })().catch((error) => console.log(error.name)).then(() => { ${end} });
      `);
      assert.deepEqual([(await program.ended).code, program.errors], [end ? 7 : 0, ""]);
      const [cancel] = await emulator.requests("POST /v1/predictions/");
      assert.ok(cancel, `no cancel: ${statement}; ${end}`);
      await canceled(cancel.path.split("/")[3]);
    }
  }
});

const HOOKED = `
  const { auth, baseUrl } = replicate;
  const hooked = new Replicate({ auth, baseUrl, onRequest: ({ headers }) => headers.set("x-tenant", "acme") });
  replicate.run = (...given) => hooked.run(...given);
`;

test("hooks are called for the cancel at a signal", async () => {
  const [program, id] = await running({ before: HOOKED });
  program.kill("SIGTERM");
  assert.equal((await program.end()).signal, "SIGTERM");
  const [cancel] = await emulator.requests(`POST /v1/predictions/${id}/cancel`);
  assert.equal(cancel?.headers["x-tenant"], "acme");
});

test("no hook delays the cancel of an exit", async () => {
  const before = HOOKED;
  for (const statement of ["process.exit(7)", `throw new Error("unrelated")`]) {
    const after = `process.on("SIGUSR2", () => { ${statement} });`;
    const [program, id] = await running({ before, after });
    program.kill("SIGUSR2");
    assert.equal((await program.end()).code, statement.startsWith("throw") ? 1 : 7);
    await canceled(id);
  }
});

test("the end of a process cancels all predictions of a batch, as long as the API responds", async () => {
  // 64 cancels at a time take 750 ms in all, more than an exit waits for one of them.
  await delayCancels(150);
  const count = 260;
  const program = new Program(`
    ${prelude(emulator.base_url, { rateLimit: null })}
    const rows = Array.from({ length: ${count} }, () => ({}));
    (async () => {
      for await (const item of replicate.map("emulator/endless", rows, { concurrency: ${count}, wait: false }));
    })();
  `);
  const inBatch = async () => (await emulator.predictions()).slice(-count).map(({ status }) => status);
  const before = (await emulator.predictions()).length;
  const all = async () => (await emulator.predictions()).length === before + count;
  await eventually(async () => (await all()) && (await inBatch()).every((status) => status === "processing"));
  program.kill("SIGINT");
  assert.equal((await program.end()).signal, "SIGINT");
  assert.deepEqual(new Set(await inBatch()), new Set(["canceled"]));
});

test("leaving a file or a batch does not wait for the cancels of others", async () => {
  await delayCancels(300);
  const client = emulator.client({ rateLimit: null });
  let ended = false;
  const run = async () => {
    while (!ended) {
      const controller = new AbortController();
      const options = { input: {}, wait: { mode: "poll" }, signal: controller.signal };
      await client.run("emulator/endless", options, () => controller.abort()).catch(() => {});
      // There is always a cancel without a response, and the API still has time for others.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const others = Promise.all(Array.from({ length: 4 }, run));
  try {
    await eventually(async () => (await emulator.requests("POST /v1/predictions/")).length > 4);
    const [file] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
    const cancels = async () => (await emulator.requests("POST /v1/predictions/")).length;
    const before = await cancels();
    for await (const _ of file) break;
    for await (const _ of client.map("emulator/echo", [{ value: 1 }, { value: 2 }])) break;
    // A wait for those of others would have lasted for nine seconds.
    assert.ok((await cancels()) - before < 60, `${(await cancels()) - before} cancels meanwhile`);
  } finally {
    ended = true;
    await others;
  }
});
