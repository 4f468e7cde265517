/** What a client and its calls that go beyond one endpoint take. */
import type { SaveOptions } from "./file-output";
import type { FileEncodingStrategy, RequestOptions, WaitOption, WebhookEventType } from "./types";
import type { UploadProgress } from "./uploads";

/** A function that sends HTTP requests, such as the global `fetch`. */
export type Fetch = (input: Request | string, init?: RequestInit) => Promise<Response>;

/** What a client is made with. Everything has a default. */
export type ReplicateOptions = {
  /** API token; the environment's `REPLICATE_API_TOKEN` by default. */
  auth?: string | undefined;
  /** What the client calls itself. */
  userAgent?: string | undefined;
  /** Where the API is; the environment's `REPLICATE_BASE_URL` or `https://api.replicate.com/v1` by default. */
  baseUrl?: string | undefined;
  /**
   * How files inside inputs are sent: `"default"` uploads them, and inlines those whose upload fails;
   * `"upload"`, `"data-uri"`; `"auto"` inlines files of up to 64 KiB and uploads the others.
   */
  fileEncodingStrategy?: FileEncodingStrategy | undefined;
  /** Whether to compare the SHA-256 of each upload with the one in the response. False by default. */
  verifyUploads?: boolean | undefined;
  /** Whether files in outputs come as {@link FileOutput}s (the default) or as URLs. */
  useFileOutput?: boolean | undefined;
  /** Carries every request instead of the built-in HTTP client, such as a framework's own `fetch`. */
  fetch?: Fetch | undefined;
  /** How long one attempt of a request may take, in milliseconds. */
  timeout?: number | undefined;
  /** How long connecting may take, in milliseconds. */
  connectTimeout?: number | undefined;
  /** How long an event stream may say nothing at all before it is opened again, in milliseconds. */
  idleTimeout?: number | undefined;
  /** How often a request that may be sent again is sent again. */
  maxRetries?: number | undefined;
  /** Headers for every request to the API. */
  headers?: Record<string, string> | undefined;
  /** Query parameters for every request to the API. */
  query?: Record<string, string> | undefined;
  /** How often `run` and `wait` ask, in milliseconds, instead of a schedule that suits most models. */
  pollInterval?: number | undefined;
  /** What becomes of a prediction whose `run` or `stream` is given up: `cancel` (the default) or `leave`. */
  onAbandon?: "cancel" | "leave" | undefined;
  /** Proxy for every request, instead of the environment's. */
  proxy?: string | undefined;
  /** PEM file with further certificates to trust. */
  caBundle?: string | undefined;
};

/** What `run` takes. */
export type RunOptions = Omit<RequestOptions, "timeout"> & {
  /** The model's input. Files of any kind may stand anywhere inside. */
  input: object;
  /** How to learn of the end. It changes how soon, never whether, `run` gives the output. */
  wait?: WaitOption | undefined;
  /** How long all of it may take, in milliseconds. After that the prediction is cancelled. */
  timeout?: number | undefined;
  /** URL (https) that is told how the prediction goes on. */
  webhook?: string | undefined;
  /** What it is told of. */
  webhook_events_filter?: WebhookEventType[] | undefined;
  /** Cancel the prediction by itself after so long: seconds, or text such as `"1m30s"`. */
  cancelAfter?: number | string | undefined;
  /** Whether files in the output come as {@link FileOutput}s. */
  useFileOutput?: boolean | undefined;
  /** How the input's files are sent. */
  fileEncodingStrategy?: FileEncodingStrategy | undefined;
  /** What becomes of the prediction when this call is given up. */
  onAbandon?: "cancel" | "leave" | undefined;
  /** Told how far the input's files have got on their way up. */
  onUpload?: ((upload: UploadProgress) => void) | undefined;
};

/** What `stream` takes. */
export type StreamOptions = Omit<RunOptions, "wait">;

/** What `saveAll` takes. */
export type SaveAllOptions = SaveOptions & {
  /** How many files are fetched at a time. */
  concurrency?: number | undefined;
};

/** What `request` takes. */
export type RawRequestOptions = {
  /** `GET` by default. */
  method?: string | undefined;
  /** Query parameters. */
  params?: object | undefined;
  headers?: object | Headers | undefined;
  /** The body. */
  data?: unknown;
  signal?: AbortSignal | undefined;
};

/** What `wait` takes. */
export type WaitOptions = Omit<RequestOptions, "timeout"> & {
  /** How often to ask, in milliseconds. */
  interval?: number | undefined;
  /** How long to wait at most, in milliseconds. The prediction goes on after that. */
  timeout?: number | undefined;
};
