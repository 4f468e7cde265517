// A web server that streams text to the browser, starts predictions, and receives their webhooks.
//
// The handlers take a `Request` and return a `Response`, like route handlers in Next.js, Hono, Bun and Deno.
// Runs against the emulator, without a token or a network.
import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { WebhookError } from "replicant";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const replicate = emulator.client();
const MODEL = "meta/meta-llama-3-8b-instruct";

/** Results of predictions by id. In production this is a database. */
const results = new Map();

/** Converts text to a response body.
 * @param {AsyncGenerator<string>} text */
function bytes(text) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await text.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await text.return(undefined);
    },
  });
}

/** @type {Record<string, (request: Request) => Promise<Response>>} */
const routes = {
  // When the browser disconnects, `request.signal` aborts and the prediction is canceled.
  "POST /api/stream": async (request) => {
    const { prompt } = await request.json();
    const input = { prompt, max_tokens: 20, seed: 1 };
    const text = replicate.stream(MODEL, { input, signal: request.signal }).text();
    return new Response(bytes(text), { headers: { "content-type": "text/plain" } });
  },

  "POST /api/predictions": async (request) => {
    const { prompt } = await request.json();
    const { origin } = new URL(request.url);
    const prediction = await replicate.predictions.create({
      model: MODEL,
      input: { prompt, max_tokens: 10, seed: 2 },
      webhook: `${origin}/api/webhook`,
      webhook_events_filter: ["completed"],
    });
    return Response.json({ id: prediction.id }, { status: 201 });
  },

  // The signature covers the exact bytes of the body, so pass the request unread.
  "POST /api/webhook": async (request) => {
    try {
      const { id, status, output, error } = await replicate.webhooks.unwrap(request);
      results.set(id, { status, text: output?.join("") ?? error });
      return new Response(null, { status: 204 });
    } catch (error) {
      return new Response(null, { status: error instanceof WebhookError ? (error.status ?? 500) : 500 });
    }
  },
};

const server = createServer(async (incoming, outgoing) => {
  const gone = new AbortController();
  outgoing.on("close", () => gone.abort());
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method ?? "GET",
    headers: /** @type {Record<string, string>} */ (incoming.headers),
    body: incoming.method === "POST" ? /** @type {BodyInit} */ (Readable.toWeb(incoming)) : null,
    signal: gone.signal,
    ...{ duplex: "half" },
  });
  const handler = routes[`${incoming.method} ${incoming.url}`];
  const response = handler ? await handler(request) : new Response("not found", { status: 404 });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  for await (const piece of response.body ?? []) outgoing.write(piece);
  outgoing.end();
});
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());

// The browser.
const post = (/** @type {string} */ path, /** @type {object} */ body) =>
  fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body: JSON.stringify(body) });

const streamed = await post("/api/stream", { prompt: "Sing of the sea." });
console.log(`streamed: ${(await streamed.text()).trim()}`);

const { id } = await (await post("/api/predictions", { prompt: "Name a bird." })).json();
while (!results.has(id)) await new Promise((resolve) => setTimeout(resolve, 10));
const { status, text } = results.get(id);
console.log(`by webhook: ${status}, ${text.trim()}`);

const forged = await post("/api/webhook", { id, status: "succeeded", output: ["lies"] });
console.log(`a forged webhook: ${forged.status}`);

server.close();
server.closeAllConnections();
emulator.close();
