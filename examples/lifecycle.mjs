// The lifecycle of a prediction: progress, cancellation, timeouts, background work, lists.
//
// Runs against the emulator, without a token or a network. For the real API, use `new Replicate()`.
import { DeadlineError, parseProgressFromLogs } from "replicant";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const replicate = emulator.client();

// Progress: the callback receives every observed state of the prediction, including the last.
await replicate.run(
  "emulator/progress",
  { input: { steps: 4, step_seconds: 0.05 }, wait: { mode: "poll", interval: 40 } },
  (prediction) => {
    const progress = parseProgressFromLogs(prediction);
    console.log(prediction.status, progress ? `${Math.round(progress.percentage * 100)} %` : "");
  },
);

// Cancellation: the promise rejects at once with the signal's reason, and the prediction is canceled.
const controller = new AbortController();
const run = replicate.run("emulator/endless", {
  input: {},
  wait: { mode: "poll" },
  signal: controller.signal,
});
setTimeout(() => controller.abort(new Error("the user left")), 100);
await run.catch((error) => console.log(`stopped: ${error.message}`));

// A timeout for the whole run, in milliseconds. With `onAbandon: "leave"` the prediction would continue.
try {
  await replicate.run("emulator/endless", { input: {}, timeout: 200 });
} catch (error) {
  if (!(error instanceof DeadlineError)) throw error;
  console.log(`timed out: ${error.prediction ? "its prediction is known" : "it was not created yet"}`);
}

// Stream text. Leaving the loop closes the connection and cancels the prediction.
const words = replicate.stream("meta/meta-llama-3-8b-instruct", {
  input: { prompt: "Sing of the sea.", max_tokens: 200, seed: 8 },
});
let text = "";
for await (const piece of words.text()) {
  text += piece;
  if (text.length > 20) break;
}
console.log(`${words.prediction?.model}: ${text.length > 20}`);

// Background work: create a prediction now, and wait for it later. The id is enough to find it again.
const { id } = await replicate.predictions.create({
  model: "emulator/echo",
  input: { value: 7, delay: 0.2 },
});
const ended = await replicate.predictions.wait(id);
console.log(`${ended.status}: ${ended.output}`);

// List every prediction of the account. Pages are fetched when they are needed.
const counts = new Map();
for await (const { status } of replicate.predictions.list()) {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}
console.log(Object.fromEntries(counts));

emulator.close();
