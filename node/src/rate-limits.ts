/** State of one rate limit. */
export interface RateLimitState {
  /** Maximum number of requests per minute; `null` while nothing limits them. */
  readonly perMinute: number | null;
  /** Number of requests left, as last reported by the API. */
  readonly remaining: number | null;
  /** Milliseconds until requests are sent again, because the API asked to wait. */
  readonly paused: number;
  /** Number of requests that wait. */
  readonly waiting: number;
}

/** Rate limits that a client has learned. */
export interface RateLimits {
  /** Creates of predictions. */
  readonly creates: RateLimitState;
  /** Reads of a single prediction. */
  readonly polls: RateLimitState;
  /** All other requests. */
  readonly others: RateLimitState;
}

interface State {
  per_minute: number | null;
  remaining: number | null;
  paused: number;
  waiting: number;
}

/** Converts the core's form. */
export function rateLimits(json: string): RateLimits | null {
  const limits: Record<keyof RateLimits, State> | null = JSON.parse(json);
  const state = ({ per_minute, remaining, paused, waiting }: State) => {
    return { perMinute: per_minute, remaining, paused: paused * 1000, waiting };
  };
  return (
    limits && { creates: state(limits.creates), polls: state(limits.polls), others: state(limits.others) }
  );
}
