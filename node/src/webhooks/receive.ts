/** What the handlers of all frameworks do with a request. */
import type { WebhookEvent } from "../webhook-events";
import { once, type WebhookStore } from "./once";

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
   * handler runs. {@link MemoryStore} remembers webhooks in this process.
   */
  store?: WebhookStore | undefined;
}

/** A status and a text to respond with, because the handler was not called. */
export interface Refusal {
  status: number;
  text: string;
}

/**
 * Verifies a request as a webhook, and calls `handle` with the event.
 *
 * @returns the response to an invalid or repeated webhook; undefined if `handle` was called
 * @throws what `handle` throws, and errors that are not about the webhook
 */
export async function receive(
  client: WebhookClient,
  request: unknown,
  { secret, tolerance, store }: WebhookHandlerOptions,
  handle: (event: WebhookEvent) => unknown,
): Promise<Refusal | undefined> {
  let event: WebhookEvent;
  try {
    event = await client.webhooks.unwrap(request, { secret, tolerance });
  } catch (error) {
    return refusal(error);
  }
  if (store === undefined) {
    await handle(event);
    return undefined;
  }
  const state = await once(store, event.webhookId, () => handle(event));
  if (state === "new") return undefined;
  // One that is still handled is refused, so that the API delivers it again if the handler fails.
  return state === "done"
    ? { status: 204, text: "" }
    : { status: 409, text: "the webhook is being processed" };
}

/** Returns the response for an error of a webhook: 400 or 401 and the reason. Throws other errors. */
function refusal(error: unknown): Refusal {
  const { code, status, message } = error as { code?: unknown; status?: unknown; message: string };
  if (typeof status === "number" && String(code).startsWith("webhook_")) return { status, text: message };
  throw error;
}
