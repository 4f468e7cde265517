/** What the API returns. */
import type { WebhookEventType } from "./options";

/**
 * A value whose shape depends on the model. It is `any` so that `prediction.output[0]` needs no cast; pass a type
 * (`Prediction<string[]>`) to have it checked.
 */
// biome-ignore lint/suspicious/noExplicitAny: code written for the official client relies on it
export type ModelDefined = any;

/** Status of a prediction or training. The API may add values. */
export type Status = "starting" | "processing" | "succeeded" | "failed" | "canceled" | "aborted";

/** Whether everyone or only its owner can see and run a model. */
export type Visibility = "public" | "private";

/** A model (`owner/name`) or one of its versions (`owner/name:version`). */
export type ModelReference = `${string}/${string}` | `${string}/${string}:${string}`;

/** Properties of the objects that methods return, apart from `run`. They are not enumerable, so copies lack them. */
export interface Responded {
  /** Id of the request, for support inquiries. */
  readonly request_id?: string | undefined;
  /** Status and headers of the response, such as `ratelimit-remaining`; its body is read. */
  readonly _response?: Response | undefined;
}

/** Counts and durations that the API and models report. */
export interface Metrics {
  /** Duration of the run, in seconds. */
  predict_time?: number;
  /** Duration from creation to the end, in seconds. */
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
 * Optional properties are declared as in the official package; the API also sends `null` while it has no value.
 */
export interface Prediction<Output = ModelDefined, Input = ModelDefined> extends Responded {
  id: string;
  status: Status;
  /** `owner/name`. */
  model: string;
  /** Id of the version, or `hidden` for official models. */
  version: string | "hidden";
  input: Input;
  output?: Output;
  source: "api" | "web";
  error?: unknown;
  logs?: string;
  /** Whether input, output and logs were removed, as the API does an hour after it created the prediction. */
  data_removed: boolean;
  /** Time at which the API cancels it, if it was created with `cancelAfter`. */
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
export interface Training extends Responded {
  id: string;
  status: Status;
  /** The model that is trained: `owner/name`. */
  model: string;
  version: string;
  input: ModelDefined;
  /** The trained version, after the training has succeeded. */
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
export interface ModelVersion extends Responded {
  id: string;
  created_at: string;
  cog_version: string | null;
  openapi_schema: ModelDefined;
}

/** A model on Replicate. */
export interface Model extends Responded {
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

/** An account. */
export interface Account extends Responded {
  type: "user" | "organization";
  username: string;
  name: string;
  github_url?: string;
  avatar_url?: string;
}

/** A set of models selected by Replicate. */
export interface Collection extends Responded {
  name: string;
  slug: string;
  description: string;
  full_description: string | null;
  models?: Model[];
}

/** One page of a list. */
export interface Page<T> extends Responded {
  /** URL of the previous page. The API also sends `null`: there is none. */
  previous?: string;
  /** URL of the next page. The API also sends `null`, on the last page. */
  next?: string;
  /** The items of this page. */
  results: T[];
}

/** A model that runs on dedicated hardware. */
export interface Deployment extends Responded {
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
export interface FileObject extends Responded {
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

/** Results of a search. */
export interface SearchResults extends Responded {
  query: string;
  models: {
    model: Model;
    metadata: { generated_description?: string | null; tags: string[]; score: number | null };
  }[];
  collections: { name: string; slug: string; description: string; models: string[] | null }[];
  pages: { name: string; href: string }[];
}

/** A type of hardware. */
export interface Hardware {
  name: string;
  sku: string;
}

/** The secret that webhooks are signed with. */
export interface WebhookSecret extends Responded {
  key: string;
}

/** Progress of a model, read from the progress bar in its logs. */
export interface Progress {
  /** Fraction done, 0 to 1. */
  percentage: number;
  current: number;
  total: number;
}
