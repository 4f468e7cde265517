/**
 * The errors, one class for each code the core knows. A failed call rejects with one of these;
 * what is known about the failure is in its fields.
 */
import type { Prediction } from "./types";

/** What the core says of a failure. */
export interface Failure {
  code: string;
  message: string;
  status?: number;
  status_text?: string;
  /** What the user can do, at the end of `message`. */
  hint?: string;
  title?: string;
  detail?: string;
  type?: string;
  instance?: string;
  invalid_fields?: InvalidField[];
  request_id?: string;
  retry_after?: number;
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  body?: string;
  prediction?: Prediction;
  partial?: unknown;
  reason?: FailureReason;
  outcome_unknown?: boolean;
  cause?: string;
}

/** Why a model failed, read from its error text. */
export type FailureReason =
  | "content_filter"
  | "out_of_memory"
  | "queue_timeout"
  | "invalid_input"
  | "unknown";

/** One field of the input that the API refuses. */
export interface InvalidField {
  type: string;
  /** Dotted path, `input.prompt`. */
  field: string;
  description: string;
}

/** What every error of this library has in common. */
export class ReplicateError extends Error {
  /** Stable, for programs: `rate_limited`, `prediction_failed` ... */
  readonly code: string;
  /** True when a create was sent and may have been carried out (and billed) although no answer says so. */
  declare readonly outcomeUnknown: boolean;
  /** The prediction this is about, as last seen. */
  declare readonly prediction?: Prediction;
  /** What had come before it failed: of a stream its output, of `saveAll` the paths. */
  declare readonly partial?: unknown;
  /** The API's id of the request, for a support ticket. */
  declare readonly requestId?: string;
  /** Method of the request that failed. */
  declare readonly method?: string;
  /** URL of the request that failed. */
  declare readonly url?: string;
  /** HTTP status, where a server answered. */
  declare readonly status?: number;

  constructor(failure: Failure) {
    super(failure.message, failure.cause === undefined ? undefined : { cause: new Error(failure.cause) });
    this.code = failure.code;
    Object.defineProperty(this, "name", { value: new.target.name, configurable: true, writable: true });
    show(this, {
      outcomeUnknown: failure.outcome_unknown,
      prediction: failure.prediction,
      partial: failure.partial,
      requestId: failure.request_id,
      method: failure.method,
      url: failure.url,
      status: failure.status,
    });
  }

  /** The fields, for a log. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...(this as object) };
  }
}

/** Sets the members that are known, so that printing an error shows no `undefined`s. */
function show(error: object, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) {
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true, writable: true });
    }
  }
}

/** The API answered with a status that is not a success. {@link ApiError} is its other name. */
export class ApiStatusError extends ReplicateError {
  declare readonly status: number;
  /** The problem's title, in a few words. */
  declare readonly title?: string;
  /** What the API says went wrong. */
  declare readonly detail?: string;
  declare readonly type?: string;
  declare readonly instance?: string;
  /** Which fields of the input are wrong and why. */
  declare readonly invalidFields?: InvalidField[];
  /** How long the API asks to wait, in seconds. */
  declare readonly retryAfter?: number;
  /** Response headers, names in lower case. */
  readonly headers: Record<string, string>;
  /** The body as text (its first 64 KiB). */
  readonly body: string;

  constructor(failure: Failure) {
    super(failure);
    // One name for the whole family: code written for the official client compares with it.
    Object.defineProperty(this, "name", { value: "ApiError", configurable: true, writable: true });
    show(this, {
      title: failure.title,
      detail: failure.detail,
      type: failure.type,
      instance: failure.instance,
      invalidFields: failure.invalid_fields,
      retryAfter: failure.retry_after,
    });
    this.headers = failure.headers ?? {};
    this.body = failure.body ?? "";
  }

  /** The request, without its credentials and body. */
  get request(): Request {
    return new Request(this.url ?? "about:blank", { method: this.method });
  }

  /** The response. Its body can be read, any number of times by asking for `response` again. */
  get response(): Response {
    // Response knows no bodiless statuses with a body and nothing outside 200-599.
    const status = this.status >= 200 && this.status <= 599 ? this.status : 500;
    const body = [204, 205, 304].includes(status) ? null : this.body;
    const response = new Response(body, { status, headers: this.headers });
    Object.defineProperty(response, "url", { value: this.url ?? "" });
    return response;
  }
}

/** The class of every error whose cause is a status: `error instanceof ApiError`. */
export const ApiError: typeof ApiStatusError = ApiStatusError;

/**
 * What the official package declares as `ApiError`; further members are there for errors of this library.
 * It is a type of its own, so that test doubles can be made of an `Error` with `request` and `response`.
 */
export interface ApiError extends Error, Partial<Omit<ApiStatusError, keyof Error | "request" | "response">> {
  request: Request;
  response: Response;
}

/** 400. */
export class BadRequestError extends ApiStatusError {}
/** 401: the API token is missing or wrong. */
export class AuthenticationError extends ApiStatusError {}
/** 402: not enough credit. */
export class PaymentRequiredError extends ApiStatusError {}
/** 403. */
export class PermissionDeniedError extends ApiStatusError {}
/** 404. */
export class NotFoundError extends ApiStatusError {}
/** 409. */
export class ConflictError extends ApiStatusError {}
/** 413. */
export class PayloadTooLargeError extends ApiStatusError {}
/** 422: the API refuses the request; see `invalidFields`. */
export class UnprocessableEntityError extends ApiStatusError {}
/** 429, after the retries allowed; see `retryAfter`. */
export class RateLimitError extends ApiStatusError {}
/** 5xx. */
export class ServerError extends ApiStatusError {}

/** An argument cannot be used. Nothing was sent. */
export class InvalidArgumentError extends ReplicateError {}
/** A file given as input cannot be read. */
export class FileNotFoundError extends ReplicateError {}
/** A file given as input is larger than the API takes. Nothing was sent. */
export class FileTooLargeError extends ReplicateError {}
/** A file could not be written: there is no such folder, no permission or no space. */
export class FileNotWrittenError extends ReplicateError {}
/** The server could not be reached, or the connection broke. */
export class ConnectionError extends ReplicateError {}
/** The server did not answer in time. */
export class TimeoutError extends ConnectionError {}
/** A create was sent and its answer lost: it may or may not have been carried out, and billed. */
export class OutcomeUnknownError extends ReplicateError {}
/** The answer is not what the API promises. */
export class InvalidResponseError extends ReplicateError {}

/** A prediction did not succeed; `prediction` is its last state, with its logs. */
export class PredictionError extends ReplicateError {
  /** Why the model failed, read from its error text; absent if it did not fail. */
  declare readonly reason?: FailureReason;

  constructor(failure: Failure) {
    super(failure);
    show(this, { reason: failure.reason });
  }

  /** What the model logged. */
  get logs(): string | undefined {
    return this.prediction?.logs;
  }
}
/** The prediction ended as `failed`. */
export class PredictionFailedError extends PredictionError {}
/** The prediction ended as `canceled`. */
export class PredictionCanceledError extends PredictionError {}
/** The prediction ended as `aborted`: its deadline passed before it began to run. */
export class PredictionAbortedError extends PredictionError {}
/** The `timeout` of a run, stream or wait passed. */
export class DeadlineError extends PredictionError {}

/** The event stream broke and could not be resumed; `partial` is what had come. */
export class StreamInterruptedError extends ReplicateError {}
/** The model has no event stream. */
export class StreamUnsupportedError extends ReplicateError {}

/** A file that a model wrote could not be read whole. */
export class DownloadError extends ReplicateError {
  /** The beginning of what the server answered. */
  declare readonly body?: string;

  constructor(failure: Failure) {
    super(failure);
    show(this, { body: failure.body });
  }
}
/** The file is gone: the API keeps output files for one hour. */
export class OutputExpiredError extends DownloadError {}

/** A webhook is not to be trusted. */
export class WebhookError extends ReplicateError {}
/** A webhook lacks one of its signature headers. */
export class WebhookHeadersError extends WebhookError {}
/** A webhook's body is missing, or was parsed before it was verified. */
export class WebhookBodyError extends WebhookError {}
/** The webhook signing secret is missing or malformed. */
export class WebhookSecretError extends WebhookError {}
/** A webhook's timestamp is malformed, too old or too new. */
export class WebhookTimestampError extends WebhookError {}
/** No signature of the webhook matches its body. */
export class WebhookSignatureError extends WebhookError {}

/** A defect of this library. */
export class InternalError extends ReplicateError {}
