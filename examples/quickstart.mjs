// Six examples. `make quickstart` runs them, and the same in Rust and Python.
//
// Without REPLICATE_API_TOKEN it uses the emulator, which needs no token and no network, and costs nothing.
import { once } from "node:events";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import Replicate, { ApiError } from "replicant";
import { Emulator } from "replicant/testing";

const TEXT = "meta/meta-llama-3-8b-instruct";
const IMAGE = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";
const UPSCALE = "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

const real = Boolean(process.env.REPLICATE_API_TOKEN);
const emulator = real ? undefined : new Emulator();
const replicate = emulator ? emulator.client() : new Replicate();
const folder = "quickstart-output/node";
mkdirSync(folder, { recursive: true });

// 1. Run a text model.
/** @type {string[]} */
const text = await replicate.run(TEXT, {
  input: { prompt: "Describe a harbor at dawn.", max_tokens: 30, seed: 7 },
});
console.log("1. run:    ", text.join("").trim());

// 2. Stream its output.
process.stdout.write("2. stream:  ");
const input = { prompt: "Sing of the sea.", max_tokens: 30, seed: 8 };
for await (const event of replicate.stream(TEXT, { input })) {
  process.stdout.write(`${event}`);
}
console.log();

// 3. Generate an image and save it.
/** @type {[import("replicant").FileOutput]} */
const [image] = await replicate.run(IMAGE, {
  input: { prompt: "a harbor at dawn", width: 512, height: 512, seed: 7 },
});
const path = `${folder}/harbor.png`;
await image.save(path);
console.log(`3. image:   harbor.png, ${statSync(path).size} bytes`);

// 4. Send a file, which is uploaded automatically, and save the output.
/** @type {import("replicant").FileOutput} */
const larger = await replicate.run(UPSCALE, { input: { scale: 2, image: readFileSync(path) } });
await larger.save(`${folder}/harbor-x2.png`);
console.log(`4. upscale: harbor-x2.png, ${statSync(`${folder}/harbor-x2.png`).size} bytes`);

// 5. Start a prediction in the background and receive a webhook when it has ended.
if (real) {
  console.log("5. webhook: skipped, as the real API cannot reach a local port");
} else {
  const webhook = await receiveOneWebhook();
  const created = await replicate.predictions.create({
    model: TEXT,
    input: { prompt: "Name a bird.", max_tokens: 5, seed: 9 },
    webhook: webhook.url,
    webhook_events_filter: ["completed"],
  });
  const event = await replicate.webhooks.unwrap(await webhook.received);
  if (event.id !== created.id) throw new Error("the webhook is about another prediction");
  console.log(`5. webhook: verified, ${event.status}: ${event.output.join("").trim()}`);
}

// 6. Handle an invalid input.
try {
  await replicate.run(IMAGE, { input: { prompt: "x", width: "wide" } });
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  console.log(`6. error:   ${error.code} (${error.status})`);
  console.log(`            ${error.detail?.trim()}`);
}

console.log(`The pictures are in ${folder}`);
emulator?.close();

/** Starts a web server on a free local port that returns the first webhook it receives. */
async function receiveOneWebhook() {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const received = new Promise((resolve) => {
    server.on("request", async (request, response) => {
      const chunks = await request.toArray();
      response.end();
      server.close();
      resolve({ headers: request.headers, body: Buffer.concat(chunks) });
    });
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}/webhook`, received };
}
