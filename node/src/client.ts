import {
  callback,
  checkOptions,
  headersObject,
  merge,
  requestParams,
  runParams,
  WITH_INPUT,
} from "./call-options";
import { Calls } from "./calls";
import { ASSIGNABLE, CurrentOptions } from "./current-options";
import { EventStream, type ServerSentEvent } from "./events";
import { FileOutput } from "./file-output";
import { globals } from "./globals";
import { type Handle, type HandleJSON, handleOf, submitted } from "./handle";
import { invalid, kindOf } from "./invalid";
import { MapResults } from "./map";
import { progressObserver, progressOptions, uploadOptions } from "./observer";
import type {
  Fetch,
  FileEncodingStrategy,
  MapOptions,
  RawRequestOptions,
  ReplicateOptions,
  RequestOptions,
  RunOptions,
  SaveAllOptions,
  StreamOptions,
  WaitOptions,
} from "./options";
import { follow, ListPage } from "./page";
import { platform } from "./platform";
import { type RateLimits, rateLimits } from "./rate-limits";
import { queryParams, rawBody } from "./raw-request";
import { Accounts } from "./resources/accounts";
import { Collections } from "./resources/collections";
import { Deployments } from "./resources/deployments";
import { Files } from "./resources/files";
import { HardwareList } from "./resources/hardware";
import { Models } from "./resources/models";
import { type PredictionInput, Predictions } from "./resources/predictions";
import type { Namespace } from "./resources/resource";
import { Trainings } from "./resources/trainings";
import { Webhooks } from "./resources/webhooks";
import { withResponse } from "./responses";
import type { Rows } from "./row-source";
import type { Signal } from "./signals";
import { conceal, reveal } from "./state";
import type { ModelDefined, ModelReference, Page, Prediction, SearchResults } from "./types";
import { waitUntil } from "./wait";

/**
 * A client of the Replicate API.
 *
 * @example
 * const replicate = new Replicate();
 * const output = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a lighthouse" } });
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare accessors of a property
export class Replicate {
  /** Accounts. */
  accounts: Namespace<Accounts>;
  /** Collections of models. */
  collections: Namespace<Collections>;
  /** Deployments: models that run on dedicated hardware. */
  deployments: Namespace<Deployments>;
  /** Uploaded files. */
  files: Namespace<Files>;
  /** Hardware that models run on. */
  hardware: Namespace<HardwareList>;
  /** Models. */
  models: Namespace<Models>;
  /** Predictions. */
  predictions: Namespace<Predictions>;
  /** Trainings. */
  trainings: Namespace<Trainings>;

  /** The API token, as given or from the environment. Never printed or serialized. */
  declare auth: string;
  /** Value of the `User-Agent` header. */
  declare userAgent?: string;
  /** URL of the API. */
  declare baseUrl?: string;
  /** The function that sends every request. If none is set, this is the global `fetch`, and the built-in client sends. */
  declare fetch: Fetch;
  /** How to send files inside inputs. Has the official client's type, which lacks `"auto"`. */
  declare fileEncodingStrategy: Exclude<FileEncodingStrategy, "auto">;
  /** Whether files in outputs are {@link FileOutput}s. */
  declare useFileOutput: boolean;

  /**
   * @throws {InvalidArgumentError} if an option is unknown or has an invalid value
   */
  constructor(options: ReplicateOptions = {}) {
    checkOptions(options, "{ auth }");
    const current = new CurrentOptions({
      ...options,
      auth: options.auth || platform.env("REPLICATE_API_TOKEN"),
    });
    const newFile = (_: Calls, url: string) => new FileOutput(direct, url);
    const direct: Calls = new Calls(() => current.core(this), newFile);
    const request = () => (this.request === REQUEST ? "" : "request ");
    const calls = new Calls(() => current.core(this, request()), newFile);
    for (const name of ASSIGNABLE) {
      // On the instance, and without `this`: that is how spies read and call accessors.
      Object.defineProperty(this, name, {
        configurable: true,
        get: () => current.get(name),
        set: (value: unknown) => current.change({ [name]: value }),
      });
    }
    this.accounts = new Accounts(calls);
    this.collections = new Collections(calls);
    this.deployments = new Deployments(calls);
    this.files = new Files(calls);
    this.hardware = new HardwareList(calls);
    this.models = new Models(calls);
    this.predictions = new Predictions(calls);
    this.trainings = new Trainings(calls);
    this.webhooks = new Webhooks(calls);
    const { create, get, cancel } = this.predictions;
    const own = Object.entries({ create, get, cancel });
    const methods = () =>
      own.reduce((names, [name, method]) => {
        const current = (this.predictions as unknown as Record<string, unknown> | undefined)?.[name];
        return current === method || typeof current !== "function" ? names : `${names}${name} `;
      }, request());
    conceal<State>(this, {
      // As in 1.4.0, `run` calls `predictions.create`, and all methods call `request`, which may be replaced.
      calls: new Calls(() => current.core(this, methods()), newFile),
      direct,
      current,
    });
  }

  /** Timeout of a request with all its retries, in milliseconds; by default, that of each attempt. */
  get timeout(): number {
    return currentOf(this).get("timeout") as number;
  }

  /** Number of retries of a request that is safe to send again. */
  get maxRetries(): number {
    return currentOf(this).get("maxRetries") as number;
  }

  /** Rate limits that the client has learned; `null` if the option `rateLimit` is `null`. */
  get rateLimit(): RateLimits | null {
    return rateLimits(currentOf(this).core(this).client.rateLimit());
  }

  /**
   * Runs a model and returns its output, with files as {@link FileOutput}s.
   *
   * `POST /predictions` (or the model's endpoint), then `GET /predictions/{id}` until the prediction has ended.
   *
   * @param ref `owner/name` or `owner/name:version`
   * @param progress called with every new state of the prediction, including the last; twice with one that ended with its
   *   create, as in 1.4.0
   * @throws {PredictionFailedError} if the model failed; `prediction` has its logs
   * @throws {DeadlineError} if `timeout` passed
   * @throws the reason of `signal` if it was aborted, which cancels the prediction
   * @example
   * const [image] = await replicate.run<FileOutput[]>("black-forest-labs/flux-schnell", { input: { prompt: "a lighthouse" } });
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
    const params = merge(
      { ref, ...(onUpload ? { report_uploads: true } : {}) },
      runParams(options, WITH_INPUT),
      callback("progress", progress),
    );
    const observe = progress || onUpload ? progressObserver(onUpload, progress) : undefined;
    return callsOf(this).call("run", params, { signal: options?.signal, observe, runs: true });
  }

  /**
   * Runs a model and streams its output. Nothing is sent until the first event is requested. Leaving the loop closes the
   * connection and cancels the prediction, unless `onAbandon` is `"leave"`. Use `text()` for the text alone.
   *
   * `POST /predictions` (or the model's endpoint), then `GET` of its `urls.stream`.
   *
   * @param ref `owner/name` or `owner/name:version`
   * @throws {StreamUnsupportedError} if the model has no stream
   * @throws {StreamInterruptedError} if the stream broke and could not be resumed; `partial` has the output until then
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
    const params = merge({ ref }, runParams(options, WITH_INPUT));
    return new EventStream(callsOf(this), "stream", params, true, options?.signal, options?.onUpload);
  }

  /**
   * Starts a model and returns a handle of the prediction without waiting for it. The prediction is never canceled on its
   * own: neither by `signal` nor by the end of the process. Not retried if the prediction may have been created.
   *
   * `POST /predictions` (or the model's endpoint)
   *
   * @param ref `owner/name` or `owner/name:version`
   * @throws {UnprocessableEntityError} if the input is invalid; see `invalidFields`
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   */
  submit(ref: ModelReference, options: PredictionInput): Promise<Handle> {
    const calls = callsOf(this);
    const params = merge({ ref }, requestParams(options, WITH_INPUT));
    return submitted(calls, calls.call("submit", params, uploadOptions(options)));
  }

  /**
   * Returns the handle of a prediction. Sends no request.
   *
   * @param handle id of the prediction, a handle or its JSON, as an object or as text
   * @throws {InvalidArgumentError} if it is none of these
   */
  handle(handle: string | HandleJSON | Handle | Pick<Prediction, "id">): Handle {
    return handleOf(callsOf(this), handle);
  }

  /**
   * Runs a model over many rows, many at a time, and returns their results in the order in which they end. Nothing is read or
   * sent until the first result is requested; rows are read as they are needed. Creates wait for the rate limit. With a
   * `checkpoint`, a batch that was interrupted continues where it stopped. Leaving the loop, Ctrl-C and an aborted `signal`
   * cancel the running predictions, unless `onAbandon` is `"leave"`. Needs an operating system.
   *
   * `POST /predictions` (or the model's endpoint), then `GET /predictions/{id}` until each prediction has ended.
   *
   * @param ref `owner/name` or `owner/name:version`
   * @param rows an array, a generator, an async iterable, a `Readable` in object mode or a web stream
   * @throws {InvalidArgumentError} if an option is invalid, or the checkpoint belongs to another batch or is in use
   * @throws {FileNotWrittenError} if the checkpoint cannot be written
   * @throws what the rows, `input`, `key` or `progress` threw
   * @throws the reason of `signal` if it was aborted
   * @example
   * const results = replicate.map("acme/captioner", rows, {
   *   input: (row) => ({ image: row.url }),
   *   key: "id",
   *   checkpoint: "captions.jsonl",
   * });
   * for await (const { key, output, error } of results) console.log(key, error ?? output);
   */
  map<Row, Output = ModelDefined>(
    ref: ModelReference,
    rows: Rows<Row>,
    options: MapOptions<Row> = {},
  ): MapResults<Row, Output> {
    return new MapResults(callsOf(this), ref, rows, options);
  }

  /**
   * Polls a prediction until it has ended, and returns it. `GET /predictions/{id}`
   *
   * @param prediction the prediction; a string is its id
   * @param stop called with the states before the last, one at a time; returning true ends the waiting
   * @throws {PredictionFailedError} if the prediction fails while waiting; one that had already failed is returned
   * @throws {DeadlineError} if `timeout` passed; the prediction continues
   */
  wait(
    prediction: Prediction,
    options: WaitOptions = {},
    stop?: (prediction: Prediction) => boolean | Promise<boolean>,
  ): Promise<Prediction> {
    // The official client accepts null.
    const params = merge(
      { prediction, raise_failed: true },
      runParams(options ?? {}),
      callback("stop", stop),
    );
    const call = (signal?: Signal, observe?: (state: unknown) => void) =>
      callsOf(this).call<Prediction>("predictions.wait", params, { signal, observe });
    return stop ? waitUntil(call, stop, options?.signal) : call(options?.signal);
  }

  /**
   * Yields the pages of a list as arrays of items. `GET` of the list, then of the `next` of each page.
   *
   * @param endpoint a list method, such as `replicate.models.list`, or the path of a list
   * @param options.signal aborting it ends the iteration
   * @throws {ApiError} if a response has an error status
   * @example
   * for await (const models of replicate.paginate(replicate.models.list)) console.log(models.length);
   */
  async *paginate<T>(
    endpoint: string | (() => Promise<Page<T>>),
    options: { signal?: AbortSignal | null | undefined } = {},
  ): AsyncGenerator<T[]> {
    checkOptions(options, "{ signal }");
    const { signal } = options;
    if (typeof endpoint !== "string" && typeof endpoint !== "function") {
      invalid(`\`endpoint\` must be a list method or a path, not ${kindOf(endpoint)}`, "endpoint");
    }
    const calls = callsOf(this);
    const first = typeof endpoint === "string" ? undefined : await endpoint();
    if (first) yield first.results;
    if (signal?.aborted) return;
    const next = first ? first.next : (endpoint as string);
    // Our pages keep the options of their call. Test doubles return plain objects.
    const pages =
      first instanceof ListPage
        ? first.following(signal ?? undefined)
        : next
          ? follow<T>(calls, next, signal)
          : [];
    for await (const page of pages) {
      if (signal?.aborted) return;
      yield page.results;
      if (signal?.aborted) return;
    }
  }

  /**
   * Downloads every file of an output into a folder. Files are named after their URLs; a number is added to a name that
   * exists. No file is replaced, and a file appears only when it is complete. `GET` of the URL of each file.
   *
   * @param outputs an output, a prediction or URLs, also nested
   * @param dir the folder, which is created if it does not exist
   * @param options.onProgress called with the bytes of all files together
   * @returns the paths, in the order of the output
   * @throws {DownloadError} or {FileNotWrittenError} for the first file that failed; `partial` has the other paths
   * @example
   * const output = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "a lighthouse" } });
   * const paths = await replicate.saveAll(output, "pictures");
   */
  saveAll(outputs: unknown, dir: string, options: SaveAllOptions = {}): Promise<string[]> {
    const params = merge({ outputs, dir }, requestParams(options));
    return reveal<State>(this).direct.call("output.save_all", params, progressOptions(options));
  }

  /**
   * Searches models, collections and pages of the website (beta). `GET /search`
   *
   * @param options.limit largest number of models, 1 to 50. Defaults to 20
   * @throws {AuthenticationError} if the API refuses the token
   */
  search(query: string, options: RequestOptions & { limit?: number } = {}): Promise<SearchResults> {
    return callsOf(this).call("search", merge({ query }, requestParams(options)), options);
  }

  /**
   * Sends any request to the API, for endpoints without a method. It has the same retries and errors as the methods. The
   * token is sent only to the API origin.
   *
   * @param route a path below `baseUrl`, or a URL
   * @returns the response; its `url` is empty
   * @throws {ApiError} if the response has an error status
   * @example
   * const response = await replicate.request("/predictions", { params: { source: "web" } });
   */
  async request(route: string | URL, options: RawRequestOptions = {}): Promise<Response> {
    checkOptions(options, "{ method, data }");
    const { method, params, headers, data, signal } = options;
    const body = await rawBody(data);
    const given = {
      path: route instanceof URL ? route.href : route,
      method,
      params: queryParams(params),
      headers: { ...body.headers, ...headersObject(headers) },
    };
    const { direct } = reveal<State>(this);
    const call = direct.call<Uint8Array>("request", { ...given, data: body.data }, { signal });
    const { data: bytes, response } = await withResponse(call);
    // `Response` rejects a body with these statuses.
    const bodiless = [204, 205, 304].includes(response.status);
    return new globals.Response(bodiless ? null : (bytes as Uint8Array<ArrayBuffer>), response);
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

/** Properties whose setter accepts a wider type than the getter returns. */
export interface Replicate {
  /** Webhooks. A test double need not have `unwrap`, which the official client lacks. */
  get webhooks(): Namespace<Webhooks>;
  set webhooks(webhooks: Pick<Webhooks, "default">);
}

const REQUEST = Replicate.prototype.request;

/** Private state of a client. */
interface State {
  calls: Calls;
  /** Sends the requests of `request` itself. */
  direct: Calls;
  current: CurrentOptions;
}

const callsOf = (client: Replicate) => reveal<State>(client).calls;
const currentOf = (client: Replicate) => reveal<State>(client).current;
