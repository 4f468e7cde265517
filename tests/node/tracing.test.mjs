// OpenTelemetry: spans and their propagation, with the real SDK.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import Replicate from "../../node/index.mjs";
import { eventually, startEmulator, TOKEN } from "./support/emulator.mjs";

const emulator = await startEmulator();
const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const tracer = trace.getTracer("test");

beforeEach(() => exporter.reset());

const spans = () => exporter.getFinishedSpans();
const named = (name) => {
  const found = spans().find((span) => span.name === name);
  assert.ok(found, `no span ${name} among ${spans().map((span) => span.name)}`);
  return found;
};
const idOf = (span) => span.spanContext().spanId;
const nanoseconds = ([seconds, rest]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

/** Runs `work` inside a span. */
const inside = (work) =>
  tracer.startActiveSpan("outer", async (outer) => {
    try {
      return await work(outer);
    } finally {
      outer.end();
    }
  });

test("a run is traced below the active span", async () => {
  const outer = await inside(async (outer) => {
    await emulator.client().run("emulator/echo", { input: { value: "a heron" } });
    return outer;
  });
  const [run, create] = [named("generate_content emulator/echo"), named("POST")];
  assert.equal(run.kind, SpanKind.CLIENT);
  assert.equal(run.parentSpanContext.spanId, idOf(outer));
  assert.equal(create.parentSpanContext.spanId, idOf(run));
  assert.equal(create.spanContext().traceId, outer.spanContext().traceId);
  assert.equal(run.attributes["gen_ai.operation.name"], "generate_content");
  assert.equal(run.attributes["gen_ai.provider.name"], "replicate");
  assert.equal(run.attributes["gen_ai.request.model"], "emulator/echo");
  assert.equal(create.attributes["http.request.method"], "POST");
  assert.equal(create.attributes["http.response.status_code"], 201);
  assert.equal(create.attributes["server.address"], "127.0.0.1");
  assert.ok(nanoseconds(run.startTime) <= nanoseconds(create.startTime));
  assert.ok(nanoseconds(create.endTime) <= nanoseconds(run.endTime));
  const text = JSON.stringify(spans().map(({ attributes }) => attributes));
  assert.ok(!text.includes("a heron") && !text.includes(TOKEN));
});

test("a create is traced like a run", async () => {
  const prediction = await inside(() =>
    emulator.client().predictions.create({
      model: "emulator/echo",
      input: { value: "a heron", delay: 5 },
    }),
  );
  const [run, create] = [named("generate_content emulator/echo"), named("POST")];
  assert.equal(create.parentSpanContext.spanId, idOf(run));
  assert.equal(run.attributes["gen_ai.operation.name"], "generate_content");
  assert.equal(run.attributes["gen_ai.request.model"], "emulator/echo");
  assert.equal(run.attributes["gen_ai.response.id"], prediction.id);
  assert.equal(run.attributes["replicate.prediction.status"], prediction.status);
  assert.ok(!JSON.stringify(run.attributes).includes("a heron"));
});

test("each attempt sends the context of its span", async () => {
  const replies = [{ status: 503 }, { json: { id: "p1", status: "succeeded" } }];
  const replay = await emulator.replay(replies.map((reply) => ({ expect: { method: "GET" }, reply })));
  await inside(() => new Replicate({ auth: TOKEN, baseUrl: replay.base_url }).predictions.get("p1"));
  const [failed, resent] = spans().filter(({ name }) => name === "GET");
  const received = (await replay.outcome()).requests.map(({ headers }) => headers.traceparent);
  const ids = [failed, resent].map((span) => `00-${span.spanContext().traceId}-${idOf(span)}-01`);
  assert.deepEqual(received, ids);
  assert.equal(failed.status.code, SpanStatusCode.ERROR);
  assert.equal(failed.attributes["error.type"], "503");
  assert.equal(resent.status.code, SpanStatusCode.UNSET);
  assert.equal(resent.attributes["http.request.resend_count"], 1);
});

test("content is recorded only on request", async () => {
  await emulator.client({ traceContent: true }).run("emulator/echo", { input: { value: "a heron" } });
  const { attributes } = named("generate_content emulator/echo");
  const [message] = JSON.parse(attributes["gen_ai.output.messages"]);
  assert.deepEqual(message.parts, [{ type: "text", content: "a heron" }]);
  assert.match(attributes["gen_ai.input.messages"], /a heron/);
});

test("a stream is traced to its end", async () => {
  for await (const _ of emulator.client().stream("emulator/stream", { input: { chunks: ["Sing", "."] } }));
  const run = await eventually(() => spans().find(({ name }) => name === "generate_content emulator/stream"));
  assert.equal(named("GET").parentSpanContext.spanId, idOf(run));
});

test("a loop that ends early is no error", async () => {
  const name = "generate_content emulator/stream";
  for await (const _ of emulator.client().stream("emulator/stream", { input: { chunks: ["Sing", "."] } }))
    break;
  const run = await eventually(() => spans().find((span) => span.name === name));
  assert.equal(run.attributes["error.type"], undefined);
  assert.equal(run.status.code, SpanStatusCode.UNSET);
});

test("an aborted run ends its span", async () => {
  const options = { input: {}, signal: AbortSignal.timeout(200), wait: { mode: "poll" } };
  await assert.rejects(emulator.client().run("emulator/endless", options));
  const run = await eventually(() =>
    spans().find(({ name }) => name === "generate_content emulator/endless"),
  );
  assert.equal(run.attributes["error.type"], "abandoned");
  assert.equal(run.status.code, SpanStatusCode.ERROR);
});

test("tracing can be turned off", async () => {
  await emulator.forgetRequests();
  await inside(() => emulator.client({ tracing: false }).run("emulator/echo", { input: { value: 1 } }));
  assert.deepEqual(
    spans().map(({ name }) => name),
    ["outer"],
  );
  assert.ok((await emulator.requests()).every(({ headers }) => headers.traceparent === undefined));
});

test("a program without a tracer sends the context that it propagates", async () => {
  const key = Symbol.for("opentelemetry.js.api.1");
  const api = globalThis[key];
  const { trace: _, ...others } = api;
  globalThis[key] = others;
  try {
    await inside(async (outer) => {
      await emulator.forgetRequests();
      await emulator.client().models.get("emulator", "echo");
      const [{ headers }] = await emulator.requests();
      assert.match(headers.traceparent, new RegExp(outer.spanContext().traceId));
    });
  } finally {
    globalThis[key] = api;
  }
});
