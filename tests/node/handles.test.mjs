// Handles: `submit`, and the events and results of predictions that other processes follow.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  DeadlineError,
  FileOutput,
  Handle,
  InvalidArgumentError,
  PredictionCanceledError,
  withResponse,
} from "../../node/index.mjs";
import { eventually, startEmulator, TOKEN } from "./support/emulator.mjs";
import { Program, prelude } from "./support/program.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

async function all(events) {
  const found = [];
  for await (const event of events) found.push(event);
  return found;
}

test("the events of a handle are typed and end with the prediction", async () => {
  const handle = await replicate.submit("emulator/progress", { input: { steps: 5, step_seconds: 0.1 } });
  const events = await all(handle.events({ interval: 50 }));
  const { type, status, prediction } = events.at(-1);
  assert.deepEqual([type, status, prediction.id], ["end", "succeeded", handle.id]);
  const logs = events.filter((event) => event.type === "logs").map((event) => event.text);
  assert.equal(logs.join(""), prediction.logs);
  assert.deepEqual(events.filter((event) => event.type === "progress").at(-1).progress, {
    percentage: 1,
    current: 5,
    total: 5,
  });
  assert.deepEqual(
    events.filter((event) => event.type === "output").map(({ index, output }) => [index, output]),
    [[null, 5]],
  );
  assert.equal(await handle.result(), 5);
  assert.equal((await handle.prediction()).status, "succeeded");
});

test("files in events and results can be read", async () => {
  const handle = await replicate.submit("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
  const events = await all(handle.events());
  const [event] = events.filter(({ type }) => type === "output");
  assert.ok(event.output instanceof FileOutput);
  const [file] = await handle.result();
  assert.deepEqual(await file.bytes(), await event.output.bytes());
  assert.deepEqual(await handle.result({ useFileOutput: false }), [`${event.output.url()}`]);
  // Events and cursors survive JSON.
  for (const since of [event, event.cursor, JSON.parse(JSON.stringify(event))]) {
    const rest = await all(handle.events({ since }));
    assert.deepEqual(
      rest.map(({ type }) => type),
      ["end"],
    );
  }
});

test("another process continues after the last event", async () => {
  const handle = await replicate.submit("emulator/stream", {
    input: { chunks: ["a", "b", "b", "c"], pause: 0.3 },
  });
  const seen = [];
  let processes = 0;
  while (seen.at(-1)?.type !== "end") {
    const program = new Program(`
      ${prelude(emulator.base_url)}
      (async () => {
        const handle = replicate.handle(${JSON.stringify(JSON.stringify(handle))});
        let count = 0;
        for await (const event of handle.events({ since: ${JSON.stringify(seen.at(-1))}, interval: 50 })) {
          console.log(JSON.stringify(event));
          if (++count === 2) process.exit(9);
        }
      })();
    `);
    const { code } = await program.end();
    assert.ok(code === 0 || code === 9, program.errors);
    seen.push(...program.output.trim().split("\n").filter(Boolean).map(JSON.parse));
    processes += 1;
    assert.ok(processes < 50);
  }
  assert.ok(processes > 1);
  const outputs = seen.filter(({ type }) => type === "output").map(({ output }) => output);
  assert.deepEqual(outputs, ["a", "b", "b", "c"]);
});

test("neither a signal nor the end of the process cancels a submitted prediction", async () => {
  const program = new Program(`
    ${prelude(emulator.base_url)}
    replicate.submit("emulator/endless", { input: {} }).then(async (handle) => {
      for await (const event of handle.events()) console.log(JSON.stringify(handle) + ";");
    });
  `);
  await program.printed(";");
  program.kill("SIGTERM");
  await program.end();
  const handle = replicate.handle(program.output.split(";")[0]);
  assert.equal(handle.model, "emulator/endless");
  await assert.rejects(handle.result({ timeout: 3000 }), (error) => {
    assert.ok(error instanceof DeadlineError);
    assert.match(error.message, /it continues to run/);
    assert.equal(error.prediction.id, handle.id);
    return true;
  });
  assert.match((await handle.prediction()).status, /starting|processing/);
  await handle.cancel();
  await assert.rejects(handle.result(), PredictionCanceledError);
});

test("an aborted signal leaves no request behind", async () => {
  for (const use of ["events", "result"]) {
    const run = await emulator.replay([{ expect: { method: "GET" }, reply: { delay_ms: 60_000, json: {} } }]);
    const handle = emulator.client({ baseUrl: run.base_url }).handle("p1");
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = use === "events" ? all(handle.events({ signal })) : handle.result({ signal });
    const rejected = assert.rejects(waiting, (error) => error === signal.reason);
    const requests = async () => (await run.outcome()).requests;
    await eventually(async () => (await requests()).length === 1);
    controller.abort(new Error("enough"));
    await rejected;
    await eventually(async () => (await requests())[0].closed_by_client);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await requests()).length, 1);
  }
});

test("a handle is plain JSON without the token", () => {
  const handle = replicate.handle({ id: "p1", model: "acme/text" });
  for (const given of [handle, JSON.stringify(handle), handle.toJSON(), { ...handle, status: "failed" }]) {
    assert.deepEqual(replicate.handle(given).toJSON(), { id: "p1", model: "acme/text" });
  }
  assert.deepEqual(replicate.handle("p1").toJSON(), { id: "p1", model: null });
  assert.ok(handle instanceof Handle);
  assert.ok(!`${inspect(handle, { depth: 9, showHidden: true })}${JSON.stringify(handle)}`.includes(TOKEN));
  for (const given of ["", "acme/text", "two words", "{", 3, null, undefined, {}, { id: 1 }]) {
    assert.throws(
      () => replicate.handle(given),
      (error) =>
        error instanceof InvalidArgumentError &&
        error.argument === "handle" &&
        /`handle` must be the id/.test(error.message),
    );
  }
});

test("submit has a response, and rejects unknown options", async () => {
  const { data, response } = await withResponse(replicate.submit("emulator/echo", { input: { value: 1 } }));
  assert.equal(response.status, 201);
  assert.equal(await data.result(), 1);
  await assert.rejects(replicate.submit("emulator/echo", { inputs: {} }), /did you mean `input`/);
  await assert.rejects(replicate.submit("nobody/nothing", { input: {} }), (error) => {
    assert.equal(error.code, "not_found");
    assert.match(error.stack, /handles\.test\.mjs/, "the caller is in the stack");
    return true;
  });
  await assert.rejects(
    replicate.submit("emulator/echo", { input: {}, interval: 3 }),
    /`interval` is not an option of `submit`/,
  );
  await assert.rejects(data.result({ timout: 3 }), /did you mean `timeout`/);
  await assert.rejects(all(data.events({ sinse: {} })), /unknown option `sinse`/);
});
