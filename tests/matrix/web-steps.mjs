// Checks an installed package in a runtime with web APIs only, against an emulator elsewhere.
import { webhook } from "replicant/webhooks";

const TEXT = "meta/meta-llama-3-8b-instruct";
const input = { prompt: "Describe a harbor.", max_tokens: 8, seed: 1 };

/**
 * Runs all checks and returns the line to print.
 *
 * @param replicate a client of the emulator
 */
export async function webSteps({ UnsupportedError, ApiError, validateWebhook }, replicate) {
  const same = (actual, expected, what) => {
    const [found, wanted] = [actual, expected].map((value) => JSON.stringify(value));
    if (found !== wanted) throw new Error(`${what}: ${found} is not ${wanted}`);
  };
  const value = { text: "a", list: [1, 2.5, null] };
  same(await replicate.run("emulator/echo", { input: { value } }), value, "run");

  const text = (await replicate.run(TEXT, { input })).join("");
  let streamed = "";
  for await (const event of replicate.stream(TEXT, { input })) streamed += event;
  same(streamed.trim(), text.trim(), "stream");
  const many = await Promise.all([1, 2, 3, 4].map(() => replicate.run(TEXT, { input })));
  same(
    many.map((pieces) => pieces.join("")),
    [text, text, text, text],
    "four at a time",
  );

  const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a heron" } });
  const bytes = await image.bytes();
  same((await new Response(image).arrayBuffer()).byteLength, bytes.length, "a file as a response");
  const failed = await image.save("heron.webp").catch((error) => error);
  same([failed instanceof UnsupportedError, failed.code], [true, "unsupported"], `save: ${failed}`);

  // The larger ones are streamed or, in a browser, sent as one body.
  for (const size of [256 * 1024, 3e6]) {
    const { size: uploaded } = await replicate.files.create(new File([new Uint8Array(size)], "zeros.bin"));
    same(uploaded, size, "upload");
  }
  const { size } = await replicate.files.create(new Blob([new Uint8Array(3e6)]).stream());
  same(size, 3e6, "upload of a stream");

  let refused;
  try {
    webhook(5, () => {});
  } catch (error) {
    refused = error.name;
  }
  same(refused, "InvalidArgumentError", "a handler of webhooks without a client");

  const missing = await replicate.predictions.get("nothing-there").catch((error) => error);
  same([missing instanceof ApiError, missing.status], [true, 404], `error: ${missing}`);

  const signal = AbortSignal.timeout(200);
  const wait = { mode: "poll" };
  const aborted = await replicate
    .run("emulator/endless", { input: {}, wait, signal })
    .catch((error) => error);
  same(aborted.name, "TimeoutError", `abort: ${aborted}`);

  const { key } = await replicate.webhooks.default.secret.get();
  const headers = { "webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" };
  same(await validateWebhook({ headers, body: "{}" }, key), false, "webhook");
  return "smoke ok";
}
