// The client: construction, properties, `run`, `stream`, `wait`, `request`, `paginate`.
import Replicate, {
  type FileEncodingStrategy,
  type FileOutput,
  type Page,
  type Prediction,
  type ServerSentEvent,
} from "replicate";

const replicate = new Replicate();
const image = "black-forest-labs/flux-schnell" as const;
const pinned = "stability-ai/sdxl:39ed52f2" as const;

export function constructedWithEveryOption(): Replicate {
  return new Replicate({
    auth: "r8_x",
    userAgent: "mine/1",
    baseUrl: "https://example.com/v1",
    fetch: globalThis.fetch,
    fileEncodingStrategy: "data-uri",
    useFileOutput: false,
  });
}

export function constructedFromItsOwnOptionType(): Replicate {
  type Options = NonNullable<ConstructorParameters<typeof Replicate>[0]>;
  const options: Options = { auth: "r8_x" };
  options.useFileOutput = true;
  const strategy: FileEncodingStrategy | undefined = options.fileEncodingStrategy;
  return new Replicate(strategy ? options : {});
}

export function constructedFromUnknownSettings(settings: Record<string, unknown>): Replicate {
  return new Replicate(settings as ConstructorParameters<typeof Replicate>[0]);
}

export function tokenAsText(): string {
  const token: string = replicate.auth;
  return token.slice(0, 3);
}

export function propertiesAreAssigned(): void {
  replicate.auth = "r8_y";
  replicate.userAgent = "mine/2";
  replicate.baseUrl = "https://example.com/v1";
  replicate.fileEncodingStrategy = "upload";
}

export function optionalPropertiesAreDeleted(): void {
  delete replicate.userAgent;
  delete replicate.baseUrl;
}

export function propertiesAreRead(): [string | undefined, string | undefined, FileEncodingStrategy] {
  const { userAgent, baseUrl, fileEncodingStrategy } = replicate;
  return [userAgent, baseUrl, fileEncodingStrategy];
}

export function fetchThatTakesARequest(): void {
  replicate.fetch = async (input: Request | string, init?: RequestInit) => fetch(input, init);
  const same: (input: Request | string, init?: RequestInit) => Promise<Response> = replicate.fetch;
  void new Replicate({ fetch: same });
}

export function fetchThatDisablesACache(): Replicate {
  return new Replicate({
    fetch: (url, options) => fetch(url, { ...options, cache: "no-store" }),
  });
}

export function fetchThatLooksAtItsInput(): void {
  replicate.fetch = async (input, init) => {
    const url: string = typeof input === "string" ? input : input.url;
    return fetch(url, init);
  };
}

export async function outputAsAnObject(): Promise<string> {
  const output = await replicate.run(image, { input: { prompt: "x" } });
  const object: object = output;
  const values: unknown[] = Object.values(output);
  const keys: string[] = Object.keys(output);
  if ("url" in output) keys.push("url");
  return output.toString() + String(object) + values.length + keys.length;
}

export async function outputCastToText(): Promise<string> {
  const output = (await replicate.run(pinned, { input: { prompt: "x" } })) as string[];
  return output.join("");
}

export async function outputCastToFiles(): Promise<URL | undefined> {
  const files = (await replicate.run(image, { input: {} })) as FileOutput[];
  return files[0]?.url();
}

export async function outputCastToAShape(): Promise<string> {
  interface Caption {
    caption: string;
    score: number;
  }
  const { caption } = (await replicate.run(image, { input: {} })) as Caption;
  return caption;
}

export async function outputCastThroughUnknown(): Promise<string> {
  const text = (await replicate.run(image, { input: {} })) as unknown as string;
  return text.trim();
}

export async function outputNarrowed(): Promise<number> {
  const output = await replicate.run(image, { input: {} });
  if (Array.isArray(output)) return output.length;
  if (output instanceof ReadableStream) return output.locked ? 1 : 0;
  return 0;
}

export async function outputAssignedLater(): Promise<object> {
  let output: object | undefined;
  try {
    output = await replicate.run(image, { input: {} });
  } finally {
    void output;
  }
  return output ?? {};
}

export async function outputOfItsReturnType(): Promise<string[]> {
  type Output = Awaited<ReturnType<typeof replicate.run>>;
  const outputs: Output[] = [];
  outputs.push(await replicate.run(image, { input: {} }));
  return outputs.flatMap((output) => Object.keys(output));
}

export async function severalRunsAtOnce(): Promise<object[]> {
  const [a, b] = await Promise.all([
    replicate.run(image, { input: { prompt: "a" } }),
    replicate.run(image, { input: { prompt: "b" } }),
  ]);
  const more: object[] = await Promise.all(
    ["c", "d"].map((prompt) => replicate.run(image, { input: { prompt } })),
  );
  return [a, b, ...more];
}

export async function raceWithATimeout(): Promise<object> {
  const late = new Promise<never>((_, reject) => setTimeout(reject, 1000));
  return Promise.race([replicate.run(image, { input: {} }), late]);
}

export async function runWithEveryOption(signal: AbortSignal): Promise<object> {
  return replicate.run(
    pinned,
    {
      input: { prompt: "x" },
      wait: { mode: "block", interval: 500, timeout: 30 },
      webhook: "https://example.com/hook",
      webhook_events_filter: ["start", "completed"],
      signal,
    },
    (prediction) => {
      const { id, status, logs }: Prediction = prediction;
      console.log(id, status, logs?.length);
    },
  );
}

export async function runByPolling(): Promise<object> {
  return replicate.run(image, { input: {}, wait: { mode: "poll", interval: 100 } });
}

export function runWithACallbackOfItsOwn(onProgress: (prediction: Prediction) => void): Promise<object> {
  return replicate.run(image, { input: {} }, onProgress);
}

export function runByParameters(...args: Parameters<typeof replicate.run>): Promise<object> {
  const [identifier, { input }] = args;
  const given: object = input;
  return replicate.run(identifier, { input: given });
}

export async function runWithUnknownOptions(options: Record<string, unknown>): Promise<object> {
  return replicate.run(image, options as Parameters<Replicate["run"]>[1]);
}

export function identifierFromParts(owner: string, name: string, version?: string): Promise<object> {
  const identifier = version
    ? (`${owner}/${name}:${version}` as const)
    : (`${owner}/${name}` as `${string}/${string}`);
  return replicate.run(identifier, { input: {} });
}

export function identifierCast(text: string): Promise<object> {
  return replicate.run(text as `${string}/${string}:${string}`, { input: {} });
}

export async function streamToStandardOutput(): Promise<void> {
  for await (const event of replicate.stream(image, { input: { prompt: "x" } })) {
    if (event.event === "output") process.stdout.write(event.data);
    process.stdout.write(`${event}`);
  }
}

export function streamAsAResponse(): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async start(controller) {
      for await (const { event, data } of replicate.stream(image, { input: {} })) {
        if (event === "output") controller.enqueue(encoder.encode(data));
      }
      controller.close();
    },
  });
  return new Response(body);
}

export function streamRelayed(signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  return replicate.stream(image, {
    input: {},
    webhook: "https://example.com/hook",
    webhook_events_filter: ["output"],
    signal,
    useFileOutput: false,
  });
}

export async function* streamDelegated(): AsyncGenerator<string> {
  for await (const { data } of replicate.stream(image, { input: {} })) yield data;
}

export async function streamByHand(): Promise<string | undefined> {
  const events = replicate.stream(image, { input: {} });
  const first = await events.next();
  await events.return(undefined);
  if (first.done) return undefined;
  const { data, event, id, retry }: ServerSentEvent = first.value;
  return [event, data, id ?? "", retry ?? 0].join(" ");
}

export async function streamCollected(): Promise<string> {
  const parts: string[] = [];
  const events: AsyncIterable<ServerSentEvent> = replicate.stream(image, { input: {} });
  for await (const event of events) parts.push(event.data);
  return parts.join("");
}

export async function waited(prediction: Prediction): Promise<Prediction> {
  return replicate.wait(prediction, { interval: 100 }, async (state) => state.status === "processing");
}

export async function waitedWithoutOptions(): Promise<string> {
  const prediction = await replicate.wait(await replicate.predictions.get("id"));
  return prediction.status;
}

export async function requestedByHand(signal: AbortSignal): Promise<unknown> {
  const response: Response = await replicate.request("/models", {
    method: "GET",
    headers: new Headers({ a: "b" }),
    params: { cursor: "x" },
    signal,
  });
  await replicate.request(new URL("https://api.replicate.com/v1/files"), {
    method: "POST",
    headers: { a: "b" },
    data: { a: 1 },
  });
  return response.json();
}

export async function requestedWithInterfaces(
  params: object,
  data: object,
  headers: object,
): Promise<number> {
  return (await replicate.request("/models", { method: "POST", params, data, headers })).status;
}

export async function pagesOfModels(): Promise<string[]> {
  const names: string[] = [];
  for await (const batch of replicate.paginate(replicate.models.list)) {
    for (const model of batch) names.push(`${model.owner}/${model.name}`);
  }
  return names;
}

export async function pagesOfPredictions(signal: AbortSignal): Promise<Prediction[]> {
  const all: Prediction[] = [];
  for await (const batch of replicate.paginate(() => replicate.predictions.list({ signal }), { signal })) {
    all.push(...batch);
  }
  return all;
}

export async function pagesOfAFunction(list: () => Promise<Page<Prediction>>): Promise<number> {
  const pages: AsyncGenerator<Prediction[]> = replicate.paginate(list);
  const first = await pages.next();
  return first.done ? 0 : first.value.length;
}

export async function pagesByTypeArgument(): Promise<void> {
  for await (const [first] of replicate.paginate<Prediction>(replicate.predictions.list)) void first?.id;
}

export function clientKept(): { client: Replicate; models: Replicate["models"] } {
  const { models } = replicate;
  return { client: replicate, models };
}

export async function outputThroughGenericHelpers(
  retry: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<string> {
  const output = await retry(() => replicate.run(image, { input: {} }));
  const text = (await retry(async () => (await replicate.run(image, { input: {} })) as string[])).join("");
  return text + Object.keys(output).length;
}

export async function outputReturnedAsUnknown(): Promise<unknown> {
  return replicate.run(image, { input: {} });
}

export async function outputGuarded(isFile: (value: unknown) => value is FileOutput): Promise<string> {
  const output = await replicate.run(image, { input: {} });
  if (isFile(output)) return output.url().href;
  if (Array.isArray(output) && output.every(isFile)) return output.map((file) => file.url().href).join();
  if ("audio" in output && isFile(output.audio)) return output.audio.toString();
  return JSON.stringify(output);
}

export function outputBySatisfies() {
  const options = { input: { prompt: "x" }, wait: { mode: "poll", interval: 500 } } satisfies Parameters<
    typeof replicate.run
  >[1];
  return replicate.run(image, options);
}

export function interfacesAsInput(): Promise<object> {
  interface Input {
    prompt: string;
    seed?: number;
  }
  const input: Input = { prompt: "x" };
  return replicate.run(image, { input });
}
