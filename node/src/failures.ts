/** Converts errors of the core to their classes. */
import * as errors from "./errors";
import {
  ApiError,
  type Failure,
  FileNotFoundError,
  InvalidArgumentError,
  ReplicateError,
  UnsupportedError,
} from "./errors";
import { outward, outwardText } from "./names";
import { platform } from "./platform";
import type { Platform } from "./platform/platform";
import type { ReadFailure } from "./source";

/** Error classes by code. */
export const ERRORS: Readonly<Record<string, new (failure: Failure) => ReplicateError>> = {
  invalid_argument: errors.InvalidArgumentError,
  file_not_found: errors.FileNotFoundError,
  file_too_large: errors.FileTooLargeError,
  file_not_written: errors.FileNotWrittenError,
  unsupported: errors.UnsupportedError,
  connection: errors.ConnectionError,
  timeout: errors.TimeoutError,
  bad_request: errors.BadRequestError,
  authentication: errors.AuthenticationError,
  payment_required: errors.PaymentRequiredError,
  permission_denied: errors.PermissionDeniedError,
  not_found: errors.NotFoundError,
  conflict: errors.ConflictError,
  payload_too_large: errors.PayloadTooLargeError,
  unprocessable: errors.UnprocessableEntityError,
  rate_limited: errors.RateLimitError,
  server_error: errors.ServerError,
  status: errors.ApiError,
  outcome_unknown: errors.OutcomeUnknownError,
  invalid_response: errors.InvalidResponseError,
  prediction_failed: errors.PredictionFailedError,
  prediction_canceled: errors.PredictionCanceledError,
  prediction_aborted: errors.PredictionAbortedError,
  deadline: errors.DeadlineError,
  stream_interrupted: errors.StreamInterruptedError,
  stream_unsupported: errors.StreamUnsupportedError,
  output_expired: errors.OutputExpiredError,
  download: errors.DownloadError,
  webhook_headers: errors.WebhookHeadersError,
  webhook_body: errors.WebhookBodyError,
  webhook_secret: errors.WebhookSecretError,
  webhook_timestamp: errors.WebhookTimestampError,
  webhook_signature: errors.WebhookSignatureError,
  internal: errors.InternalError,
};

/** Number of characters of a body that a message quotes. */
const EXCERPT = 4096;

/** Returns the message of npm's `replicate`, which programs match on, followed by the hint. */
function statusMessage({ url, status, status_text, body = "", hint }: Failure): string {
  const text = body.length > EXCERPT ? `${body.slice(0, EXCERPT)}...` : body;
  return `Request to ${url} failed with status ${status} ${status_text}: ${text}.${hint ? ` ${hint}` : ""}`;
}

const MISSING_TARGET = "Exactly one of 'model', 'version', or 'deployment' must be specified.";

/** Beginnings of messages: those of the core, and those of npm's `replicate`, which programs match on. */
const OFFICIAL: readonly (readonly [core: string, official: string])[] = [
  ["Missing webhook id", "Missing required webhook headers"],
  ["Missing webhook timestamp", "Missing required webhook headers"],
  ["Missing webhook signature", "Missing required webhook headers"],
  ["Missing webhook headers", "Missing required webhook headers"],
  ["Missing webhook body", "Missing required body"],
  ["Missing webhook signing secret", "Missing required secret"],
  [MISSING_TARGET, `Either model or version must be specified. ${MISSING_TARGET}`],
];

function officialMessage(message: string): string {
  const found = OFFICIAL.find(([core]) => message.startsWith(core));
  return found ? found[1] + message.slice(found[0].length) : message;
}

/** Returns the message for what a runtime cannot do, with the runtime's name and what else to do. */
function unsupportedIn({ name, canLoadNative }: Platform, message: string): string {
  const native = canLoadNative ? ', or import "replicant/native"' : "";
  return `not supported in ${name}: ${message}${native}`;
}

/**
 * Returns the error to throw for an exception of the native module. Call it where the caller's frames are on the stack,
 * because an error made in native code has none.
 *
 * @param failed has the error if a file of the call could not be read
 */
export function toError(thrown: unknown, failed?: ReadFailure): unknown {
  const fields = (thrown as { failure?: unknown } | null)?.failure ?? platform.failureOf(thrown);
  return typeof fields === "string" ? errorOf(JSON.parse(fields), failed) : thrown;
}

/** Returns the error with these fields of the core. */
export function errorOf(failure: Failure, failed: ReadFailure = {}): ReplicateError {
  if (failure.hint) failure.hint = outwardText(failure.hint);
  const ErrorClass = ERRORS[failure.code] ?? ReplicateError;
  // A batch that its error rate stopped has the class of the last error, but no response.
  if (failure.status !== undefined && (ErrorClass === ApiError || ErrorClass.prototype instanceof ApiError)) {
    failure.message = statusMessage(failure);
  } else {
    failure.message = officialMessage(failure.message);
    if (failure.argument) [failure.message, failure.argument] = outward(failure.message, failure.argument);
    else failure.message = outwardText(failure.message);
    if (ErrorClass === UnsupportedError) failure.message = unsupportedIn(platform, failure.message);
  }
  const error = new ErrorClass(failure);
  return error instanceof FileNotFoundError && "error" in failed ? unreadable(error, failed.error) : error;
}

/**
 * Returns the error of a file whose reading threw `cause`.
 *
 * @param prefix what the message begins with
 */
export function unreadable(error: FileNotFoundError, cause: unknown, prefix = ""): ReplicateError {
  // Made again, because that of a reading has no frames of the caller.
  if (cause instanceof InvalidArgumentError) {
    const { code, message, argument } = cause;
    return new InvalidArgumentError({ code, message: prefix + message, argument });
  }
  return Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
}
