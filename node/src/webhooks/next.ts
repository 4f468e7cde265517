/** Webhooks in Next.js: route handlers of the app router, and API routes of the pages router. */
import type { WebhookEvent } from "../webhook-events";
import { webhook as express, type NodeResponse } from "./express";
import type { WebhookClient, WebhookHandlerOptions } from "./receive";

export { MemoryStore, type WebhookHandlerOptions, type WebhookStore, webhook } from "./index";

/**
 * Returns an API route of the pages router. It is that of `replicant/webhooks/express`, except that errors of the handler
 * go to Next.js.
 *
 * @param handle called with the event, the request and the response, whose types are `any` unless they are declared
 * @example
 * export const config = { api: { bodyParser: false } };
 * export default apiRoute(replicate, async (event) => console.log(event.id));
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript cannot infer the types from the overloads of frameworks
export function apiRoute<In = any, Out extends NodeResponse = any>(
  client: WebhookClient,
  handle: (event: WebhookEvent, request: In, response: Out) => unknown,
  options: WebhookHandlerOptions = {},
): (request: In, response: Out) => Promise<void> {
  const receive = express(client, handle, options);
  return (request, response) =>
    receive(request, response, (error) => {
      throw error;
    });
}
