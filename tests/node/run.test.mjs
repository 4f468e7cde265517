// `run`, `wait` and `stream` against real behaviour.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeadlineError,
  FileOutput,
  PredictionCanceledError,
  PredictionFailedError,
  ServerSentEvent,
  UnprocessableEntityError,
  withResponse,
} from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("run gives the output, also of a model that outlasts the hold", async () => {
  assert.deepEqual(await replicate.run("emulator/echo", { input: { value: { a: [1, "b", null] } } }), {
    a: [1, "b", null],
  });
  const slow = { input: { value: "x", delay: 1.5 }, wait: { mode: "block", timeout: 1 } };
  assert.equal(await replicate.run("emulator/echo", slow), "x");
  assert.equal(
    await replicate.run("emulator/echo", { input: { value: "y" }, wait: { mode: "poll", interval: 20 } }),
    "y",
  );
});

test("progress is told every state, the last one before the promise resolves", async () => {
  const seen = [];
  const options = { input: { steps: 5, step_seconds: 0.05 }, wait: { mode: "poll", interval: 30 } };
  await replicate.run("emulator/progress", options, (prediction) => seen.push(prediction.status));
  assert.ok(["starting", "processing"].includes(seen[0]), seen[0]);
  assert.equal(seen.at(-1), "succeeded");
  assert.equal(seen.filter((status) => status === "succeeded").length, 1);
});

test("what progress throws ends the run", async () => {
  const broken = new Error("in the callback");
  await assert.rejects(
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" } }, () => {
      throw broken;
    }),
    (error) => error === broken,
  );
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("a failure carries the prediction and its logs", async () => {
  const seen = [];
  await assert.rejects(
    replicate.run("emulator/fails", { input: { message: "out of memory" } }, ({ status }) =>
      seen.push(status),
    ),
    (error) => {
      assert.ok(error instanceof PredictionFailedError);
      assert.equal(error.code, "prediction_failed");
      assert.match(error.message, /Prediction failed: out of memory/);
      assert.equal(error.prediction.status, "failed");
      assert.match(error.logs, /RuntimeError: out of memory/);
      assert.match(error.stack, /run\.test\.mjs/, "the caller is in the stack");
      return true;
    },
  );
  assert.equal(seen.at(-1), "failed");
});

test("a prediction that is cancelled by someone else is an error, not an empty output", async () => {
  const run = replicate.run(
    "emulator/endless",
    { input: {}, wait: { mode: "poll", interval: 20 } },
    ({ id, status }) => {
      if (status === "processing") replicate.predictions.cancel(id);
    },
  );
  await assert.rejects(run, PredictionCanceledError);
});

test("a deadline cancels the prediction and carries it", async () => {
  const from = Date.now();
  await assert.rejects(
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" }, timeout: 300 }),
    (error) => {
      assert.ok(error instanceof DeadlineError);
      assert.match(error.prediction.id, /^\w{26}$/);
      return true;
    },
  );
  assert.ok(Date.now() - from < 1500);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("wait gives the last state; stop ends the waiting and not the prediction", async () => {
  const created = await replicate.predictions.create({
    model: "emulator/echo",
    input: { value: 7, delay: 0.2 },
  });
  assert.equal((await replicate.wait(created, { interval: 20 })).output, 7);

  const endless = await replicate.predictions.create({ model: "emulator/endless", input: {} });
  let asked = 0;
  const stopped = await replicate.wait(endless, { interval: 20 }, async () => ++asked === 3);
  assert.equal(asked, 3);
  assert.ok(["starting", "processing"].includes(stopped.status));
  assert.equal((await replicate.predictions.cancel(endless.id)).status, "canceled");
  assert.equal((await replicate.wait(endless)).status, "canceled");
});

test("files in an output are FileOutputs, or URLs on request", async () => {
  const input = { prompt: "a lighthouse", num_outputs: 2 };
  const files = await replicate.run("black-forest-labs/flux-schnell", { input });
  assert.equal(files.length, 2);
  for (const file of files) {
    assert.ok(file instanceof FileOutput);
    assert.ok(file instanceof ReadableStream);
  }
  const urls = await replicate.run("black-forest-labs/flux-schnell", { input, useFileOutput: false });
  for (const url of urls) assert.equal(typeof url, "string");
  const plain = emulator.client({ useFileOutput: false });
  assert.equal(typeof (await plain.run("black-forest-labs/flux-schnell", { input }))[0], "string");
});

test("stream gives the text in events", async () => {
  const stream = replicate.stream("emulator/stream", { input: { chunks: ["one", " two\nlines", " three"] } });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.ok(events.every((event) => event instanceof ServerSentEvent));
  assert.equal(events.join(""), "one two\nlines three");
  assert.equal(events.at(-1).event, "done");
  assert.equal(stream.prediction.model, "emulator/stream");
});

test("a hundred thousand events, in order, whoever asks how", async () => {
  const input = { chunks: Array.from({ length: 100 }, (_, n) => `${n},`), repeat: 100 };
  const expected = input.chunks.join("").repeat(100);
  let text = "";
  for await (const event of replicate.stream("emulator/stream", { input })) text += event;
  assert.equal(text, expected);

  const eager = replicate.stream("emulator/stream", { input: { chunks: ["a", "b", "c"] } });
  const asked = await Promise.all([eager.next(), eager.next(), eager.next(), eager.next(), eager.next()]);
  assert.equal(asked.map(({ value }) => value ?? "").join(""), "abc");
});

test("break ends the stream, its socket and its prediction", async () => {
  for await (const _ of replicate.stream("emulator/stream", {
    input: { chunks: ["a"], pause: 0.01, repeat: 10000 },
  }))
    break;
  await emulator.until((state) => state.active_streams === 0);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("text() gives the output alone; leaving it ends the stream, and knows its prediction", async () => {
  const stream = replicate.stream("emulator/stream", { input: { chunks: ["one", " two"] } });
  const pieces = [];
  for await (const piece of stream.text()) pieces.push(piece);
  assert.deepEqual(pieces, ["one", " two"]);
  assert.equal(stream.prediction.model, "emulator/stream");

  const long = { input: { chunks: ["a"], pause: 0.01, repeat: 10000 } };
  for await (const piece of replicate.stream("emulator/stream", long).text()) {
    assert.equal(piece, "a");
    break;
  }
  await emulator.until((state) => state.active_streams === 0);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("return() closes the socket at once; onAbandon leaves the prediction alone", async () => {
  const input = { chunks: ["a"], pause: 0.01, repeat: 100 };
  const stream = replicate.stream("emulator/stream", { input, onAbandon: "leave" });
  await stream.next();
  await emulator.until((state) => state.active_streams === 1);
  const from = performance.now();
  await stream.return();
  await emulator.until((state) => state.active_streams === 0);
  const took = performance.now() - from;
  assert.ok(took < 500, `${took} ms`);
  assert.equal(await emulator.latestEnded(5000), "succeeded");
});

test("a deadline that passes before the create is answered says so", async () => {
  await emulator.fault({ match: { method: "POST", path: "/v1/models/*" }, action: { delay_ms: 3000 } });
  await assert.rejects(replicate.run("emulator/echo", { input: { value: 1 }, timeout: 100 }), (error) => {
    assert.ok(error instanceof DeadlineError);
    assert.equal(error.prediction, undefined);
    assert.match(error.message, /timeout of 0\.1 s/);
    assert.match(error.message, /create/);
    return true;
  });
});

test("uploads are told of, in run, stream and creates", async () => {
  const file = Buffer.alloc(300_000, "x");
  const told = (options) => {
    const seen = [];
    return { seen, options: { ...options, onUpload: (upload) => seen.push(upload) } };
  };
  const check = (seen, place) => {
    const last = seen.at(-1);
    assert.deepEqual([last.place, last.loaded, last.total], [place, file.length, file.length]);
  };
  const client = emulator.client({ useFileOutput: false });
  const run = told({ input: { value: [file] } });
  const states = [];
  await client.run("emulator/echo", run.options, (prediction) => states.push(prediction.status));
  check(run.seen, "input.value[0]");
  assert.equal(states.at(-1), "succeeded");
  assert.ok(states.every((status) => typeof status === "string"));

  const stream = told({ input: { chunks: ["a"], file } });
  let text = "";
  for await (const piece of client.stream("emulator/stream", stream.options).text()) text += piece;
  assert.equal(text, "a");
  check(stream.seen, "input.file");

  const create = told({ model: "emulator/echo", input: { value: file } });
  await client.predictions.create(create.options);
  check(create.seen, "input.value");

  const bytes = [];
  await client.files.create(file, {}, { onProgress: (progress) => bytes.push(progress) });
  assert.deepEqual(bytes.at(-1), { loaded: file.length, total: file.length });
});

test("a stream that is never read sends nothing", async () => {
  await emulator.forgetRequests();
  const stream = replicate.stream("emulator/echo", { input: {} });
  await stream.return();
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.deepEqual(await emulator.requests(), []);
});

test("a stream that fails says so after what came", async () => {
  const texts = [];
  await assert.rejects(async () => {
    for await (const event of replicate.stream("emulator/fails", {
      input: { message: "no", partial: ["so far"] },
    })) {
      texts.push(String(event));
    }
  }, PredictionFailedError);
  assert.equal(texts.join(""), "so far");
});

test("predictions.stream and outputIterator give what exists already", async () => {
  const created = await replicate.predictions.create({
    model: "emulator/stream",
    input: { chunks: ["a", "b"] },
  });
  let text = "";
  for await (const event of replicate.predictions.stream(created)) text += event;
  assert.equal(text, "ab");
  const items = [];
  for await (const item of replicate.predictions.outputIterator(created.id)) items.push(item);
  assert.deepEqual(items, ["a", "b"]);
});

test("lists: a page, all items, all pages", async () => {
  const page = await replicate.predictions.list();
  assert.ok(page.results.length > 5);
  assert.equal(page.previous, null);
  const ids = [];
  for await (const prediction of replicate.predictions.list()) ids.push(prediction.id);
  assert.deepEqual(
    ids.slice(0, page.results.length),
    page.results.map(({ id }) => id),
  );
  const arrays = [];
  for await (const results of replicate.paginate(replicate.predictions.list)) arrays.push(results);
  assert.deepEqual(
    arrays.flat().map(({ id }) => id),
    ids,
  );
});

test("withResponse gives status and headers", async () => {
  const { data, response } = await withResponse(
    replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } }),
  );
  assert.match(data.id, /^\w{26}$/);
  assert.equal(response.status, 201);
  assert.match(response.headers.get("content-type"), /json/);
  const page = await withResponse(replicate.predictions.list());
  assert.equal(page.response.status, 200);
  assert.equal(page.data.results[0].id, data.id);
  await assert.rejects(
    withResponse(Promise.resolve(1)),
    (error) => error.code === "invalid_argument" && /`promise`/.test(error.message),
  );
});

test("an event of a file has its URL as text, and the file", async () => {
  const url = "https://example.com/a.png";
  for (const useFileOutput of [true, false]) {
    const run = await emulator.replay([
      {
        expect: { method: "POST", path: "/v1/models/acme/pictures/predictions" },
        reply: {
          status: 201,
          json: { id: "p1", status: "starting", urls: { stream: "{{other}}/v1/files/s1" } },
        },
      },
      {
        expect: { method: "GET", path: "/v1/files/s1", origin: "other" },
        reply: { sse: `event: output\nid: 1\ndata: ${url}\n\nevent: done\ndata: {}\n\n` },
      },
    ]);
    const client = emulator.client({ baseUrl: run.base_url });
    const events = [];
    for await (const event of client.stream("acme/pictures", { input: {}, useFileOutput }))
      events.push(event);
    const [output, done] = events;
    assert.equal(output.data, url);
    assert.equal(`${output}`, url);
    if (useFileOutput) {
      assert.ok(output.file instanceof FileOutput);
      assert.equal(String(output.file), url);
    } else assert.ok(!("file" in output));
    assert.equal(done.event, "done");
    assert.ok(!("file" in done));
    assert.deepEqual((await run.outcome()).problems, []);
  }
});

test("stream: start() creates the prediction, and a refused input rejects there", async () => {
  const count = async () => (await emulator.requests()).filter(({ method }) => method === "POST").length;
  const before = await count();
  const events = replicate.stream("emulator/stream", { input: { chunks: ["a", "b"], pause: 0 } });
  const posts = async () => (await count()) - before;
  assert.equal(await posts(), 0);
  assert.equal(await events.start(), events);
  assert.equal(await posts(), 1);
  assert.ok(events.prediction.id);
  await events.start();
  let text = "";
  for await (const event of events) text += event;
  assert.equal(text, "ab");
  assert.equal(await posts(), 1);
  const refused = replicate.stream("emulator/stream", { input: { chunks: 3 } });
  await assert.rejects(refused.start(), UnprocessableEntityError);
  // Both at once: the event that comes first is not lost.
  const both = replicate.stream("emulator/stream", { input: { chunks: ["a", "b"], pause: 0 } });
  const [first] = await Promise.all([both.next(), both.start()]);
  assert.equal(first.value.data, "a");
  await both.return();
});
