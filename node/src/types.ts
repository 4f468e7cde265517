import type { FileOutput } from "./file-output";

/**
 * The value of a place whose shape only the model knows. It is `any` so that reading
 * `prediction.output[0]` needs no cast; name the type (`Prediction<string[]>`) to have it checked.
 */
// biome-ignore lint/suspicious/noExplicitAny: see above, and code written for the official client relies on it
export type ModelDefined = any;

/** Where a prediction or training stands. New values may be added by the API. */
export type Status = "starting" | "processing" | "succeeded" | "failed" | "canceled" | "aborted";

/** Who can see and run a model. */
export type Visibility = "public" | "private";

/** The moments a webhook can be told of. */
export type WebhookEventType = "start" | "output" | "logs" | "completed";

/** How a file inside an input travels: uploaded first, inside the JSON, or whichever suits its size. */
export type FileEncodingStrategy = "default" | "upload" | "data-uri" | "auto";

/** `owner/name`, or `owner/name:version`. */
export type ModelReference = `${string}/${string}` | `${string}/${string}:${string}`;

/** Anything that may stand for a file: in an input, or as the argument of `files.create`. */
export type FileInput =
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | FileOutput
  | URL;

/** How `run` learns of the end: `block` holds the first request open, `poll` only asks now and then. */
export type WaitOption =
  | {
      /** Hold the creating request open until the output is there. The default. */
      mode: "block";
      /** How long the server may hold it, in seconds (1 to 60). */
      timeout?: number | undefined;
      /** How often to ask after that, in milliseconds. */
      interval?: number | undefined;
    }
  | {
      /** Create, then ask until it has ended. */
      mode: "poll";
      /** How often to ask, in milliseconds. */
      interval?: number | undefined;
    };

/** Counts and times (in seconds) that the API and models report. */
export interface Metrics {
  /** How long the model ran, in seconds. */
  predict_time?: number;
  /** From creation to the end, in seconds. */
  total_time?: number;
  time_to_first_token?: number;
  tokens_per_second?: number;
  input_token_count?: number;
  output_token_count?: number;
  image_count?: number;
}

/**
 * A run of a model.
 *
 * Optional members are declared as in the official package. Where the API has no value yet, the property can also be `null`.
 */
export interface Prediction<Output = ModelDefined, Input = ModelDefined> {
  id: string;
  status: Status;
  /** `owner/name`. */
  model: string;
  /** The version's id, or `hidden` for official models. */
  version: string | "hidden";
  input: Input;
  output?: Output;
  source: "api" | "web";
  error?: unknown;
  logs?: string;
  /** True once the API has removed input, output and logs (after an hour for predictions created through the API). */
  data_removed: boolean;
  /** When the API cancels it, if `cancelAfter` was given. */
  deadline?: string;
  deployment?: string;
  metrics?: Metrics;
  webhook?: string;
  webhook_events_filter?: WebhookEventType[];
  created_at: string;
  started_at?: string;
  completed_at?: string;
  urls: { get: string; cancel: string; stream?: string; web?: string };
}

/** A run of a model's training procedure. */
export interface Training {
  id: string;
  status: Status;
  /** `owner/name` of the model that is trained. */
  model: string;
  version: string;
  input: ModelDefined;
  /** The trained version, once the training has succeeded. */
  output?: { version?: string; weights?: string };
  source: "api" | "web";
  error?: unknown;
  logs?: string;
  metrics?: Metrics;
  webhook?: string;
  webhook_events_filter?: WebhookEventType[];
  created_at: string;
  started_at?: string;
  completed_at?: string;
  urls: { get: string; cancel: string; web?: string };
}

/** One version of a model. */
export interface ModelVersion {
  id: string;
  created_at: string;
  cog_version: string | null;
  openapi_schema: ModelDefined;
}

/** A model on Replicate. */
export interface Model {
  url: string;
  owner: string;
  name: string;
  description?: string;
  visibility: Visibility;
  is_official: boolean;
  run_count: number;
  github_url?: string;
  paper_url?: string;
  license_url?: string;
  cover_image_url?: string;
  default_example?: Prediction;
  latest_version?: ModelVersion;
}

/** The account a token belongs to. */
export interface Account {
  type: "user" | "organization";
  username: string;
  name: string;
  github_url?: string;
  avatar_url?: string;
}

/** A set of models put together by Replicate. */
export interface Collection {
  name: string;
  slug: string;
  description: string;
  full_description: string | null;
  models?: Model[];
}

/** One page of a list. */
export interface Page<T> {
  /** URL of the page before. */
  previous?: string;
  /** URL of the next page. */
  next?: string;
  /** The items of this page. */
  results: T[];
}

/** A model that is kept running on hardware of its own. */
export interface Deployment {
  owner: string;
  name: string;
  current_release: {
    number: number;
    model: string;
    version: string;
    created_at: string;
    created_by: Account;
    configuration: { hardware: string; min_instances: number; max_instances: number };
  };
}

/** An uploaded file. */
export interface FileObject {
  id: string;
  name?: string;
  content_type: string;
  size: number;
  etag?: string;
  checksums: { sha256: string; md5?: string };
  metadata: Record<string, unknown>;
  created_at: string;
  expires_at: string | null;
  urls: { get: string };
}

/** What a search has found. */
export interface SearchResults {
  query: string;
  models: {
    model: Model;
    metadata: { generated_description?: string | null; tags: string[]; score: number | null };
  }[];
  collections: { name: string; slug: string; description: string; models: string[] | null }[];
  pages: { name: string; href: string }[];
}

/** A kind of machine. */
export interface Hardware {
  name: string;
  sku: string;
}

/** The key webhooks are signed with. */
export interface WebhookSecret {
  key: string;
}

/** Model progress, as read from logs. */
export interface Progress {
  /** From 0 to 1. */
  percentage: number;
  current: number;
  total: number;
}

/** What every call takes besides its own parameters. */
export type RequestOptions = {
  /** Stops the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How long one attempt may take, in milliseconds. */
  timeout?: number | undefined;
  /** How often the request may be sent again. */
  maxRetries?: number | undefined;
  /** Headers to add. */
  headers?: Record<string, string> | Headers | undefined;
  /** Query parameters to add. */
  query?: Record<string, string> | undefined;
};

/** What list methods take. */
export type ListOptions = RequestOptions & {
  /** `next` of another page. */
  cursor?: string | undefined;
};
