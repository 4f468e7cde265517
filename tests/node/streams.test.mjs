// Event streams of predictions.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FileOutput,
  PredictionFailedError,
  ServerSentEvent,
  UnprocessableEntityError,
} from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("stream yields the output in events", async () => {
  const stream = replicate.stream("emulator/stream", { input: { chunks: ["one", " two\nlines", " three"] } });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.ok(events.every((event) => event instanceof ServerSentEvent));
  assert.equal(events.join(""), "one two\nlines three");
  assert.equal(events.at(-1).event, "done");
  assert.equal(stream.prediction.model, "emulator/stream");
});

test("ten thousand events arrive in order, also for concurrent calls of next", async () => {
  const input = { chunks: Array.from({ length: 100 }, (_, n) => `${n},`), repeat: 100 };
  const expected = input.chunks.join("").repeat(100);
  let text = "";
  for await (const event of replicate.stream("emulator/stream", { input })) text += event;
  assert.equal(text, expected);

  const eager = replicate.stream("emulator/stream", { input: { chunks: ["a", "b", "c"] } });
  const results = await Promise.all([eager.next(), eager.next(), eager.next(), eager.next(), eager.next()]);
  assert.equal(results.map(({ value }) => value ?? "").join(""), "abc");
});

test("break closes the connection and cancels the prediction", async () => {
  for await (const _ of replicate.stream("emulator/stream", {
    input: { chunks: ["a"], pause: 0.01, repeat: 10000 },
  }))
    break;
  await emulator.until((state) => state.active_streams === 0);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("text() yields only the output, and leaving it cancels the prediction", async () => {
  const stream = replicate.stream("emulator/stream", { input: { chunks: ["one", " two"] } });
  const texts = [];
  for await (const text of stream.text()) texts.push(text);
  assert.deepEqual(texts, ["one", " two"]);
  assert.equal(stream.prediction.model, "emulator/stream");

  const long = { input: { chunks: ["a"], pause: 0.01, repeat: 10000 } };
  for await (const text of replicate.stream("emulator/stream", long).text()) {
    assert.equal(text, "a");
    break;
  }
  await emulator.until((state) => state.active_streams === 0);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("a client that leaves a relay of text() cancels the prediction, also while the model pauses", async () => {
  const input = { chunks: ["a"], pause: 600, repeat: 2 };
  const text = replicate.stream("emulator/stream", { input }).text();
  // As in docs/edge.md.
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await text.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await text.return();
    },
  });
  const reader = body.getReader();
  assert.deepEqual(await reader.read(), { done: false, value: "a" });
  await emulator.until((state) => state.active_streams === 1);
  await reader.cancel();
  await emulator.until((state) => state.active_streams === 0);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("concurrent calls of next of text() return the texts in order", async () => {
  const eager = replicate.stream("emulator/stream", { input: { chunks: ["a", "b", "c"] } }).text();
  const results = await Promise.all([eager.next(), eager.next(), eager.next(), eager.next()]);
  assert.deepEqual(
    results.map(({ value }) => value),
    ["a", "b", "c", undefined],
  );
});

test("return() closes the connection at once, and onAbandon can leave the prediction running", async () => {
  const input = { chunks: ["a"], pause: 0.1, repeat: 6000 };
  const stream = replicate.stream("emulator/stream", { input, onAbandon: "leave" });
  await stream.next();
  await emulator.until((state) => state.active_streams === 1);
  await stream.return();
  await emulator.until((state) => state.active_streams === 0);
  await emulator.advance(600);
  assert.equal(await emulator.latestEnded(), "succeeded");
});

test("a stream that is not read sends no request", async () => {
  await emulator.forgetRequests();
  const stream = replicate.stream("emulator/echo", { input: {} });
  await stream.return();
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.deepEqual(await emulator.requests(), []);
});

test("a stream yields the partial output before the failure", async () => {
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

test("predictions.stream and outputIterator read an existing prediction", async () => {
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

test("an event of a file has the URL and the file output", async () => {
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

test("start() creates the prediction, and rejects an invalid input", async () => {
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
  const invalid = replicate.stream("emulator/stream", { input: { chunks: 3 } });
  await assert.rejects(invalid.start(), UnprocessableEntityError);
  // Concurrently: the first event is not lost.
  const both = replicate.stream("emulator/stream", { input: { chunks: ["a", "b"], pause: 0 } });
  const [first] = await Promise.all([both.next(), both.start()]);
  assert.equal(first.value.data, "a");
  await both.return();
});
