/** Verification of webhooks. */
import { compute } from "./compute";
import { WebhookSignatureError, WebhookTimestampError } from "./errors";
import { invalid, kindOf } from "./invalid";
import type { Prediction, Training } from "./types";
import { bodyOf, received, type WebhookRequest } from "./webhook-request";

export type { WebhookRequest } from "./webhook-request";

/** The parts of a webhook. */
export type WebhookParts = {
  /** Header `webhook-id`. */
  id?: string | undefined;
  /** Header `webhook-timestamp`. */
  timestamp?: string | undefined;
  /** Header `webhook-signature`. */
  signature?: string | undefined;
  /** The raw body: text or bytes. */
  body: unknown;
  /** The `key` that `replicate.webhooks.default.secret.get()` returns. */
  secret: string;
  /** See {@link WebhookOptions}. An option that is passed as an argument takes precedence. */
  tolerance?: number | null | undefined;
};

/** Options of the verification. */
export type WebhookOptions = {
  /** Largest difference between the timestamp and now, in seconds. Defaults to 300; null accepts any. */
  tolerance?: number | null | undefined;
};

/**
 * Verifies a webhook and returns its event. The body of a web `Request` can still be read afterwards.
 *
 * @param request a web `Request`; a request of Node or Express that is unread, has a Buffer as its body (`express.raw()`) or has
 *   `rawBody`; `{ headers, body }`; or the parts
 * @param secret the `key` that `replicate.webhooks.default.secret.get()` returns
 * @throws {WebhookTimestampError} if the timestamp differs too much from now: it may be a replay
 * @throws {WebhookSignatureError} if the webhook is not signed with this secret
 * @throws {WebhookBodyError} if the body is missing, or was already read or parsed: the signature covers its exact bytes
 * @throws {WebhookError} if a header or the secret is missing
 * @example
 * const prediction = await verifyWebhook(request, secret);
 */
export async function verifyWebhook<T = Prediction | Training>(
  request: WebhookRequest | WebhookParts,
  secret?: string | WebhookOptions,
  options?: WebhookOptions,
): Promise<T> {
  return (await check<T>(request, secret, options, true)) as T;
}

/** The `Crypto` argument of the official client, which is ignored. */
type Subtle = { readonly subtle: object };

/**
 * Returns whether a webhook is valid: its signature matches and its timestamp is recent. {@link verifyWebhook} throws
 * the reason and returns the event. The body of a web `Request` can still be read afterwards.
 *
 * @throws {WebhookBodyError} if the body is missing, or was already read or parsed
 * @throws {WebhookError} if a header or the secret is missing
 * @example
 * if (!(await validateWebhook(request, secret))) return new Response("invalid signature", { status: 401 });
 */
export function validateWebhook(
  request: WebhookRequest | WebhookParts,
  secret?: string | WebhookOptions | Subtle,
  options?: WebhookOptions | Subtle,
): Promise<boolean>;
export function validateWebhook(
  parts: WebhookParts & { id: string; timestamp: string; signature: string; body: string },
  options?: WebhookOptions | Subtle,
): Promise<boolean>;
export async function validateWebhook(
  request: WebhookRequest | WebhookParts,
  secret?: string | WebhookOptions | Subtle,
  options?: WebhookOptions | Subtle,
): Promise<boolean> {
  try {
    const given = typeof secret === "string" || isOptions(secret) ? secret : undefined;
    await check(request, given, isOptions(options) ? options : undefined, false);
    return true;
  } catch (error) {
    if (error instanceof WebhookSignatureError || error instanceof WebhookTimestampError) return false;
    throw error;
  }
}

async function check<T>(
  request: WebhookRequest | WebhookParts,
  secret: string | WebhookOptions | undefined,
  options: WebhookOptions | undefined,
  parse: boolean,
): Promise<T | null> {
  if (typeof request !== "object" || request === null) {
    invalid(
      `\`request\` must be a request, or an object such as { headers, body, secret }, not ${kindOf(request)}`,
      "request",
    );
  }
  const { tolerance = request.tolerance } = (isOptions(secret) ? secret : options) ?? {};
  const { body, ...parts } =
    "headers" in request
      ? {
          ...(await received(request)),
          secret: isOptions(secret) ? request.secret : (secret ?? request.secret),
        }
      : {
          id: request.id,
          timestamp: request.timestamp,
          signature: request.signature,
          secret: request.secret,
          body: await bodyOf(request),
        };
  const text = typeof body === "string";
  const params = {
    ...parts,
    body: text ? null : body,
    ...(parse ? {} : { parse }),
    ...(tolerance === undefined ? {} : { tolerance }),
    // The clock of this module, which tests may replace.
    now: Date.now() / 1000,
  };
  return compute<T | null>("webhooks.verify", params, text ? [{ path: '["body"]', text: body }] : []);
}

function isOptions(options: unknown): options is WebhookOptions {
  return typeof options === "object" && options !== null && "tolerance" in options;
}
