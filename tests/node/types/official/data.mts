// Values of the declared types, as tests and webhook handlers write them.
import {
  type Account,
  type ApiError,
  type Collection,
  type Deployment,
  type FileEncodingStrategy,
  type FileObject,
  type FileOutput,
  type Hardware,
  type Model,
  type ModelVersion,
  type Page,
  type Prediction,
  parseProgressFromLogs,
  type ServerSentEvent,
  type Status,
  type Training,
  type Visibility,
  validateWebhook,
  type WebhookEventType,
  type WebhookSecret,
} from "replicate";

export const prediction: Prediction = {
  id: "p",
  status: "starting",
  model: "acme/text",
  version: "hidden",
  input: { prompt: "x" },
  source: "api",
  data_removed: false,
  created_at: "2026-01-01T00:00:00Z",
  urls: { get: "https://example.com/p", cancel: "https://example.com/p/cancel" },
};

export const ended: Prediction = {
  ...prediction,
  status: "succeeded",
  output: ["a", "b"],
  error: null,
  logs: "",
  deadline: "2026-01-01T01:00:00Z",
  deployment: "acme/text",
  metrics: { predict_time: 1, total_time: 2 },
  webhook: "https://example.com/hook",
  webhook_events_filter: ["completed"],
  started_at: "2026-01-01T00:00:01Z",
  completed_at: "2026-01-01T00:00:02Z",
  urls: { get: "g", cancel: "c", stream: "s", web: "w" },
};

export const training: Training = {
  id: "t",
  status: "processing",
  model: "acme/text",
  version: "v",
  input: {},
  output: { version: "acme/mine:v", weights: "https://example.com/w" },
  source: "web",
  created_at: "2026-01-01T00:00:00Z",
  urls: { get: "g", cancel: "c" },
};

export const page: Page<Model> = { results: [] };
export const pageWithLinks: Page<string> = { previous: "p", next: "n", results: ["a"] };

export const model: Model = {
  url: "https://replicate.com/acme/text",
  owner: "acme",
  name: "text",
  visibility: "public",
  is_official: false,
  run_count: 1,
};

export const modelWithAll: Model = {
  ...model,
  description: "d",
  github_url: "g",
  paper_url: "p",
  license_url: "l",
  cover_image_url: "c",
  default_example: prediction,
  latest_version: { id: "v", created_at: "2026-01-01T00:00:00Z", cog_version: null, openapi_schema: null },
};

export const version: ModelVersion = {
  id: "v",
  created_at: "t",
  cog_version: "0.9",
  openapi_schema: { a: 1 },
};
export const account: Account = { type: "user", username: "acme", name: "Acme" };
export const accountWithAll: Account = { ...account, github_url: "g", avatar_url: "a" };
export const collection: Collection = { name: "n", slug: "s", description: "d", full_description: null };
export const collectionWithModels: Collection = { ...collection, models: [model] };
export const hardware: Hardware = { sku: "cpu", name: "CPU" };
export const secret: WebhookSecret = { key: "whsec_x" };
export const event: ServerSentEvent = { event: "output", data: "a" };
export const eventWithAll: ServerSentEvent = { event: "output", data: "a", id: "1", retry: 100 };

export const deployment: Deployment = {
  owner: "acme",
  name: "text",
  current_release: {
    number: 1,
    model: "acme/text",
    version: "v",
    created_at: "2026-01-01T00:00:00Z",
    created_by: account,
    configuration: { hardware: "cpu", min_instances: 0, max_instances: 1 },
  },
};

export const file: FileObject = {
  id: "f",
  content_type: "image/png",
  size: 3,
  checksums: { sha256: "x" },
  metadata: {},
  created_at: "2026-01-01T00:00:00Z",
  expires_at: null,
  urls: { get: "https://example.com/f" },
};

export function optionalMembersAreNotNull(p: Prediction): string {
  const started: string | undefined = p.started_at;
  const completed: string | undefined = p.completed_at;
  const logs: string | undefined = p.logs;
  const time: number | undefined = p.metrics?.predict_time;
  const stream: string | undefined = p.urls.stream;
  const removed: boolean = p.data_removed;
  return [started?.length, completed?.length, logs?.length, time, stream, removed].join();
}

export function optionalMembersOfModels(m: Model, a: Account): string[] {
  const members: (string | undefined)[] = [
    m.description,
    m.github_url,
    m.paper_url,
    m.license_url,
    a.github_url,
  ];
  return members.filter((member): member is string => member !== undefined);
}

export function membersAreAssigned(p: Prediction): Prediction {
  p.status = "succeeded";
  p.output = { a: 1 };
  p.logs = "done";
  p.metrics = { predict_time: 1 };
  p.urls.get = "g";
  delete p.error;
  return p;
}

export function metricsOfAnInterface(p: Prediction): void {
  interface Times {
    predict_time?: number;
    total_time?: number;
  }
  const times: Times = p.metrics ?? {};
  p.metrics = times;
}

export function statusIsNarrowed(status: Status): boolean {
  switch (status) {
    case "starting":
    case "processing":
      return false;
    case "succeeded":
    case "failed":
    case "canceled":
    case "aborted":
      return true;
    default: {
      const none: never = status;
      return none;
    }
  }
}

export function tablesByType(): number {
  const labels: Record<Status, string> = {
    starting: "a",
    processing: "b",
    succeeded: "c",
    failed: "d",
    canceled: "e",
    aborted: "f",
  };
  const events: Record<WebhookEventType, boolean> = {
    start: true,
    output: true,
    logs: false,
    completed: true,
  };
  const visibilities: Record<Visibility, number> = { public: 1, private: 2 };
  const strategies: FileEncodingStrategy[] = ["default", "upload", "data-uri"];
  return Object.keys({ ...labels, ...events, ...visibilities }).length + strategies.length;
}

export function derivedTypes(input: Partial<Prediction>): Omit<Prediction, "id"> & { id?: string } {
  type Urls = Prediction["urls"];
  const urls: Urls = input.urls ?? { get: "g", cancel: "c" };
  type Metrics = NonNullable<Prediction["metrics"]>;
  const metrics: Metrics = {};
  return { ...prediction, ...input, urls, metrics };
}

export interface StoredPrediction extends Prediction {
  userId: string;
}

export function stored(p: Prediction): StoredPrediction {
  return { ...p, userId: "u" };
}

export function inputsAreObjects(p: Prediction): string[] {
  const input: object = p.input;
  const { prompt } = p.input as { prompt: string };
  return [...Object.keys(input), prompt];
}

export function errorIsNarrowed(error: unknown): number {
  if (error instanceof Error && "response" in error) {
    const { request, response } = error as ApiError;
    return request.url.length + response.status;
  }
  return 0;
}

export function errorIsMade(): ApiError {
  const error: ApiError = Object.assign(new Error("x"), {
    request: new Request("https://example.com"),
    response: new Response(),
  });
  return error;
}

export class QuotaError extends Error implements ApiError {
  request = new Request("https://example.com");
  response = new Response();
}

export async function filesAreRead(output: FileOutput): Promise<number> {
  const stream: ReadableStream = output;
  const blob: Blob = await output.blob();
  const url: URL = output.url();
  const text: string = output.toString();
  let size = stream.locked ? 1 : 0;
  const chunks: Buffer[] = [];
  for await (const chunk of output) {
    chunks.push(chunk);
    size += chunk.length;
  }
  return size + blob.size + url.href.length + text.length + Buffer.concat(chunks).length;
}

export async function filesArePiped(output: FileOutput, into: WritableStream): Promise<Response> {
  await output.pipeTo(into);
  const text: ReadableStream<string> = output.pipeThrough(new TextDecoderStream());
  const [a] = output.tee();
  const reader = output.getReader();
  const { value, done } = await reader.read();
  return new Response(done ? a : value, { headers: { "x-text": String(text.locked) } });
}

export async function webhooksOfARequest(request: Request): Promise<Response> {
  const valid: boolean = await validateWebhook(request, "whsec_x");
  if (!(await validateWebhook(request, "whsec_x", crypto))) return new Response(null, { status: 401 });
  const event = (await request.json()) as Prediction;
  return Response.json({ id: event.id, valid });
}

export async function webhooksInParts(body: string): Promise<boolean> {
  const parts = { id: "i", timestamp: "1", signature: "v1,x", body, secret: "whsec_x" };
  return (await validateWebhook(parts)) && validateWebhook(parts, crypto);
}

export async function webhooksByParameters(): Promise<boolean> {
  type Parts = Parameters<typeof validateWebhook>[0];
  const parts: Parts = { id: "i", timestamp: "1", signature: "v1,x", body: "{}", secret: "whsec_x" };
  const id: string = parts.id;
  const check: typeof validateWebhook = async () => true;
  return id.length > 0 && check(parts);
}

export function progressOfLogs(p: Prediction): string {
  const progress = parseProgressFromLogs(p) ?? parseProgressFromLogs(p.logs ?? "");
  if (progress === null) return "";
  const { percentage, current, total } = progress;
  return `${percentage * 100} % (${current} of ${total})`;
}

export function progressIsTyped(): number {
  let progress: ReturnType<typeof parseProgressFromLogs> = null;
  progress = { percentage: 1, current: 2, total: 2 };
  return progress.total;
}
