/** The options of a client and of its calls, each documented once. Times are in milliseconds unless stated otherwise. */

import type { RequestEvent, ResponseEvent, RetryEvent } from "./hooks";
import type { MapStats } from "./map-stats";

/** A function that sends HTTP requests, such as the global `fetch`. */
export type Fetch = (input: Request | string, init?: RequestInit) => Promise<Response>;

/** Least severe level that is logged. */
export type LogLevel = "debug" | "info" | "warn" | "off";

type Log = (...args: never[]) => unknown;

/** A logger: the `console`, a pino, a winston, or any object with these methods. */
export interface Logger {
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
}

/** How to send a file inside an input: upload it, write it into the JSON, or choose by its size. */
export type FileEncodingStrategy = "default" | "upload" | "data-uri" | "auto";

/** A change of a prediction that a webhook can report. */
export type WebhookEventType = "start" | "output" | "logs" | "completed";

/** Options of a client. */
export type ReplicateOptions = {
  /** API token. Defaults to `REPLICATE_API_TOKEN`. */
  auth?: string | undefined;
  /** Value of the `User-Agent` header. Defaults to `replicant-node/<version>`. */
  userAgent?: string | undefined;
  /** URL of the API. Defaults to `REPLICATE_BASE_URL`, otherwise `https://api.replicate.com/v1`. */
  baseUrl?: string | undefined;
  /**
   * How to send files inside inputs: `"default"` uploads them and inlines those whose upload fails, `"upload"` and
   * `"data-uri"` do only one of them, and `"auto"` inlines files of up to 64 KiB and uploads larger ones.
   */
  fileEncodingStrategy?: FileEncodingStrategy | undefined;
  /** Compare the SHA-256 of each upload with the one that the API returns. Defaults to false. */
  verifyUploads?: boolean | undefined;
  /** Return files in outputs as {@link FileOutput}s (the default) or as URLs. */
  useFileOutput?: boolean | undefined;
  /** Function that sends every request, instead of the built-in HTTP client. */
  fetch?: Fetch | undefined;
  /**
   * Timeout of a request with all its retries, in milliseconds, in addition to the time that the API is asked to hold
   * its response; during an upload or download, the time without progress. Without this option, an attempt has 60 s until
   * the head of its response and 60 s for its body.
   */
  timeout?: number | undefined;
  /** Timeout of connecting, in milliseconds. */
  connectTimeout?: number | undefined;
  /** Time after which a silent event stream is resumed, in milliseconds. */
  idleTimeout?: number | undefined;
  /**
   * Size of the longest response to read, in bytes; longer ones reject with `InvalidResponseError`. Does not apply to
   * files and event streams. Defaults to 64 MiB.
   */
  maxResponseSize?: number | undefined;
  /** Number of retries of a request that is safe to send again. */
  maxRetries?: number | undefined;
  /** Headers to add to every request to the API. */
  headers?: Record<string, string> | undefined;
  /** Query parameters to add to every request to the API. */
  query?: Record<string, string> | undefined;
  /**
   * Number of predictions to create per minute at most, with up to a second's worth at once. Defaults to what the API
   * allows, which the client learns from responses: requests wait for their turn instead of failing with 429. `null`
   * switches this off, so that each request is retried on its own.
   */
  rateLimit?: number | null | undefined;
  /** Time between polls, in milliseconds. Defaults to `REPLICATE_POLL_INTERVAL`, otherwise adaptive. */
  pollInterval?: number | undefined;
  /**
   * Refuse a `baseUrl` over plain http to a host other than loopback. Defaults to false: the process emits an
   * `InsecureConnectionWarning` if such a client has a token.
   */
  requireHttps?: boolean | undefined;
  /** What to do with a running prediction when `run` or `stream` is abandoned. Defaults to `"cancel"`. */
  onAbandon?: "cancel" | "leave" | undefined;
  /**
   * Abandon the running `run` and `stream` calls when the process exits, which cancels their predictions unless `onAbandon`
   * is `"leave"`, and takes less than a second unless there are many. During such a call, this includes Ctrl-C (`SIGINT`) and
   * `SIGTERM`. If the program listens to the signal itself, the calls are abandoned when it calls `process.exit()`. The end
   * of a worker always abandons its calls. Defaults to true.
   */
  cancelOnExit?: boolean | undefined;
  /**
   * Receives the requests that follow an abandoned call, such as the cancel of its prediction: in a Worker,
   * `(promise) => ctx.waitUntil(promise)`. Without it, an abandoned call on the web waits until they are sent.
   */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /**
   * Allow a token in a web page, where its users can read it. Defaults to false: use a `baseUrl` of your own server, which
   * adds the token.
   */
  dangerouslyAllowBrowser?: boolean | undefined;
  /**
   * Logger for what the client does, such as the console, a pino or a winston. Defaults to standard error if `logLevel` or
   * `REPLICATE_LOG` is set.
   */
  logger?: Logger | undefined;
  /** Least severe level to log. Defaults to `REPLICATE_LOG`, otherwise to `"info"` with a `logger` and `"off"` without. */
  logLevel?: LogLevel | undefined;
  /** Show the JSON bodies of requests and responses in logs of the level `debug`, without secrets and long strings. */
  logBodies?: boolean | undefined;
  /**
   * Called before each attempt of a request, in the async context of the call. It may change `request.headers`. A promise
   * is awaited, and an exception ends the call.
   */
  onRequest?: ((request: RequestEvent) => void | Promise<void>) | undefined;
  /** Called with the status and the headers of each response. */
  onResponse?: ((response: ResponseEvent) => void | Promise<void>) | undefined;
  /** Called after a failed attempt that will be retried, before the delay. */
  onRetry?: ((retry: RetryEvent) => void | Promise<void>) | undefined;
  /** Create OpenTelemetry spans and send `traceparent`, if the program uses OpenTelemetry. Defaults to true. */
  tracing?: boolean | undefined;
  /**
   * Record the input and the output in the spans of runs. Defaults to false, or to
   * `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`.
   */
  traceContent?: boolean | undefined;
  /**
   * URL of a proxy for every request: `http`, `https`, `socks5`, or `socks5h`, which also resolves host names. Defaults
   * to the proxy of the environment.
   */
  proxy?: string | undefined;
  /**
   * Path or `file:` URL of a PEM file, or of a folder of such files, with additional certificates to trust: of authorities, or
   * of a server.
   */
  caBundle?: string | URL | undefined;
  /**
   * Path or `file:` URL of a file with a client certificate in PEM, and its private key unless `clientKey` has
   * it.
   */
  clientCert?: string | URL | undefined;
  /** Path or `file:` URL of a PEM file with the private key of `clientCert`. */
  clientKey?: string | URL | undefined;
  /** Password of the private key, if it is encrypted. */
  clientKeyPassword?: string | undefined;
  /** Use HTTP/2 with servers that offer it. Defaults to true. */
  http2?: boolean | undefined;
  /**
   * Maximum number of requests at a time; others wait. Over HTTP/1.1, each has its own connection, and an event stream
   * or download keeps it until its end. Defaults to no limit.
   */
  maxConnections?: number | undefined;
  /** Time that an unused connection stays open, in milliseconds. Defaults to 50 s. */
  poolIdleTimeout?: number | undefined;
};

/** Options of every call. */
export type RequestOptions = {
  /** Aborts the call, which rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined;
  /** Timeout of the request with all its retries, in milliseconds. Defaults to that of the client. */
  timeout?: number | undefined;
  /** Number of retries if the request is safe to send again. */
  maxRetries?: number | undefined;
  /** Headers to add. */
  headers?: Record<string, string> | Headers | undefined;
  /** Query parameters to add. */
  query?: Record<string, string> | undefined;
};

/** Options of list methods. */
export type ListOptions = RequestOptions & {
  /** The `next` URL of another page. Rejected if it is `null`: there is no page after the last one. */
  cursor?: string | undefined;
};

/** Progress of the upload of one file of an input. */
export interface UploadProgress {
  /** Path of the file in the call's parameters: `input.image`, `input.images[0]`. */
  place: string;
  /** Name of the file. */
  name: string;
  /** Bytes sent so far. Restarts at zero when the upload is retried. */
  loaded: number;
  /** Size in bytes, or null if it is unknown. */
  total: number | null;
}

/** Progress of one transfer. */
export interface SaveProgress {
  /** Bytes transferred so far. */
  loaded: number;
  /** Size in bytes, or null while it is unknown. */
  total: number | null;
}

/** Options of calls that transfer a file. */
export type SaveOptions = RequestOptions & {
  /** Called with the progress of the transfer. */
  onProgress?: ((bytes: SaveProgress) => void) | undefined;
};

/** Options of `saveAll`. */
export type SaveAllOptions = SaveOptions & {
  /** Number of files to download at the same time, 1 to 64. Defaults to 4. */
  concurrency?: number | undefined;
};

/** Options of every call that creates a prediction or a training. */
export type CreateOptions = {
  /** Input of the model. It can contain files of any kind at any depth. */
  input: object;
  /** HTTPS URL that the API sends webhooks to. */
  webhook?: string | undefined;
  /** Events that the API sends webhooks for. Defaults to new output and the end. */
  webhook_events_filter?: WebhookEventType[] | undefined;
  /** How to send the input's files. Defaults to the client option. */
  fileEncodingStrategy?: FileEncodingStrategy | undefined;
  /** Called with the progress of each upload. */
  onUpload?: ((upload: UploadProgress) => void) | undefined;
};

/** How `run` waits for the end: `block` has the API hold the response to the create, `poll` does not. */
export type WaitOption =
  | {
      mode: "block";
      /** How long the API may hold the response, in seconds (1 to 60). */
      timeout?: number | undefined;
      /** Time between polls after that, in milliseconds. */
      interval?: number | undefined;
    }
  | {
      mode: "poll";
      /** Time between polls, in milliseconds. */
      interval?: number | undefined;
    };

/** Options of every call that creates a prediction. */
export type PredictionOptions = CreateOptions & {
  /** Request an event stream. The API now provides one by default. */
  stream?: boolean | undefined;
  /**
   * Time after which the API cancels the prediction, 5 s to 24 h: seconds, or text such as `"1m30s"`. Defaults to 5 s
   * after the `timeout` of `run` and `stream`, to 24 h without one, and to none for creates.
   */
  cancelAfter?: number | string | undefined;
};

/** Options of `stream`. */
export type StreamOptions = Omit<RequestOptions, "timeout"> &
  PredictionOptions & {
    /** Timeout of the whole call, in milliseconds. When it passes, the prediction is canceled. */
    timeout?: number | undefined;
    /** Return files in the output as {@link FileOutput}s. Defaults to the client option. */
    useFileOutput?: boolean | undefined;
    /** What to do with the running prediction when this call is abandoned. Defaults to the client option. */
    onAbandon?: "cancel" | "leave" | undefined;
  };

/** Options of `run`. */
export type RunOptions = StreamOptions & {
  /** How to wait for the end. Affects the latency only, not the result. */
  wait?: WaitOption | undefined;
  /** Time between polls, in milliseconds. Defaults to the client's `pollInterval`, otherwise adaptive. */
  interval?: number | undefined;
};

/** Options of `map`. */
export type MapOptions<Row = unknown> = Omit<RunOptions, "input" | "signal" | "timeout" | "onUpload"> & {
  /**
   * The input of a row: the name of the property that has it, or a function that returns it, or a promise of it. By default,
   * the row is the input. An exception ends the batch.
   */
  input?: (keyof Row & string) | ((row: Row, index: number) => object | Promise<object>) | undefined;
  /**
   * What identifies a row: the name of a property, or a function that returns a string or an integer that no other row has.
   * Defaults to the position of the row. A checkpoint finds rows by it, and saved files are named after it.
   */
  key?: (keyof Row & string) | ((row: Row, index: number) => string | number | bigint) | undefined;
  /** Number of predictions that run at a time, 1 to 10,000. Defaults to 64. */
  concurrency?: number | undefined;
  /** Return results in the order of the rows. Buffers at most four times `concurrency` results. */
  ordered?: boolean | undefined;
  /**
   * What to do with a row that fails: `"return"` it as an item with its error (the default), `"raise"` the error, which
   * cancels the running predictions, or `"skip"` it; `stats` counts it. An error that the checkpoint has is thrown after they
   * have finished; `retries` runs such a row again.
   */
  errors?: "return" | "raise" | "skip" | undefined;
  /**
   * Share of the last 50 rows that may fail, above 0 and at most 1. If more fail, no more predictions are created, the
   * running ones are finished, and the loop ends with an error.
   */
  maxErrorRate?: number | undefined;
  /**
   * How many times the prediction of a row is created again after it failed. Each is billed. Predictions that failed because
   * of a content filter or an invalid input, and canceled ones, are not created again. Defaults to 0.
   */
  retries?: number | undefined;
  /**
   * Number of predictions to create at most. Then the running ones are finished, and `stats.stopped` says why. With a
   * checkpoint, rows are read on until all results that it has are returned, or 1,000 rows in a row have none.
   */
  maxPredictions?: number | undefined;
  /**
   * Predict time that the API may meter, in seconds, as an estimate: the running predictions count with the mean of those
   * that have ended. Then the running ones are finished, and the loop ends.
   */
  maxSeconds?: number | undefined;
  /**
   * Path or `file:` URL of a file that records each step of a row. A batch with the same file returns the results that it
   * has, waits for the predictions that were created, and runs the remaining rows. No finished or running prediction is
   * created again, even if the process is killed. Blobs and buffers are compared by their sizes and their first MiB; a row
   * with a stream needs a `key`.
   */
  checkpoint?: string | URL | undefined;
  /**
   * Create predictions again for rows whose outcome an earlier process left unknown. By default such rows are items with
   * the status `unknown`.
   */
  retryUnknown?: boolean | undefined;
  /**
   * Folder, a path or a `file:` URL, to which the files of each output are saved at once, because the API deletes them
   * after an hour. Their names are the keys of the rows; a hash is added to a name that a file of another batch has. Outputs
   * contain the paths of the files.
   */
  saveTo?: string | URL | undefined;
  /**
   * Timeout of each prediction, in milliseconds. When it passes, the prediction is canceled, and the row fails; a batch with
   * the same checkpoint runs the row again.
   */
  timeout?: number | undefined;
  /**
   * Show the progress: `true` writes a line to standard error if that is a terminal; a function is called with the progress,
   * every 100 ms at most, while results are read, and at the end.
   */
  progress?: boolean | ((stats: MapStats) => void) | undefined;
  /**
   * Finish the running predictions when the loop is left, instead of canceling them: leaving waits until they have ended and
   * their results are in the checkpoint. An error of the rows is thrown after their results. Defaults to false.
   */
  drain?: boolean | undefined;
  /** Aborts the batch: cancels the running predictions, and the loop throws the signal's reason. */
  signal?: AbortSignal | null | undefined;
};

/** Options of `wait`. */
export type WaitOptions = Omit<RequestOptions, "timeout"> & {
  /** Time between polls, in milliseconds. */
  interval?: number | undefined;
  /** How long to wait, in milliseconds. The prediction continues when it passes. */
  timeout?: number | undefined;
};

/** Options of calls that read a prediction's output while it is written. */
export type OutputOptions = Pick<RequestOptions, "signal"> & {
  /** Return files in the output as {@link FileOutput}s. Defaults to the client option. */
  useFileOutput?: boolean | undefined;
};

/** Options of `request`. */
export type RawRequestOptions = {
  /** HTTP method. Defaults to `GET`. */
  method?: string | undefined;
  /** Query parameters. */
  params?: object | undefined;
  /** Headers to add. */
  headers?: object | Headers | undefined;
  /** Body: sent as JSON, except FormData, Blobs, URLSearchParams and bytes, which are sent unchanged. */
  data?: unknown;
  /** Aborts the request, which rejects with the signal's reason. */
  signal?: AbortSignal | null | undefined;
};
