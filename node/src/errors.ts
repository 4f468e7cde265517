/** The errors that calls reject with: one class for each error code of the core. */

import { globals } from "./globals";
import { receivedHeaders } from "./received-headers";
import { conceal, reveal } from "./state";
import type { Prediction } from "./types";

/** The fields of an error of the core. */
export interface Failure {
  code: string;
  message: string;
  status?: number;
  status_text?: string;
  /** The option or argument that the error is about, by the core's name. */
  argument?: string | undefined;
  /** What to do; also the end of `message`. */
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

/** Why a model failed, derived from its error text. */
export type FailureReason =
  | "content_filter"
  | "out_of_memory"
  | "queue_timeout"
  | "invalid_input"
  | "unknown";

/** An invalid field of the input. */
export interface InvalidField {
  type: string;
  /** Dotted path: `input.prompt`. */
  field: string;
  description: string;
}

/** Base class of all errors of this package. */
export class ReplicateError extends Error {
  /** Stable error code: `rate_limited`, `prediction_failed` ... */
  readonly code: string;
  /** The option or argument that the error is about: `timeout`, `input.image`. */
  declare readonly argument?: string;
  /** Whether a create was sent and no response arrived: the prediction may exist, and be billed. */
  declare readonly outcomeUnknown: boolean;
  /** The last known state of the prediction. */
  declare readonly prediction?: Prediction;
  /** What arrived before the error: the output of a stream, the paths of `saveAll`. */
  declare readonly partial?: unknown;
  /** Request id from the API, for support. */
  declare readonly requestId?: string;
  /** HTTP method of the failed request. */
  declare readonly method?: string;
  /** URL of the failed request. */
  declare readonly url?: string;
  /** HTTP status of the response, if there was one. */
  declare readonly status?: number;

  constructor(failure: Failure) {
    super(failure.message, failure.cause === undefined ? undefined : { cause: new Error(failure.cause) });
    this.code = failure.code;
    // A subclass of the program, which is not in the list below.
    if (!Object.hasOwn(new.target.prototype, "name")) setName(this, new.target.name);
    assign(this, {
      argument: failure.argument,
      outcomeUnknown: failure.outcome_unknown,
      prediction: failure.prediction,
      partial: failure.partial,
      requestId: failure.request_id,
      method: failure.method,
      url: failure.url,
      status: failure.status,
    });
  }

  /** Returns the fields as a plain object. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, ...(this as object) };
  }
}

function setName(named: object, name: string): void {
  Object.defineProperty(named, "name", { value: name, configurable: true, writable: true });
}

/** Sets the defined fields only, so that a printed error shows no `undefined`. */
function assign(error: object, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) {
      Object.defineProperty(error, name, { value, enumerable: true, configurable: true, writable: true });
    }
  }
}

/** Hides the methods of `headers`, which are enumerable, from `for…in`: Koa 2 would send them. */
function withoutEnumerable(headers: Headers): Headers {
  for (const name in headers) {
    const value = headers[name as keyof Headers];
    Object.defineProperty(headers, name, { value, configurable: true, writable: true });
  }
  return headers;
}

/** The API responded with an error status. Also exported as {@link ApiError}. */
export class ApiStatusError extends ReplicateError {
  declare readonly status: number;
  /** Title of the problem. */
  declare readonly title?: string;
  /** Explanation of the problem. */
  declare readonly detail?: string;
  /** URI of the problem's type. */
  declare readonly type?: string;
  /** URI of this occurrence of the problem. */
  declare readonly instance?: string;
  /** Invalid fields of the input. */
  declare readonly invalidFields?: InvalidField[];
  /** How long the API asks to wait before a retry, in seconds. */
  declare readonly retryAfter?: number;
  /**
   * Response headers. Not a plain object, and empty for `for…in`, because frameworks copy the headers of a plain object into
   * the response of the program.
   */
  readonly headers: Headers;
  /** The first 64 KiB of the response body, as text. */
  readonly body: string;

  constructor(failure: Failure) {
    super(failure);
    conceal(this, failure.status_text ?? "");
    assign(this, {
      title: failure.title,
      detail: failure.detail,
      type: failure.type,
      instance: failure.instance,
      invalidFields: failure.invalid_fields,
      retryAfter: failure.retry_after,
    });
    this.headers = withoutEnumerable(receivedHeaders(Object.entries(failure.headers ?? {})));
    this.body = failure.body ?? "";
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), headers: Object.fromEntries(this.headers) };
  }

  /** The request, without credentials and body. */
  get request(): Request {
    return new globals.Request(this.url ?? "about:blank", { method: this.method });
  }

  /** The response. Each access returns a new one, so its body can be read more than once. */
  get response(): Response {
    // `Response` rejects statuses outside 200-599, and a body with some statuses.
    const status = this.status >= 200 && this.status <= 599 ? this.status : 500;
    const body = [204, 205, 304].includes(status) ? null : this.body;
    const response = new globals.Response(body, {
      status,
      statusText: reveal<string>(this),
      headers: this.headers,
    });
    Object.defineProperty(response, "url", { value: this.url ?? "" });
    return response;
  }
}

/** Base class of errors with an error status: `error instanceof ApiError`. */
export const ApiError: typeof ApiStatusError = ApiStatusError;

/**
 * The official package's type of `ApiError`, with the fields of this package's errors as optional. It is separate from
 * the class so that an `Error` with `request` and `response` is a valid test double.
 */
export interface ApiError extends Error, Partial<Omit<ApiStatusError, keyof Error | "request" | "response">> {
  request: Request;
  response: Response;
}

/** 400: the request is malformed. */
export class BadRequestError extends ApiStatusError {}
/** 401: the API token is missing or wrong. */
export class AuthenticationError extends ApiStatusError {}
/** 402: the account has insufficient credit. */
export class PaymentRequiredError extends ApiStatusError {}
/** 403: the token does not permit the request. */
export class PermissionDeniedError extends ApiStatusError {}
/** 404: the resource does not exist. */
export class NotFoundError extends ApiStatusError {}
/** 409: the request conflicts with the state of the resource. */
export class ConflictError extends ApiStatusError {}
/** 413: the request is too large. */
export class PayloadTooLargeError extends ApiStatusError {}
/** 422: the input is invalid; see `invalidFields`. */
export class UnprocessableEntityError extends ApiStatusError {}
/** 429: too many requests, also after retries; see `retryAfter`. */
export class RateLimitError extends ApiStatusError {}
/** 5xx: the API failed, also after retries. */
export class ServerError extends ApiStatusError {}

/** An argument is invalid. Nothing was sent. */
export class InvalidArgumentError extends ReplicateError {}
/** An input file cannot be read. */
export class FileNotFoundError extends ReplicateError {}
/** An input file is larger than the API accepts. Nothing was sent. */
export class FileTooLargeError extends ReplicateError {}
/** A file cannot be written: the folder is missing, read-only or full. */
export class FileNotWrittenError extends ReplicateError {}
/** The runtime lacks what the call needs, such as a file system. The message names an alternative. Nothing was sent. */
export class UnsupportedError extends ReplicateError {}
/** The server cannot be reached, or the connection broke. */
export class ConnectionError extends ReplicateError {}
/** The server did not respond in time. */
export class TimeoutError extends ConnectionError {}
/** A create was sent and no response arrived: the prediction may exist, and be billed. */
export class OutcomeUnknownError extends ReplicateError {}
/** The response is not what the API specifies. */
export class InvalidResponseError extends ReplicateError {}

/** A prediction did not succeed; `prediction` has its last state and logs. */
export class PredictionError extends ReplicateError {
  /** Why the model failed, derived from its error text; undefined if it did not fail. */
  declare readonly reason?: FailureReason;

  constructor(failure: Failure) {
    super(failure);
    assign(this, { reason: failure.reason });
  }

  /** Logs of the model. */
  get logs(): string | undefined {
    return this.prediction?.logs;
  }
}
/** The prediction ended with the status `failed`. */
export class PredictionFailedError extends PredictionError {}
/** The prediction ended with the status `canceled`. */
export class PredictionCanceledError extends PredictionError {}
/** The prediction ended with the status `aborted`: its deadline passed before it started. */
export class PredictionAbortedError extends PredictionError {}
/** The `timeout` of a run, stream or wait passed. */
export class DeadlineError extends PredictionError {}

/** The event stream broke and could not be resumed; `partial` has the output until then. */
export class StreamInterruptedError extends ReplicateError {}
/** The model has no event stream. */
export class StreamUnsupportedError extends ReplicateError {}

/** An output file could not be downloaded completely. */
export class DownloadError extends ReplicateError {
  /** The beginning of the response body. */
  declare readonly body?: string;

  constructor(failure: Failure) {
    super(failure);
    assign(this, { body: failure.body });
  }
}
/** The file no longer exists: the API keeps output files for one hour. */
export class OutputExpiredError extends DownloadError {}

/** A webhook cannot be verified. */
export class WebhookError extends ReplicateError {}
/** A webhook lacks one of its signature headers. */
export class WebhookHeadersError extends WebhookError {}
/** The body of a webhook is missing, or was parsed before it was verified. */
export class WebhookBodyError extends WebhookError {}
/** The webhook signing secret is missing or malformed. */
export class WebhookSecretError extends WebhookError {}
/** The timestamp of a webhook is malformed, too old or too far in the future. */
export class WebhookTimestampError extends WebhookError {}
/** No signature of a webhook matches its body. */
export class WebhookSignatureError extends WebhookError {}

/** A bug in this package. */
export class InternalError extends ReplicateError {}

// Bundlers and minifiers rename classes, but not these keys.
const CLASSES = {
  ReplicateError,
  ApiStatusError,
  BadRequestError,
  AuthenticationError,
  PaymentRequiredError,
  PermissionDeniedError,
  NotFoundError,
  ConflictError,
  PayloadTooLargeError,
  UnprocessableEntityError,
  RateLimitError,
  ServerError,
  InvalidArgumentError,
  FileNotFoundError,
  FileTooLargeError,
  FileNotWrittenError,
  UnsupportedError,
  ConnectionError,
  TimeoutError,
  OutcomeUnknownError,
  InvalidResponseError,
  PredictionError,
  PredictionFailedError,
  PredictionCanceledError,
  PredictionAbortedError,
  DeadlineError,
  StreamInterruptedError,
  StreamUnsupportedError,
  DownloadError,
  OutputExpiredError,
  WebhookError,
  WebhookHeadersError,
  WebhookBodyError,
  WebhookSecretError,
  WebhookTimestampError,
  WebhookSignatureError,
  InternalError,
};

for (const [name, { prototype }] of Object.entries(CLASSES)) {
  setName(prototype.constructor, name);
  // Code written for the official client compares the name.
  const isOfficial = prototype === ApiError.prototype || prototype instanceof ApiError;
  setName(prototype, isOfficial ? "ApiError" : name);
}
