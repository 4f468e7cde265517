import { checkOptions, merge, requestParams } from "../call-options";
import type { Calls } from "../calls";
import { invalid } from "../invalid";
import type { RequestOptions } from "../options";
import type { ModelDefined } from "../types";
import type { WebhookEvent } from "../webhook-events";
import { received, type WebhookRequest } from "../webhook-request";
import { type Namespace, Resource } from "./resource";
import { WebhookSecrets } from "./webhook-secrets";

/** Options of `webhooks.unwrap`. The request options are those of the request for the secret. */
export type UnwrapOptions = RequestOptions & {
  /** The signing secret, `whsec_...`. Defaults to the secret of the account, which the client fetches once. */
  secret?: string | { key: string } | undefined;
  /** Largest difference between the timestamp and now, in seconds. Defaults to 300; null accepts any. */
  tolerance?: number | null | undefined;
};

/** What `webhooks.unwrap` takes: a request of a web framework, or an object with its headers and raw body. */
export type UnwrapRequest = WebhookRequest | { readonly raw: Request };

/** Methods of webhooks. */
export class Webhooks extends Resource {
  /** The default webhook of the account. */
  default: { secret: Namespace<WebhookSecrets> };

  /** @internal */
  constructor(calls: Calls) {
    super(calls);
    this.default = { secret: new WebhookSecrets(calls) };
  }

  /**
   * Verifies a webhook and returns its event, whose methods use this client.
   *
   * `GET /webhooks/default/secret`, with the first webhook, unless `secret` is given. The client keeps the secret. If it
   * does not match and is older than a minute, the client fetches it again, since it may have been replaced.
   *
   * @param request a web `Request`; a request of Node, Express, Fastify, Hono or Next.js; or `{ headers, body }`. A
   *   request of Node whose body was not read is read.
   * @throws {WebhookHeadersError} if a signature header is missing; `status` is 400
   * @throws {WebhookBodyError} if the body is missing, or was already read or parsed; `status` is 400
   * @throws {WebhookTimestampError} if the timestamp differs too much from now: it may be a replay; `status` is 401
   * @throws {WebhookSignatureError} if the webhook is not signed with this secret; `status` is 401
   * @throws {WebhookSecretError} if the secret is malformed
   * @example
   * const event = await replicate.webhooks.unwrap(request);
   * if (event.type === "prediction") console.log(event.id, event.output);
   */
  unwrap<Output = ModelDefined>(
    request: UnwrapRequest,
    secret?: string | UnwrapOptions,
  ): Promise<WebhookEvent<Output>>;
  unwrap<Output = ModelDefined>(
    body: string | Uint8Array | ArrayBuffer,
    headers: WebhookRequest["headers"],
    secret?: string | UnwrapOptions,
  ): Promise<WebhookEvent<Output>>;
  async unwrap(
    request: UnwrapRequest | string | Uint8Array | ArrayBuffer,
    second?: string | UnwrapOptions | WebhookRequest["headers"],
    third?: string | UnwrapOptions,
  ): Promise<WebhookEvent> {
    if (isRequest(request)) return unwrap(this.calls, request, second as string | UnwrapOptions);
    if (!isRaw(request) && isRaw(second)) {
      invalid(
        "`headers` must be the headers of the request, not text or bytes; pass the body first: `unwrap(body, headers)`",
        "headers",
      );
    }
    const headers = second as WebhookRequest["headers"];
    return unwrap(this.calls, { headers, body: request }, third);
  }
}

function isRequest(request: unknown): request is UnwrapRequest {
  if (typeof request !== "object" || request === null) return false;
  return "headers" in request || isRequest((request as { raw?: unknown }).raw);
}

function isRaw(body: unknown): body is string | BufferSource {
  return typeof body === "string" || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
}

async function unwrap(
  calls: Calls,
  request: UnwrapRequest,
  given: string | UnwrapOptions = {},
): Promise<WebhookEvent> {
  const options = typeof given === "string" ? { secret: given } : given;
  checkOptions(options, "{ secret }");
  const beside = request as WebhookRequest;
  const { secret = beside.secret, tolerance = beside.tolerance, ...rest } = options;
  const params = merge(
    {
      ...(await received(request)),
      ...(secret === undefined ? {} : { secret }),
      ...(tolerance === undefined ? {} : { tolerance }),
    },
    requestParams(rest),
  );
  const reply = await calls.call<Reply>("webhooks.unwrap", params, options);
  return bound(calls, reply);
}

interface Reply {
  id: string;
  type: "prediction" | "training";
  object: object;
}

/** Adds the methods and properties of an event. */
function bound(calls: Calls, { id, type, object }: Reply): WebhookEvent {
  const call =
    (verb: string) =>
    (options: RequestOptions = {}) =>
      calls.call(
        `${type}s.${verb}`,
        merge({ id: (object as { id: string }).id }, requestParams(options)),
        options,
      );
  const members = { type, webhookId: id, reload: call("get"), cancel: call("cancel") };
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  }
  return object as WebhookEvent;
}
