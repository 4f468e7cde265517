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
  /** Duration until the first token, in seconds. */
  time_to_first_token?: number;
  /** Tokens of the output per second. */
  tokens_per_second?: number;
  /** Number of tokens in the input. */
  input_token_count?: number;
  /** Number of tokens in the output. */
  output_token_count?: number;
  /** Number of images in the output. */
  image_count?: number;
}

/**
 * A run of a model.
 *
 * Optional properties are declared as in the official package; the API also sends `null` while it has no value.
 */
export interface Prediction<Output = ModelDefined, Input = ModelDefined> extends Responded {
  /** Id of the prediction. */
  id: string;
  /** Whether it runs, or how it ended. */
  status: Status;
  /** `owner/name`. */
  model: string;
  /** Id of the version, or `hidden` for official models. */
  version: string | "hidden";
  /** Input of the model. */
  input: Input;
  /** Output so far. Files in it are URLs. */
  output?: Output;
  /** Where it was created. */
  source: "api" | "web";
  /** Reason why the prediction failed. */
  error?: unknown;
  /** Text that the model printed. */
  logs?: string;
  /** Whether input, output and logs were removed, as the API does an hour after it created the prediction. */
  data_removed: boolean;
  /** Time at which the API cancels it, if it was created with `cancelAfter`. */
  deadline?: string;
  /** Deployment that it runs on: `owner/name`. */
  deployment?: string;
  /** Durations and counts. */
  metrics?: Metrics;
  /** URL that events are sent to. */
  webhook?: string;
  /** Events that are sent to the webhook. */
  webhook_events_filter?: WebhookEventType[];
  /** Time of its creation, in RFC 3339. */
  created_at: string;
  /** Time at which the model started. */
  started_at?: string;
  /** Time at which the prediction ended. */
  completed_at?: string;
  /** URLs of the API, and of the page on the website (`web`). `stream` has the events. */
  urls: { get: string; cancel: string; stream?: string; web?: string };
}

/** A run of a model's training procedure. */
export interface Training extends Responded {
  /** Id of the training. */
  id: string;
  /** Whether it runs, or how it ended. */
  status: Status;
  /** The model that is trained: `owner/name`. */
  model: string;
  /** Id of the version that is trained. */
  version: string;
  /** Input of the training. */
  input: ModelDefined;
  /** The trained version, after the training has succeeded. */
  output?: { version?: string; weights?: string };
  /** Where it was created. */
  source: "api" | "web";
  /** Reason why the training failed. */
  error?: unknown;
  /** Text that the training printed. */
  logs?: string;
  /** Durations and counts. */
  metrics?: Metrics;
  /** URL that events are sent to. */
  webhook?: string;
  /** Events that are sent to the webhook. */
  webhook_events_filter?: WebhookEventType[];
  /** Time of its creation, in RFC 3339. */
  created_at: string;
  /** Time at which the training started. */
  started_at?: string;
  /** Time at which the training ended. */
  completed_at?: string;
  /** URLs of the API, and of the page on the website (`web`). */
  urls: { get: string; cancel: string; web?: string };
}

/** One version of a model. */
export interface ModelVersion extends Responded {
  /** Id of the version, 64 hexadecimal digits. */
  id: string;
  /** Time of its creation, in RFC 3339. */
  created_at: string;
  /** Version of Cog that it was built with. */
  cog_version: string | null;
  /** Schema of the input and output. */
  openapi_schema: ModelDefined;
}

/** A model on Replicate. */
export interface Model extends Responded {
  /** Page of the model on the website. */
  url: string;
  /** Account that the model belongs to. */
  owner: string;
  /** Name of the model. */
  name: string;
  /** Description of the model. */
  description?: string;
  /** Who can see and run it. */
  visibility: Visibility;
  /** Whether Replicate keeps the model running; such a model needs no version. */
  is_official: boolean;
  /** Number of predictions. */
  run_count: number;
  /** URL of the source code. */
  github_url?: string;
  /** URL of the paper. */
  paper_url?: string;
  /** URL of the license. */
  license_url?: string;
  /** URL of the cover image. */
  cover_image_url?: string;
  /** Prediction shown on the page of the model. */
  default_example?: Prediction;
  /** Newest version. */
  latest_version?: ModelVersion;
}

/** An account. */
export interface Account extends Responded {
  /** Kind of account. */
  type: "user" | "organization";
  /** Name in URLs. */
  username: string;
  /** Name that is displayed. */
  name: string;
  /** URL of the GitHub account. */
  github_url?: string;
  /** URL of the avatar. */
  avatar_url?: string;
}

/** A set of models selected by Replicate. */
export interface Collection extends Responded {
  /** Name that is displayed. */
  name: string;
  /** Name in URLs. */
  slug: string;
  /** Description of the collection. */
  description: string;
  /** Longer description, in Markdown. */
  full_description: string | null;
  /** Models of the collection; missing in a list of collections. */
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
  /** Account that the deployment belongs to. */
  owner: string;
  /** Name of the deployment. */
  name: string;
  /** Release that is running. */
  current_release: {
    /** Number of the release. */
    number: number;
    /** `owner/name`. */
    model: string;
    /** Id of the version. */
    version: string;
    /** Time of the release, in RFC 3339. */
    created_at: string;
    /** Account that created the release. */
    created_by: Account;
    /** SKU of the hardware, and the numbers of instances. */
    configuration: { hardware: string; min_instances: number; max_instances: number };
  };
}

/** An uploaded file. */
export interface FileObject extends Responded {
  /** Id of the file. */
  id: string;
  /** Name of the file. */
  name?: string;
  /** MIME type. */
  content_type: string;
  /** Size in bytes. */
  size: number;
  /** Entity tag of the content. */
  etag?: string;
  /** Checksums of the content, in hexadecimal. */
  checksums: { sha256: string; md5?: string };
  /** Data stored with the file. */
  metadata: Record<string, unknown>;
  /** Time of the upload, in RFC 3339. */
  created_at: string;
  /** Time at which the API deletes the file. */
  expires_at: string | null;
  /** `get` is the URL to use in an input. */
  urls: { get: string };
}

/** Results of a search. */
export interface SearchResults extends Responded {
  /** Text that was searched for. */
  query: string;
  /** Models that match. */
  models: {
    model: Model;
    metadata: { generated_description?: string | null; tags: string[]; score: number | null };
  }[];
  /** Collections that match. */
  collections: { name: string; slug: string; description: string; models: string[] | null }[];
  /** Pages of the website that match. */
  pages: { name: string; href: string }[];
}

/** A type of hardware. */
export interface Hardware {
  /** Name on the website. */
  name: string;
  /** Name in requests. */
  sku: string;
}

/** The secret that webhooks are signed with. */
export interface WebhookSecret extends Responded {
  /** The secret, beginning with `whsec_`. */
  key: string;
}

/** Progress of a model, read from the progress bar in its logs. */
export interface Progress {
  /** Fraction done, 0 to 1. */
  percentage: number;
  /** Steps done. */
  current: number;
  /** All steps. */
  total: number;
}
