/** The progress of a batch. Times are in milliseconds, except `seconds`, which is the API's unit of predict time. */
export interface MapStats {
  /** Rows that were read. */
  readonly rows: number;
  /** Total number of rows; `null` if it is unknown, as for generators and streams. */
  readonly total: number | null;
  /** Rows with an output, including those from the checkpoint. */
  readonly succeeded: number;
  /** Rows that failed, including those from the checkpoint. */
  readonly failed: number;
  /** Rows whose result came from the checkpoint. */
  readonly resumed: number;
  /** Rows that are being run. */
  readonly running: number;
  /** Predictions that were created. */
  readonly predictions: number;
  /** Predict time that the API metered for the predictions of this batch, in seconds. */
  readonly seconds: number;
  /** Milliseconds since the batch began. */
  readonly elapsed: number;
  /** Finished rows per minute, without those from the checkpoint. */
  readonly perMinute: number;
  /** Milliseconds until the estimated end; `null` while it is unknown, or if the batch has stopped. */
  readonly remaining: number | null;
  /**
   * Why the batch created no more predictions before its last row; `null` if it did not. `refused` if the API refused the
   * token or the model, or the account has no credit.
   */
  readonly stopped: "max_predictions" | "max_seconds" | "error_rate" | "requested" | "refused" | null;
}

/** The core's form. */
export interface CoreStats extends Omit<MapStats, "perMinute"> {
  per_minute: number;
}

/** The progress before the first report. */
export const NO_STATS: MapStats = {
  rows: 0,
  total: null,
  succeeded: 0,
  failed: 0,
  resumed: 0,
  running: 0,
  predictions: 0,
  seconds: 0,
  elapsed: 0,
  perMinute: 0,
  remaining: null,
  stopped: null,
};

/** Converts the core's form, whose durations are in seconds. */
export function mapStats({ per_minute, elapsed, remaining, ...same }: CoreStats): MapStats {
  return {
    ...same,
    elapsed: elapsed * 1000,
    perMinute: per_minute,
    remaining: remaining === null ? null : remaining * 1000,
  };
}
