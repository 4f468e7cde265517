// What only our declarations accept.
import { Readable } from "node:stream";
import Replicate, {
  type FileOutput,
  type Handle,
  type HandleCursor,
  type ListPage,
  type MapItem,
  type MapOptions,
  type MapResults,
  type MapStats,
  type Prediction,
  type ReplicateError,
  withResponse,
} from "replicate";
import { webhook } from "replicate/webhooks";
import { webhook as expressWebhook, type NodeResponse } from "replicate/webhooks/express";
import { webhook as honoWebhook } from "replicate/webhooks/hono";

const replicate = new Replicate();

export async function destructuredArrays(): Promise<string> {
  const [image, second] = await replicate.run("a/b", { input: {} });
  const { audio } = await replicate.run("a/b", { input: {} });
  await image.save("a.png");
  return image.url().href + second + audio;
}

export async function typedOutputs(): Promise<string> {
  const [image] = await replicate.run<FileOutput[]>("a/b", { input: {} });
  const text: string[] = await replicate.run<string[]>("a/b", { input: {} });
  return text.join("") + image;
}

export async function deploymentByReference(): Promise<Prediction> {
  const typed = await replicate.deployments.predictions.create<string>("acme/text", { input: {} });
  const text: string | undefined = typed.output;
  await replicate.models.predictions.create("acme/text", { input: { text } });
  return replicate.deployments.predictions.create("acme/text", { input: { prompt: "x" }, wait: 5 });
}

export async function responses(): Promise<number> {
  const { data, response } = await withResponse(replicate.predictions.get(""));
  const page = await withResponse(replicate.models.list());
  return data.id.length + response.status + page.data.results.length;
}

export async function everyItem(): Promise<number> {
  let items = 0;
  for await (const { id } of replicate.predictions.list()) items += id.length;
  const page: ListPage<Prediction> = await replicate.predictions.list();
  for await (const { id } of page) items += id.length;
  for await (const { results } of replicate.predictions.list().pages()) items += results.length;
  return items + ((await page.getNextPage())?.results.length ?? 0);
}

export async function streams(): Promise<FileOutput | undefined> {
  const events = replicate.stream("a/b", { input: {} });
  for await (const text of events.text()) process.stdout.write(text);
  for await (const { file } of replicate.stream("a/b", { input: {} })) return file;
  return undefined;
}

export async function handles(): Promise<string> {
  const handle: Handle = await replicate.submit("owner/name", { input: {}, webhook: "https://example.com" });
  const caption: string = await replicate
    .handle(handle.toJSON())
    .result<string>({ timeout: 3, useFileOutput: false });
  let since: HandleCursor | undefined;
  for await (const event of replicate.handle("id").events({ since, interval: 100 })) {
    since = event.cursor;
    if (event.type === "logs") event.text.toUpperCase();
    else if (event.type === "progress") event.progress.percentage.toFixed();
    else if (event.type === "end") event.prediction.id.toUpperCase();
    // @ts-expect-error only the end has the prediction
    else event.prediction;
  }
  // @ts-expect-error submit does not wait
  replicate.submit("owner/name", { input: {}, interval: 3 });
  return caption;
}

interface Picture {
  id: number;
  url: string;
}

export async function batches(rows: Picture[]): Promise<string[]> {
  const results = replicate.map("acme/captioner", rows, {
    input: (row, index) => ({ image: row.url, seed: index }),
    key: "id",
    concurrency: 8,
    progress: (stats: MapStats) => console.log(stats.perMinute),
  });
  const captions: string[] = [];
  for await (const item of results) {
    const row: Picture = item.row;
    const error: ReplicateError | null = item.error;
    if (error === null) captions.push(`${row.url} ${item.output} ${item.prediction?.id}`);
  }
  const stats: MapStats = results.stats;
  // @ts-expect-error: no row has this property
  replicate.map("acme/captioner", rows, { key: "name" });
  // @ts-expect-error: an input is an object
  replicate.map("acme/captioner", rows, { input: (row) => row.url });
  // @ts-expect-error: rows are not text
  replicate.map("acme/captioner", 5);
  return [...captions, String(stats.remaining)];
}

export async function typedBatches(rows: AsyncGenerator<Picture>): Promise<string | undefined> {
  const options: MapOptions<Picture> = { input: async (row) => ({ image: row.url }), key: (row) => row.id };
  const results: MapResults<Picture, string[]> = replicate.map<Picture, string[]>("a/b", rows, options);
  for await (const { output } of results) return output?.join("");
  const piped = Readable.from(replicate.map("a/b", Readable.from([{ text: "a" }]), { key: "text" }));
  for await (const item of piped) console.log((item as MapItem).key);
  const stream = new ReadableStream<Picture>();
  for await (const { row } of replicate.map("a/b", stream)) return row.url;
  for await (const { row } of replicate.map("a/b", new Set(["a"]), { input: (text) => ({ text }) }))
    return row;
  return undefined;
}

// Webhook handlers in frameworks whose routes have overloads with type parameters, as those of Express and Hono.
interface Incoming<P> {
  ip: string;
  params: P;
}
interface Outgoing<B> extends NodeResponse {
  status(code: number): Outgoing<B>;
}
interface Context<E> {
  env: E;
  req: unknown;
  body(data: null, status?: number): Response;
  json(value: object): Response;
}
interface Routes<E> {
  express<P, B = unknown>(
    path: string,
    handler: (request: Incoming<P>, response: Outgoing<B>) => unknown,
  ): void;
  express<P, B>(...handlers: ((request: Incoming<P>, response: Outgoing<B>) => unknown)[]): void;
  hono<E2 = E, R = Response>(path: string, handler: (context: Context<E2>) => R | Promise<R>): void;
  hono<E2 = E>(...handlers: ((context: Context<E2>) => Response | Promise<Response>)[]): void;
}
interface Env {
  TOKEN: string;
  SECRET: string;
}

export function webhookHandlers(app: Routes<Env>, replicate: Replicate): void {
  app.express(
    "/",
    expressWebhook(replicate, (event, request, response) => {
      if (event.type === "training") console.log(request.ip);
      response.status(503);
    }),
  );
  app.express(
    "/",
    expressWebhook(replicate, (_event, request: Incoming<object>, response: Outgoing<string>) => {
      // @ts-expect-error: the declared type has no such member
      response.status(request.nope);
    }),
  );
  app.hono(
    "/",
    honoWebhook(
      (c) => new Replicate({ auth: c.env.TOKEN }),
      (event, c) => c.json({ id: event.id }),
      (c) => ({ secret: c.env.SECRET }),
    ),
  );
  app.hono(
    "/",
    honoWebhook(
      (c: Context<Env>) => new Replicate({ auth: c.env.TOKEN }),
      (event, c) => c.json({ id: event.id }),
      // @ts-expect-error: the declared type has no such member
      (c) => ({ secret: c.env.NOPE }),
    ),
  );
}

export const worker = {
  fetch: webhook(
    (_request, env) => new Replicate({ auth: env.TOKEN }),
    (event) => console.log(event.id),
    (_request, env) => ({ secret: env.SECRET }),
  ),
};

interface Worker {
  fetch(request: Request, env: Env): Promise<Response>;
}

export const typedWorker: Worker = {
  fetch: webhook(
    // @ts-expect-error: the place of the handler tells the type of `env`
    (_request, env) => new Replicate({ auth: env.NOPE }),
    (event) => console.log(event.id),
  ),
};
