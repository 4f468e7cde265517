// Every method of every resource, with its parameters and results in typed variables.
import Replicate, {
  type Account,
  type Collection,
  type Deployment,
  type FileObject,
  type Hardware,
  type Model,
  type ModelVersion,
  type Page,
  type Prediction,
  type Training,
  type WebhookSecret,
} from "replicate";

const replicate = new Replicate({ auth: "r8_x" });
const { signal } = new AbortController();

export async function account(): Promise<Account> {
  const account: Account = await replicate.accounts.current({ signal });
  const name: string = account.name;
  const kind: "user" | "organization" = account.type;
  return { ...account, name, type: kind };
}

export async function collections(): Promise<Collection> {
  const page: Page<Collection> = await replicate.collections.list({ signal });
  const collection = await replicate.collections.get("text", { signal });
  const models: Model[] = collection.models ?? [];
  const description: string | null = collection.full_description;
  return page.results[0] ?? { ...collection, models, full_description: description };
}

export async function deploymentRun(): Promise<Prediction> {
  return replicate.deployments.predictions.create("acme", "text", {
    input: { prompt: "x" },
    stream: true,
    webhook: "https://example.com/hook",
    webhook_events_filter: ["completed"],
    wait: 10,
    signal,
  });
}

export async function deployments(): Promise<Deployment> {
  const created: Deployment = await replicate.deployments.create(
    { name: "text", model: "acme/text", version: "v", hardware: "cpu", min_instances: 0, max_instances: 1 },
    { signal },
  );
  await replicate.deployments.update("acme", "text", { min_instances: 1 }, { signal });
  await replicate.deployments.update("acme", "text", { version: "v", hardware: "cpu" });
  // @ts-expect-error: nothing to change
  await replicate.deployments.update("acme", "text", {});
  const deleted: boolean = await replicate.deployments.delete("acme", "text", { signal });
  const page: Page<Deployment> = await replicate.deployments.list({ signal });
  return deleted
    ? created
    : (page.results[0] ?? (await replicate.deployments.get("acme", "text", { signal })));
}

export function deploymentMembers(deployment: Deployment): (string | number)[] {
  const { number, model, version, created_at, created_by, configuration } = deployment.current_release;
  const { hardware, min_instances, max_instances } = configuration;
  return [number, model, version, created_at, created_by.username, hardware, min_instances, max_instances];
}

export async function filesCreated(blob: Blob): Promise<string> {
  const file: FileObject = await replicate.files.create(blob, { purpose: "test" }, { signal });
  const other = await replicate.files.create(Buffer.from("x"));
  const expires: string | null = other.expires_at;
  return file.urls.get + other.checksums.sha256 + expires;
}

export async function filesListed(): Promise<boolean> {
  const page: Page<FileObject> = await replicate.files.list({ signal });
  const file = page.results[0] ?? (await replicate.files.get("id", { signal }));
  const metadata: Record<string, unknown> = file.metadata;
  return Object.keys(metadata).length > 0 && (await replicate.files.delete(file.id, { signal }));
}

export async function hardware(): Promise<string[]> {
  const list: Hardware[] = await replicate.hardware.list({ signal });
  return list.map(({ sku, name }) => `${sku} ${name}`);
}

export async function models(): Promise<Model> {
  const page: Page<Model> = await replicate.models.list({ signal });
  const found: Page<Model> = await replicate.models.search("upscale", { signal });
  const model = await replicate.models.get("acme", "text", { signal });
  const cover: string | undefined = model.cover_image_url;
  const official: boolean = model.is_official;
  const example: Prediction | undefined = model.default_example;
  void [cover, official, example];
  return page.results[0] ?? found.results[0] ?? model;
}

export async function modelCreated(): Promise<Model> {
  return replicate.models.create("acme", "text", {
    visibility: "private",
    hardware: "cpu",
    description: "d",
    github_url: "https://github.com/a/b",
    paper_url: "https://arxiv.org/abs/1",
    license_url: "https://example.com/license",
    cover_image_url: "https://example.com/cover.png",
    signal,
  });
}

export async function versions(): Promise<ModelVersion> {
  const page: Page<ModelVersion> = await replicate.models.versions.list("acme", "text", { signal });
  const version = await replicate.models.versions.get("acme", "text", "v", { signal });
  const schema: object | null = version.openapi_schema;
  const cog: string | null = version.cog_version;
  return page.results[0] ?? { ...version, openapi_schema: schema, cog_version: cog };
}

export async function latestVersion(): Promise<string | undefined> {
  const model = await replicate.models.get("acme", "text");
  return model.latest_version?.id;
}

export async function predictionCreatedByModel(): Promise<Prediction> {
  return replicate.predictions.create({ model: "acme/text", input: {}, stream: true, wait: true, signal });
}

export async function predictionCreatedByVersion(): Promise<Prediction> {
  const options = { version: "v", input: { prompt: "x" }, webhook: "https://example.com", wait: 5 };
  return replicate.predictions.create(options);
}

export async function predictionCreatedFromUnknown(options: Record<string, unknown>): Promise<Prediction> {
  return replicate.predictions.create(options as Parameters<typeof replicate.predictions.create>[0]);
}

export async function deploymentCreatedFromUnknown(config: Record<string, unknown>): Promise<void> {
  await replicate.deployments.create(config as Parameters<typeof replicate.deployments.create>[0]);
  await replicate.deployments.predictions.create(
    "acme",
    "text",
    config as Parameters<typeof replicate.deployments.predictions.create>[2],
  );
  await replicate.models.create("a", "b", config as Parameters<typeof replicate.models.create>[2]);
  await replicate.trainings.create("a", "b", "v", config as Parameters<typeof replicate.trainings.create>[3]);
  replicate.stream("a/b", config as Parameters<typeof replicate.stream>[1]);
  await replicate.request("/models", config as Parameters<typeof replicate.request>[1]);
}

export async function predictionParametersBuilt(prompt: string): Promise<Prediction> {
  type Options = Parameters<Replicate["predictions"]["create"]>[0];
  const options: Options = { version: "v", input: { prompt } };
  options.webhook = "https://example.com/hook";
  options.webhook_events_filter = ["completed"];
  const input: object = options.input;
  return replicate.predictions.create({ ...options, input });
}

export async function predictionFollowed(): Promise<Prediction> {
  let prediction = await replicate.predictions.create({ version: "v", input: {} });
  while (prediction.status !== "succeeded" && prediction.status !== "failed") {
    prediction = await replicate.predictions.get(prediction.id, { signal });
  }
  return replicate.predictions.cancel(prediction.id, { signal });
}

export async function predictionOutput(): Promise<string> {
  const prediction = await replicate.predictions.get("id");
  const [first] = prediction.output;
  return first + prediction.output.text.length + prediction.output?.[0];
}

export async function predictionsListed(): Promise<Prediction[]> {
  const { results, next, previous } = await replicate.predictions.list({ signal });
  const links: (string | undefined)[] = [next, previous];
  return links.length > 0 ? results.filter(({ status }) => status === "succeeded") : [];
}

export async function trainings(): Promise<Training> {
  // @ts-expect-error: a destination has an owner
  await replicate.trainings.create("acme", "text", "v", { destination: "mine", input: {} });
  const training: Training = await replicate.trainings.create("acme", "text", "v", {
    destination: "acme/mine",
    input: { data: "https://example.com/data.zip" },
    webhook: "https://example.com/hook",
    webhook_events_filter: ["completed"],
    signal,
  });
  const weights: string | undefined = training.output?.weights;
  const version: string | undefined = training.output?.version;
  void [weights, version];
  const page: Page<Training> = await replicate.trainings.list({ signal });
  await replicate.trainings.cancel(training.id, { signal });
  return page.results[0] ?? (await replicate.trainings.get(training.id, { signal }));
}

export async function secret(): Promise<string> {
  const secret: WebhookSecret = await replicate.webhooks.default.secret.get({ signal });
  return secret.key;
}

export async function resultTypes(): Promise<string[]> {
  type Result<F extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<F>>;
  const prediction: Result<typeof replicate.predictions.get> = await replicate.predictions.get("id");
  const page: Result<typeof replicate.models.list> = await replicate.models.list();
  const created: Result<Replicate["deployments"]["predictions"]["create"]> =
    await replicate.deployments.predictions.create("acme", "text", { input: {} });
  return [prediction.id, created.status, ...page.results.map(({ owner }) => owner)];
}

export async function manyAtOnce(): Promise<number> {
  const [page, prediction, hardware] = await Promise.all([
    replicate.models.list(),
    replicate.predictions.get("id"),
    replicate.hardware.list(),
  ]);
  return page.results.length + prediction.id.length + hardware.length;
}

export async function methodsPassedAround(ids: string[]): Promise<Prediction[]> {
  const { get } = replicate.predictions;
  const load: (id: string) => Promise<Prediction> = replicate.predictions.get;
  const list: () => Promise<Page<Prediction>> = replicate.predictions.list;
  const first = (await list()).results;
  return [...first, ...(await Promise.all(ids.map((id) => get(id)))), await load("id")];
}

export async function thenAndCatch(): Promise<string | undefined> {
  return replicate.predictions
    .get("id")
    .then((prediction) => prediction.logs)
    .catch((error: unknown) => String(error));
}

export async function listReturned(): Promise<Page<Model>> {
  return replicate.models.list();
}

export function listInClosures(): Record<string, () => Promise<Page<Model>>> {
  return { all: () => replicate.models.list(), found: async () => replicate.models.search("x") };
}

export async function listInCollections(): Promise<Page<Prediction>[]> {
  const pages: Page<Prediction>[] = [await replicate.predictions.list()];
  pages.push(await replicate.predictions.list());
  const all = await Promise.all([1, 2].map(() => replicate.predictions.list()));
  return pages.concat(all);
}

export async function listsFollowedByHand(): Promise<Prediction[]> {
  const all: Prediction[] = [];
  let page: Page<Prediction> = await replicate.predictions.list();
  for (;;) {
    all.push(...page.results);
    if (!page.next) return all;
    const response = await replicate.request(page.next, { method: "GET" });
    page = (await response.json()) as Page<Prediction>;
  }
}

export function methodsByName(name: "get" | "cancel"): Promise<Prediction> {
  return replicate.predictions[name]("id");
}

export function genericHelper<T>(work: () => Promise<T>): Promise<T> {
  return work().catch(() => work());
}

export async function throughGenericHelpers(): Promise<[string, number, string]> {
  const prediction = await genericHelper(() => replicate.predictions.get("id"));
  const page = await genericHelper(() => replicate.models.list());
  const cached = new Map<string, Promise<Prediction>>([["id", replicate.predictions.get("id")]]);
  return [prediction.status, page.results.length, (await cached.get("id"))?.id ?? ""];
}

export async function resultsAreSettled(): Promise<number> {
  const settled = await Promise.allSettled([replicate.predictions.list(), replicate.models.list()]);
  let items = 0;
  for (const one of settled) if (one.status === "fulfilled") items += one.value.results.length;
  return items;
}
