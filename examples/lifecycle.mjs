// The life of a prediction: progress, cancelling, time limits, working in the background, looking back.
//
// Runs against the emulator, without token or network; with `new Replicate()` it is the same code for the real API.
import { DeadlineError, parseProgressFromLogs } from "replicant";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const replicate = emulator.client();

// Progress: every state that is seen on the way, the last one included.
await replicate.run(
  "emulator/progress",
  { input: { steps: 4, step_seconds: 0.05 }, wait: { mode: "poll", interval: 40 } },
  (prediction) => {
    const progress = parseProgressFromLogs(prediction);
    console.log(prediction.status, progress ? `${Math.round(progress.percentage * 100)} %` : "");
  },
);

// Cancelling: the promise rejects at once with the signal's reason, and the prediction is cancelled.
const controller = new AbortController();
const run = replicate.run("emulator/endless", {
  input: {},
  wait: { mode: "poll" },
  signal: controller.signal,
});
setTimeout(() => controller.abort(new Error("the user left")), 100);
await run.catch((error) => console.log(`stopped: ${error.message}`));

// A limit for all of it, in milliseconds. `onAbandon: "leave"` would let the prediction go on.
try {
  await replicate.run("emulator/endless", { input: {}, timeout: 200 });
} catch (error) {
  if (!(error instanceof DeadlineError)) throw error;
  console.log(`out of time: ${error.prediction ? "its prediction is known" : "it was not created yet"}`);
}

// Text as it is written. Leaving the loop closes the connection and cancels the prediction.
const words = replicate.stream("meta/meta-llama-3-8b-instruct", {
  input: { prompt: "Sing of the sea.", max_tokens: 200, seed: 8 },
});
let text = "";
for await (const piece of words.text()) {
  text += piece;
  if (text.length > 20) break;
}
console.log(`${words.prediction?.model}: ${text.length > 20}`);

// In the background: create now, come back later, from anywhere that knows the id.
const { id } = await replicate.predictions.create({
  model: "emulator/echo",
  input: { value: 7, delay: 0.2 },
});
const ended = await replicate.predictions.wait(id);
console.log(`${ended.status}: ${ended.output}`);

// Looking back: every prediction of this account, page by page as they are needed.
const counts = new Map();
for await (const { status } of replicate.predictions.list()) {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}
console.log(Object.fromEntries(counts));

emulator.close();
