/** From what the core says of a failure to the class for it. */
import {
  ApiError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  ConnectionError,
  DeadlineError,
  DownloadError,
  type Failure,
  FileNotFoundError,
  FileNotWrittenError,
  FileTooLargeError,
  InternalError,
  InvalidArgumentError,
  InvalidResponseError,
  NotFoundError,
  OutcomeUnknownError,
  OutputExpiredError,
  PayloadTooLargeError,
  PaymentRequiredError,
  PermissionDeniedError,
  PredictionAbortedError,
  PredictionCanceledError,
  PredictionFailedError,
  RateLimitError,
  ReplicateError,
  ServerError,
  StreamInterruptedError,
  StreamUnsupportedError,
  TimeoutError,
  UnprocessableEntityError,
  WebhookBodyError,
  WebhookHeadersError,
  WebhookSecretError,
  WebhookSignatureError,
  WebhookTimestampError,
} from "./errors";
import { outward } from "./names";

/** The class for each code. */
export const ERRORS: Readonly<Record<string, new (failure: Failure) => ReplicateError>> = {
  invalid_argument: InvalidArgumentError,
  file_not_found: FileNotFoundError,
  file_too_large: FileTooLargeError,
  file_not_written: FileNotWrittenError,
  connection: ConnectionError,
  timeout: TimeoutError,
  bad_request: BadRequestError,
  authentication: AuthenticationError,
  payment_required: PaymentRequiredError,
  permission_denied: PermissionDeniedError,
  not_found: NotFoundError,
  conflict: ConflictError,
  payload_too_large: PayloadTooLargeError,
  unprocessable: UnprocessableEntityError,
  rate_limited: RateLimitError,
  server_error: ServerError,
  status: ApiError,
  outcome_unknown: OutcomeUnknownError,
  invalid_response: InvalidResponseError,
  prediction_failed: PredictionFailedError,
  prediction_canceled: PredictionCanceledError,
  prediction_aborted: PredictionAbortedError,
  deadline: DeadlineError,
  stream_interrupted: StreamInterruptedError,
  stream_unsupported: StreamUnsupportedError,
  output_expired: OutputExpiredError,
  download: DownloadError,
  webhook_headers: WebhookHeadersError,
  webhook_body: WebhookBodyError,
  webhook_secret: WebhookSecretError,
  webhook_timestamp: WebhookTimestampError,
  webhook_signature: WebhookSignatureError,
  internal: InternalError,
};

/** The longest part of a body that a message repeats. */
const EXCERPT = 4096;

/** The message of npm's `replicate`, which programs match on, and then what to do. */
function official({ url, status, status_text, body = "", hint }: Failure): string {
  const text = body.length > EXCERPT ? `${body.slice(0, EXCERPT)}...` : body;
  return `Request to ${url} failed with status ${status} ${status_text}: ${text}.${hint ? ` ${hint}` : ""}`;
}

/**
 * The error to throw for what the native side rejected with. Called where the caller's frames are
 * still on the stack, since an error made in native code has none.
 */
export function toError(thrown: unknown): unknown {
  const fields = (thrown as { failure?: unknown } | null)?.failure;
  if (typeof fields !== "string") return thrown;
  const failure = JSON.parse(fields) as Failure;
  const cls = ERRORS[failure.code] ?? ReplicateError;
  if (cls === ApiError || cls.prototype instanceof ApiError) failure.message = official(failure);
  // Elsewhere a word may be the model's own.
  else if (/^(invalid_argument|connection|webhook_.*)$/.test(failure.code)) {
    failure.message = outward(failure.message);
  }
  return new cls(failure);
}
