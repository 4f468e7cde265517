import { Bridge, withResponse } from "./bridge";
import { EventStream, type ServerSentEvent } from "./events";
import { invalid, kindOf } from "./invalid";
import type {
  Fetch,
  RawRequestOptions,
  ReplicateOptions,
  RunOptions,
  SaveAllOptions,
  StreamOptions,
  WaitOptions,
} from "./options";
import { follow, ListPage } from "./page";
import { isOptions, requestParams, runParams } from "./params";
import { plainHeaders, rawBody } from "./raw";
import { Accounts, Collections, HardwareList, WebhookSecrets } from "./resources/catalogue";
import { Deployments } from "./resources/deployments";
import { Files } from "./resources/files";
import { Models } from "./resources/models";
import { Predictions } from "./resources/predictions";
import type { Namespace } from "./resources/resource";
import { Trainings } from "./resources/trainings";
import { SETTINGS, Settings } from "./settings";
import { conceal, reveal } from "./state";
import type {
  FileEncodingStrategy,
  ModelDefined,
  ModelReference,
  Page,
  Prediction,
  RequestOptions,
  SearchResults,
} from "./types";
import { observer } from "./uploads";
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
  accounts: Namespace<Accounts>;
  /** Sets of models put together by Replicate. */
  collections: Namespace<Collections>;
  /** Models that are kept running on hardware of their own. */
  deployments: Namespace<Deployments>;
  /** Uploaded files. */
  files: Namespace<Files>;
  /** Kinds of machines. */
  hardware: Namespace<HardwareList>;
  /** Models on Replicate. */
  models: Namespace<Models>;
  /** Runs of models. */
  predictions: Namespace<Predictions>;
  /** Runs of models' training procedures. */
  trainings: Namespace<Trainings>;
  /** Webhooks. */
  webhooks: { default: { secret: Namespace<WebhookSecrets> } };

  /** The API token, as it was given or found in the environment. Never printed or serialized. */
  declare auth: string;
  /** The `User-Agent` header. */
  declare userAgent?: string;
  /** URL of the API. */
  declare baseUrl?: string;
  /** The function that sends every request, if one was given or set. Otherwise it reads as the global `fetch`, and the built-in client sends. */
  declare fetch: Fetch;
  /** How files inside inputs are sent. Typed as in the official client, which knows no `"auto"`. */
  declare fileEncodingStrategy: Exclude<FileEncodingStrategy, "auto">;
  /** Whether files in outputs come as {@link FileOutput}s. */
  declare useFileOutput: boolean;

  /**
   * @throws {InvalidArgumentError} for an option that cannot be used
   */
  constructor(options: ReplicateOptions = {}) {
    if (!isOptions(options))
      invalid(`the options must be an object, such as { auth }, not ${kindOf(options)}`);
    const settings = new Settings({ ...options, auth: options.auth || process.env.REPLICATE_API_TOKEN });
    const bridge = new Bridge(() => settings.core(this));
    conceal<State>(this, { bridge, settings });
    for (const name of SETTINGS) {
      // Spies read accessors from the instance and call the getter without `this`.
      Object.defineProperty(this, name, {
        configurable: true,
        get: () => settings.get(name),
        set: (value: unknown) => settings.change({ [name]: value }),
      });
    }
    this.accounts = new Accounts(bridge);
    this.collections = new Collections(bridge);
    this.deployments = new Deployments(bridge);
    this.files = new Files(bridge);
    this.hardware = new HardwareList(bridge);
    this.models = new Models(bridge);
    this.predictions = new Predictions(bridge);
    this.trainings = new Trainings(bridge);
    this.webhooks = { default: { secret: new WebhookSecrets(bridge) } };
  }

  /** How long one attempt of a request may take, in milliseconds. */
  get timeout(): number {
    return settingsOf(this).get("timeout") as number;
  }

  /** How often a request that may be sent again is sent again. */
  get maxRetries(): number {
    return settingsOf(this).get("maxRetries") as number;
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
  run<T = ModelDefined>(
    ref: ModelReference,
    options: RunOptions,
    progress?: (prediction: Prediction) => void,
  ): Promise<T>;
  run<_T = ModelDefined>(
    ref: ModelReference,
    options: RunOptions,
    progress?: (prediction: Prediction) => void,
  ): Promise<ModelDefined>;
  run(
    ref: ModelReference,
    options: RunOptions,
    progress?: (prediction: Prediction) => void,
  ): Promise<ModelDefined> {
    const onUpload = options?.onUpload;
    const params = { ref, ...runParams(options), ...(onUpload ? { report_uploads: true } : {}) };
    const observe = progress || onUpload ? observer(onUpload, progress) : undefined;
    return bridgeOf(this).call("run", params, { signal: options?.signal, observe });
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
  stream<S extends EventStream = EventStream>(ref: ModelReference, options: StreamOptions): S;
  stream<_S extends EventStream = EventStream>(
    ref: ModelReference,
    options: StreamOptions,
  ): AsyncGenerator<ServerSentEvent>;
  stream(ref: ModelReference, options: StreamOptions): EventStream {
    const params = { ref, ...runParams(options) };
    return new EventStream(bridgeOf(this), "stream", params, options?.signal, options?.onUpload);
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
      bridgeOf(this).call<Prediction>(
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
    endpoint: string | (() => Promise<Page<T>>),
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<T[]> {
    if (typeof endpoint !== "string" && typeof endpoint !== "function") {
      invalid(`\`endpoint\` must be a list method or a path, not ${kindOf(endpoint)}`);
    }
    const bridge = bridgeOf(this);
    const first = typeof endpoint === "string" ? undefined : await endpoint();
    if (first) yield first.results;
    if (signal?.aborted) return;
    const next = first ? first.next : (endpoint as string);
    // A page of ours repeats the options of its call. Test doubles give plain objects.
    const pages =
      first instanceof ListPage ? first.following(signal) : next ? follow<T>(bridge, next, signal) : [];
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
    return bridgeOf(this).call("output.save_all", params, { signal: options?.signal, observe });
  }

  /**
   * Models, collections and pages of the website that fit some words (beta). `GET /search`
   *
   * @param options.limit how many models, 1 to 50 (20 by default)
   */
  search(query: string, options: RequestOptions & { limit?: number } = {}): Promise<SearchResults> {
    return bridgeOf(this).call("search", { query, ...requestParams(options) }, options);
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
    const call = bridgeOf(this).call<Uint8Array>("request", { ...given, data: body.data }, { signal });
    const { data: bytes, response } = await withResponse(call);
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
}

/** What a client keeps to itself. */
interface State {
  bridge: Bridge;
  settings: Settings;
}

const bridgeOf = (client: Replicate) => reveal<State>(client).bridge;
const settingsOf = (client: Replicate) => reveal<State>(client).settings;
