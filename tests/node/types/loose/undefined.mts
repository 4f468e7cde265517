// The official declarations accept this only without `exactOptionalPropertyTypes`; ours accept it with and without.
import Replicate from "replicate";

const replicate = new Replicate({ auth: process.env.TOKEN, baseUrl: process.env.BASE, fetch: undefined });

export async function undefinedOptions(signal?: AbortSignal, webhook?: string, wait?: number): Promise<void> {
  await replicate.run("a/b", {
    input: {},
    signal,
    webhook,
    wait: undefined,
    webhook_events_filter: undefined,
  });
  replicate.stream("a/b", { input: {}, signal, webhook, useFileOutput: undefined });
  await replicate.predictions.create({ model: "a/b", input: {}, webhook, wait, signal });
  await replicate.deployments.predictions.create("a", "b", { input: {}, webhook, wait, signal });
  await replicate.trainings.create("a", "b", "v", { destination: "a/c", input: {}, webhook, signal });
  await replicate.models.create("a", "b", {
    visibility: "public",
    hardware: "cpu",
    description: webhook,
    signal,
  });
  await replicate.predictions.get("id", { signal });
  await replicate.predictions.list({ signal });
  await replicate.models.search("x", { signal });
  await replicate.request("/models", { method: undefined, signal, params: undefined, data: undefined });
  for await (const _ of replicate.paginate(replicate.models.list, { signal }));
}
