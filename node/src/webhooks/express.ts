/** Webhooks in Express, Connect and servers of Node. */
import type { WebhookEvent } from "../webhook-events";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";

export { MemoryStore, type WebhookStore } from "./once";
export type { WebhookHandlerOptions } from "./receive";

/** The parts of a response of Node that are used. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}

/**
 * Returns a handler for a route of Express. It reads the body itself, or takes the one that `express.raw()` has read. An
 * invalid webhook gets the status 400 or 401 and the reason; a handler that sends no response responds with 204.
 *
 * @param handle called with the event, the request and the response
 * @example
 * app.post("/webhook", webhook(replicate, async (event) => console.log(event.id)));
 */
export function webhook<In, Out extends NodeResponse>(
  client: WebhookClient,
  handle: (event: WebhookEvent, request: In, response: Out) => unknown,
  options: WebhookHandlerOptions = {},
): (request: In, response: Out, next?: (error?: unknown) => void) => Promise<void> {
  check(client, handle, options);
  return async (request, response, next) => {
    try {
      const refused = await receive(client, request, options, async (event) => {
        await handle(event, request, response);
        return response.statusCode;
      });
      if (refused) {
        response.statusCode = refused.status;
        response.setHeader("content-type", "text/plain; charset=utf-8");
        response.end(refused.text);
      } else if (!response.headersSent) {
        if (response.statusCode === 200) response.statusCode = 204;
        response.end();
      }
    } catch (error) {
      if (next === undefined) throw error;
      next(error);
    }
  };
}
