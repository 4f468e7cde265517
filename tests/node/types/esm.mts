// Types of calls and their results. Compiled, not run.
import Replicate, {
  ApiError,
  type FileOutput,
  type ListPage,
  type Model,
  type Replicate as Named,
  type Prediction,
  PredictionFailedError,
  RateLimitError,
  type ServerSentEvent,
  type Training,
  validateWebhook,
  verifyWebhook,
  withResponse,
} from "replicant";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

const replicate = new Replicate({ auth: "token", fileEncodingStrategy: "upload", timeout: 1000 });
is<Equal<typeof replicate, Named>>();

// run
const output = await replicate.run("owner/name", { input: { prompt: "x" } });
// biome-ignore lint/suspicious/noExplicitAny: the type is any
is<Equal<typeof output, any>>();
const text = await replicate.run<string[]>("owner/name:version", { input: {} });
is<Equal<typeof text, string[]>>();
const [image] = await replicate.run<[FileOutput]>("owner/name", { input: {} });
is<Equal<typeof image, FileOutput>>();
const urls = await replicate.run("owner/name", { input: {}, useFileOutput: false });
// biome-ignore lint/suspicious/noExplicitAny: the type is any
is<Equal<typeof urls, any>>();
// As in code for the official client.
(await replicate.run("owner/name", { input: {} })) as string[];
(await replicate.run("owner/name", { input: {} })) as { audio: FileOutput };
interface Result {
  audio: FileOutput;
}
(await replicate.run("owner/name", { input: {} })) as Result;
const { data, response } = await withResponse(replicate.predictions.get<string>("id"));
is<Equal<typeof data, Prediction<string>>>();
is<Equal<typeof response, Response>>();
// @ts-expect-error: a reference needs an owner
replicate.run("name", { input: {} });
// @ts-expect-error: unknown mode
replicate.run("owner/name", { input: {}, wait: { mode: "sometimes" } });
await replicate.run(
  "owner/name",
  { input: {}, wait: { mode: "poll", interval: 100 }, signal: AbortSignal.timeout(1) },
  (prediction) => {
    is<Equal<typeof prediction, Prediction>>();
  },
);

// stream
for await (const event of replicate.stream("owner/name", { input: {} })) {
  is<Equal<typeof event, ServerSentEvent>>();
  is<Equal<typeof event.data, string>>();
  is<Equal<typeof event.file, FileOutput | undefined>>();
}

// predictions
const prediction = await replicate.predictions.create<string>({ model: "owner/name", input: {} });
is<Equal<typeof prediction.output, string | undefined>>();
// @ts-expect-error: needs model, version or deployment
replicate.predictions.create({ input: {} });
const status: string = prediction.status;
const waited: Prediction = await replicate.wait(
  prediction,
  { interval: 100 },
  ({ status }) => status === "processing",
);

// lists
const page = await replicate.predictions.list();
is<Equal<typeof page, ListPage<Prediction>>>();
const { data: models, response: answer } = await withResponse(replicate.models.list());
is<Equal<typeof models, ListPage<Model>>>();
is<Equal<typeof answer, Response>>();
for await (const item of replicate.trainings.list()) is<Equal<typeof item, Training>>();
for await (const items of replicate.paginate(replicate.models.list)) {
  const run_count: number | undefined = items[0]?.run_count;
  void run_count;
}
for await (const each of replicate.files.list().pages()) is<Equal<typeof each.next, string | undefined>>();

// files
const blob: Blob = await image.blob();
const stream: ReadableStream<Uint8Array> = image;
const url: URL = image.url();

// errors
try {
  await replicate.models.get("owner", "name", { timeout: 5000, maxRetries: 0 });
} catch (error) {
  if (error instanceof RateLimitError) {
    is<Equal<typeof error.retryAfter, number | undefined>>();
  } else if (error instanceof ApiError) {
    const { status, response, request }: { status: number; response: Response; request: Request } = error;
    void [status, response, request];
  } else if (error instanceof PredictionFailedError) {
    const logs: string | undefined = error.logs;
    void logs;
  }
}

// webhooks
const valid: boolean = await validateWebhook(new Request("https://example.com"), "whsec_");
const event = await verifyWebhook<Prediction>({ id: "", timestamp: "", signature: "", body: "", secret: "" });
is<Equal<typeof event, Prediction>>();

void [status, waited, blob, stream, url, valid];

// downloads, uploads, text of streams
const saved: string = await image.save("a.png", {
  onProgress: ({ loaded, total }) => {
    is<Equal<typeof loaded, number>>();
    is<Equal<typeof total, number | null>>();
  },
});
const paths: string[] = await replicate.saveAll(output, "folder", { concurrency: 2 });
for await (const piece of replicate.stream("owner/name", { input: {} }).text())
  is<Equal<typeof piece, string>>();
await replicate.run("owner/name", { input: {}, onUpload: ({ place }) => is<Equal<typeof place, string>>() });
// @ts-expect-error: unknown option
await replicate.run("owner/name", { input: {}, timeOut: 5 });
// @ts-expect-error: unknown option of a client
new Replicate({ maxRetry: 5 });
const whole: Uint8Array = await image.bytes({ signal: AbortSignal.timeout(1) });
void [saved, paths, whole];
