// Models, versions, deployments and trainings, in TypeScript.
//
// Runs against the emulator, without a token or a network. For the real API, use `new Replicate()`.
import type { Deployment, FileOutput, Model, Prediction } from "replicant";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const replicate = emulator.client();

// Find a model and read its input schema.
const found: Model[] = (await replicate.models.search("upscale")).results;
console.log(`found ${found.length > 0}`);
const sdxl = await replicate.models.get("stability-ai", "sdxl");
const version = sdxl.latest_version?.id ?? "";
const { openapi_schema } = await replicate.models.versions.get("stability-ai", "sdxl", version);
console.log(`sdxl takes ${Object.keys(openapi_schema.components.schemas.Input.properties).includes("prompt")}`);

// Pass the type of the output to `run`.
const [image] = await replicate.run<[FileOutput]>(`stability-ai/sdxl:${version}`, {
  input: { prompt: "a harbor at dawn", width: 256, height: 256 },
});
console.log(`an image of ${(await image.blob()).type}`);

// Deploy a model on hardware of your choice.
const deployment: Deployment = await replicate.deployments.create({
  name: "harbors",
  model: "stability-ai/sdxl",
  version,
  hardware: "gpu-t4",
  min_instances: 0,
  max_instances: 1,
});
const { owner, name } = deployment;
const released = await replicate.deployments.update(owner, name, { max_instances: 2 });
console.log(`${name}: release ${released.current_release.number}`);
const created: Prediction<string[]> = await replicate.deployments.predictions.create(owner, name, {
  input: { prompt: "a harbor at noon", width: 256, height: 256 },
});
const { output } = await replicate.predictions.wait(created);
console.log(`it made ${output?.length} picture`);
console.log(`deleted: ${await replicate.deployments.delete(owner, name)}`);

// A training creates a version of one of your models. Its input accepts files.
const training = await replicate.trainings.create("stability-ai", "sdxl", version, {
  destination: "acme/hotdog",
  input: { input_images: "https://example.com/pictures.zip" },
});
console.log(`training: ${(await replicate.trainings.cancel(training.id)).status}`);

// `paginate` yields whole pages, which are fetched when they are needed.
for await (const models of replicate.paginate(replicate.models.list)) {
  console.log(`${models.length > 0} models on a page`);
  break;
}

emulator.close();
