// Compiled with each kind of module resolution, then run.
import Replicate, { type FileOutput, type Prediction, ReplicateError, type ServerSentEvent } from "replicant";
import { Emulator } from "replicant/testing";

async function main(): Promise<void> {
  const emulator = new Emulator({ port: 0 });
  const replicate: Replicate = emulator.client();
  const [image] = (await replicate.run("black-forest-labs/flux-schnell", {
    input: { prompt: "a heron" },
  })) as [FileOutput];
  const bytes: Uint8Array = new Uint8Array(await (await image.blob()).arrayBuffer());
  const created: Prediction = await replicate.predictions.create({ model: "emulator/echo", input: { value: 1 } });
  const ended: Prediction = await replicate.wait(created);
  let event: ServerSentEvent | undefined;
  for await (event of replicate.stream("meta/meta-llama-3-8b-instruct", { input: { prompt: "x", max_tokens: 3 } })) {
  }
  try {
    await replicate.predictions.get("nothing-there");
  } catch (error) {
    if (!(error instanceof ReplicateError) || error.status !== 404) throw error;
    if (bytes.length === 0 || ended.status !== "succeeded" || event === undefined) throw new Error("wrong");
    console.log("smoke ok");
  }
  emulator.close();
}

void main();
