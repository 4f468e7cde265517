/** Webhooks in Express, Connect and servers of Node. */
import type { WebhookEvent } from "../webhook-events";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";

export { MemoryStore, type WebhookStore } from "./once";
export type { WebhookHandlerOptions } from "./receive";

/** The parts of a response of Node that are used. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  getHeaderNames(): string[];
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  end(text?: string): unknown;
  destroy(): unknown;
}

/**
 * Returns a handler for a route of Express, or for `http.createServer`. It reads the body itself, or takes the one that
 * `express.raw()` has read. An invalid webhook gets the status 400, 401 or 413 and the reason; a handler that sends no
 * response responds with 204.
 *
 * An error of the handler goes to the error handlers of Express. Without them, it is logged, and the response has the
 * status 500.
 *
 * @param handle called with the event, the request and the response, whose types are `any` unless they are declared
 * @example
 * app.post("/webhook", webhook(replicate, async (event) => console.log(event.id)));
 * @example
 * app.post("/webhook", webhook(replicate, (event, request: express.Request, response: express.Response) => {
 *   response.json({ id: event.id, from: request.ip });
 * }));
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript cannot infer the types from the overloads of frameworks
export function webhook<In = any, Out extends NodeResponse = any>(
  client: WebhookClient,
  handle: (event: WebhookEvent, request: In, response: Out) => unknown,
  options: WebhookHandlerOptions = {},
): (request: In, response: Out, next?: (error?: unknown) => void) => Promise<void> {
  check(client, handle, options);
  return async (request, response, next = (error) => fail(response, error)) => {
    try {
      const refused = await receive(client, request, options, async (event) => {
        await handle(event, request, response);
        return response.statusCode;
      });
      if (refused) {
        respond(response, refused.status, refused.text);
      } else if (!response.headersSent) {
        if (response.statusCode === 200) response.statusCode = 204;
        response.end();
      }
    } catch (error) {
      next(error);
    }
  };
}

function respond(response: NodeResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(text);
}

/** Does what the default error handler of Express does. */
function fail(response: NodeResponse, error: unknown): void {
  console.error(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  respond(response, 500, "Internal Server Error");
}
