import { type ApiPromise, Bridge, rethrow } from "./bridge";
import { InvalidArgumentError } from "./errors";
import { EventStream, ItemStream } from "./events";
import { carry } from "./fetch";
import { inbox } from "./inbox";
import { type NativeClient, native } from "./native";
import type {
  RawRequestOptions,
  ReplicateOptions,
  RunOptions,
  SaveAllOptions,
  StreamOptions,
  WaitOptions,
} from "./options";
import type { Page, PagePromise } from "./page";
import { isOptions, params, requestParams, runParams } from "./params";
import { plainHeaders, rawBody } from "./raw";
import { Accounts, Collections, HardwareList, WebhookSecrets } from "./resources/catalogue";
import { Deployments } from "./resources/deployments";
import { Files } from "./resources/files";
import { Models } from "./resources/models";
import { Predictions } from "./resources/predictions";
import { Trainings } from "./resources/trainings";
import type {
  FileEncodingStrategy,
  ModelOutput,
  ModelReference,
  Prediction,
  RequestOptions,
  SearchResults,
} from "./types";
import { observer } from "./uploads";
import { encode } from "./value";
import { version } from "./version";
import { waitOrStop } from "./wait";

/**
 * A client of Replicate's API.
 *
 * @example
 * const replicate = new Replicate();
 * const output = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a lighthouse" } });
 */
export class Replicate {
  /** The account of the token. */
  readonly accounts: Accounts;
  /** Sets of models put together by Replicate. */
  readonly collections: Collections;
  /** Models that are kept running on hardware of their own. */
  readonly deployments: Deployments;
  /** Uploaded files. */
  readonly files: Files;
  /** Kinds of machines. */
  readonly hardware: HardwareList;
  /** Models on Replicate. */
  readonly models: Models;
  /** Runs of models. */
  readonly predictions: Predictions;
  /** Runs of models' training procedures. */
  readonly trainings: Trainings;
  /** Webhooks. */
  readonly webhooks: { readonly default: { readonly secret: WebhookSecrets } };

  readonly #options: ReplicateOptions;
  readonly #bridge: Bridge;
  #native: NativeClient;
  #resolved: Record<string, unknown>;

  /**
   * @throws {InvalidArgumentError} for an option that cannot be used
   */
  constructor(options: ReplicateOptions = {}) {
    if (!isOptions(options))
      invalid(`the options must be an object, such as { auth }, not a ${typeof options}`);
    this.#options = { ...options, auth: options.auth || process.env.REPLICATE_API_TOKEN };
    [this.#native, this.#resolved] = this.#connect();
    this.#bridge = new Bridge(() => this.#native);
    this.accounts = new Accounts(this.#bridge);
    this.collections = new Collections(this.#bridge);
    this.deployments = new Deployments(this.#bridge);
    this.files = new Files(this.#bridge);
    this.hardware = new HardwareList(this.#bridge);
    this.models = new Models(this.#bridge);
    this.predictions = new Predictions(this.#bridge);
    this.trainings = new Trainings(this.#bridge);
    this.webhooks = { default: { secret: new WebhookSecrets(this.#bridge) } };
  }

  /** The API token, as it was given or found in the environment. Never printed or serialised. */
  get auth(): string | undefined {
    return this.#options.auth;
  }
  set auth(auth: string | undefined) {
    this.#change({ auth });
  }

  /** What the client calls itself. */
  get userAgent(): string {
    return this.#resolved.user_agent as string;
  }
  set userAgent(userAgent: string) {
    this.#change({ userAgent });
  }

  /** Where the API is. */
  get baseUrl(): string {
    return this.#options.baseUrl ?? (this.#resolved.base_url as string);
  }
  set baseUrl(baseUrl: string) {
    this.#change({ baseUrl });
  }

  /** The function that carries requests if it was given or set; else the built-in client does, and this is the global one. */
  get fetch(): typeof globalThis.fetch {
    return this.#options.fetch ?? globalThis.fetch;
  }
  set fetch(fetch: typeof globalThis.fetch) {
    this.#change({ fetch });
  }

  /** How files inside inputs travel. */
  get fileEncodingStrategy(): FileEncodingStrategy {
    return this.#resolved.file_encoding_strategy as FileEncodingStrategy;
  }
  set fileEncodingStrategy(fileEncodingStrategy: FileEncodingStrategy) {
    this.#change({ fileEncodingStrategy });
  }

  /** Whether files in outputs come as {@link FileOutput}s. */
  get useFileOutput(): boolean {
    return this.#resolved.use_file_output as boolean;
  }
  set useFileOutput(useFileOutput: boolean) {
    this.#change({ useFileOutput });
  }

  /** How long one attempt of a request may take, in milliseconds. */
  get timeout(): number {
    return (this.#resolved.timeout as number) * 1000;
  }

  /** How often a request that may be sent again is sent again. */
  get maxRetries(): number {
    return this.#resolved.max_retries as number;
  }

  /**
   * Runs a model and gives its output, files as {@link FileOutput}s.
   *
   * `POST /predictions` (or the model's own endpoint), then `GET /predictions/{id}` until it has ended.
   *
   * @param ref `owner/name` or `owner/name:version`
   * @param progress called with every new state of the prediction, the last one included
   * @throws {PredictionFailedError} if the model failed; `prediction` has its logs
   * @throws {DeadlineError} if `timeout` passed
   * @throws the reason of `signal` if it was aborted; the prediction is then cancelled
   * @example
   * const [image] = await replicate.run<FileOutput[]>("stability-ai/sdxl", { input: { prompt: "a lighthouse" } });
   */
  run<T = ModelOutput<never>>(
    ref: ModelReference,
    options: RunOptions & { useFileOutput: false },
    progress?: (prediction: Prediction) => void,
  ): ApiPromise<T>;
  run<T = ModelOutput>(
    ref: ModelReference,
    options: RunOptions,
    progress?: (prediction: Prediction) => void,
  ): ApiPromise<T>;
  run<T>(
    ref: ModelReference,
    options: RunOptions,
    progress?: (prediction: Prediction) => void,
  ): ApiPromise<T> {
    const onUpload = options?.onUpload;
    const params = { ref, ...runParams(options), ...(onUpload ? { report_uploads: true } : {}) };
    const observe = progress || onUpload ? observer(onUpload, progress) : undefined;
    return this.#bridge.call("run", params, { signal: options?.signal, observe });
  }

  /**
   * Runs a model and gives its output as it is written.
   *
   * `POST /predictions` (or the model's own endpoint), then `GET` of its `urls.stream`.
   * Nothing is sent before the first event is asked for. Leaving the loop closes the stream's connection and
   * cancels the prediction, unless `onAbandon: "leave"` says otherwise. `text()` gives the text alone.
   *
   * @throws {StreamUnsupportedError} if the model has no stream
   * @throws {StreamInterruptedError} if the stream broke and could not be resumed; `partial` is what came
   * @example
   * for await (const event of replicate.stream("meta/meta-llama-3-8b-instruct", { input: { prompt } })) {
   *   process.stdout.write(`${event}`);
   * }
   */
  stream(ref: ModelReference, options: StreamOptions): EventStream {
    const params = { ref, ...runParams(options) };
    return new EventStream(this.#bridge, "stream", params, options?.signal, options?.onUpload);
  }

  /**
   * Waits until a prediction has ended, and gives its last state.
   *
   * `GET /predictions/{id}`, again and again.
   *
   * @param stop called with every state; waiting ends when it gives true
   * @throws {PredictionFailedError} if it failed
   */
  wait(
    prediction: Prediction,
    options: WaitOptions = {},
    stop?: (prediction: Prediction) => boolean | Promise<boolean>,
  ): Promise<Prediction> {
    const call = (signal?: AbortSignal, observe?: (state: unknown) => void) =>
      this.#bridge.call<Prediction>(
        "predictions.wait",
        { id: prediction?.id, prediction, ...runParams(options) },
        { signal, observe },
      );
    return stop ? waitOrStop(call, stop, options.signal) : call(options.signal);
  }

  /**
   * The pages of a list, as arrays of items.
   *
   * @param endpoint a list method, such as `replicate.models.list`, or the path of a list
   * @example
   * for await (const models of replicate.paginate(replicate.models.list)) console.log(models.length);
   */
  async *paginate<T>(
    endpoint: string | (() => PagePromise<T> | Promise<Page<T>>),
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<T[], void, undefined> {
    if (typeof endpoint !== "string" && typeof endpoint !== "function") {
      throw new TypeError(`paginate takes a list method or a path, not a ${typeof endpoint}`);
    }
    const pages =
      typeof endpoint === "string"
        ? new ItemStream<Page<T>>(this.#bridge, "paginate", { path: endpoint }, signal)
        : (await endpoint()).pages();
    for await (const page of pages) {
      if (signal?.aborted) return;
      yield page.results;
      if (signal?.aborted) return;
    }
  }

  /**
   * Saves every file of an output into a folder, several at a time. A file is called what its URL calls it;
   * where that name is taken, a number is added. No file is replaced, and each appears when it is complete.
   *
   * @param outputs what `run` gave, a prediction, or URLs, however deep they stand
   * @param dir the folder; it is made if need be
   * @param options.concurrency how many files are fetched at a time, 1 to 64 (4 by default)
   * @param options.onProgress told of the bytes of all files together; `total` is null until it is known
   * @returns the paths, in the order of the output
   * @throws what kept the first of those that could not be saved; `partial` has the paths of the others
   * @example
   * const paths = await replicate.saveAll(await replicate.run("stability-ai/sdxl", { input }), "pictures");
   */
  saveAll(outputs: unknown, dir: string, options: SaveAllOptions = {}): Promise<string[]> {
    const observe = options?.onProgress as ((told: unknown) => void) | undefined;
    const params = { outputs, dir, ...requestParams(options) };
    return this.#bridge.call("output.save_all", params, { signal: options?.signal, observe });
  }

  /**
   * Models, collections and pages of the website that fit some words (beta). `GET /search`
   *
   * @param options.limit how many models, 1 to 50 (20 by default)
   */
  search(query: string, options: RequestOptions & { limit?: number } = {}): ApiPromise<SearchResults> {
    return this.#bridge.call("search", { query, ...requestParams(options) }, options);
  }

  /**
   * Any request to the API: the way to an endpoint that this client does not know. It goes through the same
   * retries, and the token is added where the URL is the API's own.
   *
   * @param route a path below `baseUrl`, or a whole URL
   * @param options.data sent as JSON; FormData, Blobs and bytes are sent as they are
   * @throws {ApiError} if the API answers with a status that is not a success
   * @example
   * const response = await replicate.request("/predictions", { params: { source: "web" } });
   */
  async request(route: string | URL, options: RawRequestOptions = {}): Promise<Response> {
    const { method, params: query, headers, data, signal } = options;
    const body = await rawBody(data);
    const given = {
      path: route instanceof URL ? route.href : route,
      method,
      params: query,
      headers: { ...body.headers, ...plainHeaders(headers) },
    };
    const call = this.#bridge.call<Uint8Array>("request", { ...given, data: body.data }, { signal });
    const { data: bytes, response } = await call.withResponse();
    // These have no body, and Response refuses to be made with one.
    const bodiless = [204, 205, 304].includes(response.status);
    return new Response(bodiless ? null : (bytes as Uint8Array<ArrayBuffer>), response);
  }

  /** @internal */
  toJSON(): Record<string, unknown> {
    const { userAgent, baseUrl, fileEncodingStrategy, useFileOutput } = this;
    return { userAgent, baseUrl, fileEncodingStrategy, useFileOutput };
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    _options: unknown,
    inspect?: (value: unknown) => string,
  ) {
    return `Replicate ${inspect ? inspect(this.toJSON()) : JSON.stringify(this.toJSON())}`;
  }

  #change(options: Partial<Record<keyof ReplicateOptions, unknown>>): void {
    Object.assign(this.#options, options);
    [this.#native, this.#resolved] = this.#connect();
  }

  #connect(): [NativeClient, Record<string, unknown>] {
    const { fetch, ...rest } = this.#options;
    checkOptions(this.#options);
    // From process.env, because a worker's or a test runner's own environment is not the process's. The empty
    // token is none, so that the core does not look for one there.
    const env = { baseUrl: process.env.REPLICATE_BASE_URL || undefined };
    const given = { userAgent: `replicant-node/${version}`, ...env, ...defined(rest) };
    const { json, parts } = encode(params({ ...given, auth: this.auth ?? "" }));
    return rethrow(() => {
      const client = new native.NativeClient(inbox, json, parts, fetch && carry(fetch));
      return [client, JSON.parse(client.describe())];
    });
  }
}

/** What the core cannot see. */
function checkOptions({ fetch, ...options }: ReplicateOptions): void {
  if ("token" in options) invalid("options: unknown option `token`; did you mean `auth`?");
  if (fetch && typeof fetch !== "function") {
    invalid(`options: \`fetch\` must be a function, not a ${typeof fetch}`);
  }
}

function invalid(message: string): never {
  throw new InvalidArgumentError({ code: "invalid_argument", message });
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
