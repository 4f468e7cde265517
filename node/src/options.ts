/** What a client and its calls that go beyond one endpoint take. */
import type { SaveOptions } from "./file-output";
import type { FileEncodingStrategy, RequestOptions, WaitOption, WebhookEventType } from "./types";
import type { UploadProgress } from "./uploads";

/** What a client is made with. Everything has a default. */
export interface ReplicateOptions {
  /** API token; the environment's `REPLICATE_API_TOKEN` by default. */
  auth?: string;
  /** What the client calls itself. */
  userAgent?: string;
  /** Where the API is; the environment's `REPLICATE_BASE_URL` or `https://api.replicate.com/v1` by default. */
  baseUrl?: string;
  /** How files inside inputs travel. */
  fileEncodingStrategy?: FileEncodingStrategy;
  /** Whether files in outputs come as {@link FileOutput}s (the default) or as URLs. */
  useFileOutput?: boolean;
  /** Carries every request instead of the built-in HTTP client, such as a framework's own `fetch`. */
  fetch?: typeof fetch;
  /** How long one attempt of a request may take, in milliseconds. */
  timeout?: number;
  /** How long connecting may take, in milliseconds. */
  connectTimeout?: number;
  /** How long an event stream may say nothing at all before it is opened again, in milliseconds. */
  idleTimeout?: number;
  /** How often a request that may be sent again is sent again. */
  maxRetries?: number;
  /** Headers for every request to the API. */
  headers?: Record<string, string>;
  /** Query parameters for every request to the API. */
  query?: Record<string, string>;
  /** How often `run` and `wait` ask, in milliseconds, instead of a schedule that suits most models. */
  pollInterval?: number;
  /** What becomes of a prediction whose `run` or `stream` is given up: `cancel` (the default) or `leave`. */
  onAbandon?: "cancel" | "leave";
  /** Proxy for every request, instead of the environment's. */
  proxy?: string;
  /** PEM file with further certificates to trust. */
  caBundle?: string;
}

/** What `run` takes. */
export interface RunOptions extends Omit<RequestOptions, "timeout"> {
  /** The model's input. Files of any kind may stand anywhere inside. */
  input?: object;
  /** How to learn of the end. It changes how soon, never whether, `run` gives the output. */
  wait?: WaitOption;
  /** How long all of it may take, in milliseconds. After that the prediction is cancelled. */
  timeout?: number;
  /** URL (https) that is told how the prediction goes on. */
  webhook?: string;
  /** What it is told of. */
  webhook_events_filter?: WebhookEventType[];
  /** Cancel the prediction by itself after so long: seconds, or text such as `"1m30s"`. */
  cancelAfter?: number | string;
  /** Whether files in the output come as {@link FileOutput}s. */
  useFileOutput?: boolean;
  /** How the input's files travel. */
  fileEncodingStrategy?: FileEncodingStrategy;
  /** What becomes of the prediction when this call is given up. */
  onAbandon?: "cancel" | "leave";
  /** Told how far the input's files have got on their way up. */
  onUpload?: (upload: UploadProgress) => void;
}

/** What `stream` takes. */
export type StreamOptions = Omit<RunOptions, "wait">;

/** What `saveAll` takes. */
export interface SaveAllOptions extends SaveOptions {
  /** How many files are fetched at a time. */
  concurrency?: number;
}

/** What `request` takes. */
export interface RawRequestOptions {
  /** `GET` by default. */
  method?: string;
  /** Query parameters. */
  params?: Record<string, unknown>;
  headers?: Record<string, string> | Headers;
  /** The body. */
  data?: unknown;
  signal?: AbortSignal;
}

/** What `wait` takes. */
export interface WaitOptions extends Omit<RequestOptions, "timeout"> {
  /** How often to ask, in milliseconds. */
  interval?: number;
  /** How long to wait at most, in milliseconds. The prediction goes on after that. */
  timeout?: number;
}
