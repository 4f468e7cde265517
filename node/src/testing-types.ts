/** Types of the emulator and of models that a test defines. */

/** What an emulator prints when it listens. */
export interface Addresses {
  origin: string;
  base_url: string;
  webhook_secret: string;
  tls_base_url?: string;
  ca_bundle?: string;
}

/** JSON Schema. */
export type JsonSchema = Record<string, unknown>;

/** Options of a model that a test defines. */
export type ModelOptions = {
  /** JSON Schema of the input. Members of `format: "uri"` are passed as the content of the file. */
  input?: JsonSchema;
  /** JSON Schema of the output. */
  output?: JsonSchema;
  /** Description in the model object. */
  description?: string;
  /** Ids of the versions, newest first. Defaults to one version. */
  versions?: string[];
  /** Seconds in status `starting`. */
  coldStart?: number;
  /** Minimum number of seconds in status `processing`. */
  runTime?: number;
};

/** A running prediction, as the function of a model sees it. */
export interface ModelRun {
  /** Id of the prediction. */
  readonly id: string;
  /** Aborts when the prediction is canceled. */
  readonly signal: AbortSignal;
  /** Writes a line to the logs, as `console.log` in the function does. */
  log(...values: unknown[]): void;
}

/**
 * Function of a model. The result is the output; of a generator, each item is emitted. In the output, `Uint8Array`,
 * `ArrayBuffer`, `Blob` and stream values become files, whose types are recognized by their content. An exception fails the
 * prediction, and so does an output that cannot be sent, such as a `Map`.
 */
// biome-ignore lint/suspicious/noExplicitAny: the schema of the model decides the type
export type ModelFunction = (input: any, run: ModelRun) => unknown;
