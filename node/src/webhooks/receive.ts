/** What the handlers of all frameworks do with a request. */
import { ReplicateError } from "../errors";
import { invalid, kindOf } from "../invalid";
import type { WebhookEvent } from "../webhook-events";
import { checkStore, claim, type WebhookStore } from "./once";

/** A `Replicate`, or an object with its method. */
export interface WebhookClient {
  webhooks: {
    // biome-ignore lint/suspicious/noExplicitAny: frameworks have requests of many types
    unwrap(request: any, options?: any): Promise<WebhookEvent>;
  };
}

/** Options of a handler. */
export interface WebhookHandlerOptions {
  /** The signing secret. Defaults to the secret of the account, which the client fetches once. */
  secret?: string | undefined;
  /** Largest difference between the timestamp and now, in seconds. Defaults to 300; null accepts any. */
  tolerance?: number | null | undefined;
  /**
   * Handles each webhook once: repeated deliveries get the status 204 without a call of the handler, or 409 while the
   * handler runs. If the handler throws or responds outside 2xx, the next delivery is handled. {@link MemoryStore} remembers
   * webhooks in this process. Make it once, outside of a function that returns the options.
   */
  store?: WebhookStore | undefined;
}

/** A status and a text to respond with, because the handler was not called. */
export interface Refusal {
  status: number;
  text: string;
}

/**
 * Throws if an argument of `webhook` has another type.
 *
 * @param perRequest whether the client and the options may be functions that return them for a request
 */
export function check(client: unknown, handle: unknown, options: unknown, perRequest = false): void {
  if (!perRequest || typeof client !== "function") checkClient(client);
  if (typeof handle !== "function") {
    invalid(
      `\`handle\` must be a function, not ${kindOf(handle)}; pass the client first: \`webhook(replicate, handle)\``,
      "handle",
    );
  }
  if (!perRequest || typeof options !== "function") checkOptions(options);
}

function checkClient(client: unknown): void {
  if (typeof (client as WebhookClient | undefined)?.webhooks?.unwrap === "function") return;
  invalid(
    `\`client\` must be a Replicate, not ${kindOf(client)}; pass it first: \`webhook(replicate, handle)\``,
    "client",
  );
}

function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    invalid(`\`options\` must be an object, such as { secret }, not ${kindOf(options)}`, "options");
  }
  const { store } = options as WebhookHandlerOptions;
  if (store !== undefined) checkStore(store);
}

/**
 * Verifies a request as a webhook, and calls `handle` with the event.
 *
 * @param handle returns the status of the response
 * @returns the response to an invalid or repeated webhook; undefined if `handle` was called
 * @throws what `handle` throws, and errors that are not about the webhook; see {@link opaque}
 */
export async function receive(
  client: WebhookClient,
  request: unknown,
  options: WebhookHandlerOptions,
  handle: (event: WebhookEvent) => Promise<number>,
): Promise<Refusal | undefined> {
  checkClient(client);
  checkOptions(options);
  const { secret, tolerance, store } = options;
  let event: WebhookEvent;
  try {
    event = await client.webhooks.unwrap(request, { secret, tolerance });
  } catch (error) {
    return refusal(error);
  }
  try {
    return await handleOnce(event, store, handle);
  } catch (error) {
    throw error instanceof ReplicateError ? opaque(error) : error;
  }
}

async function handleOnce(
  event: WebhookEvent,
  store: WebhookStore | undefined,
  handle: (event: WebhookEvent) => Promise<number>,
): Promise<Refusal | undefined> {
  if (store === undefined) {
    await handle(event);
    return undefined;
  }
  const state = await claim(store, event.webhookId, async () => {
    const status = await handle(event);
    return status >= 200 && status < 300;
  });
  if (state === "new") return undefined;
  // One that is still handled is refused, so that the API delivers it again if the handler fails.
  return state === "done"
    ? { status: 204, text: "" }
    : { status: 409, text: "the webhook is being processed" };
}

/** Returns the response for an error of a webhook: 400, 401 or 413 and the reason. Throws other errors. */
function refusal(error: unknown): Refusal {
  const { code, status, message } = error as { code?: unknown; status?: unknown; message: string };
  if (typeof status === "number" && String(code).startsWith("webhook_")) return { status, text: message };
  throw opaque(error);
}

/**
 * Returns an error whose cause is `error`. Frameworks respond with the `status` and the message of an error, but those of
 * an error of the API are not for the sender of the webhook.
 */
function opaque(error: unknown): Error {
  return new Error("the webhook was not processed; see `cause`", { cause: error });
}
