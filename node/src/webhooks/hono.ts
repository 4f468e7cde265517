/** Webhooks in Hono. */
import type { WebhookEvent } from "../webhook-events";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";

export { MemoryStore, type WebhookStore } from "./once";
export type { WebhookHandlerOptions } from "./receive";

/** The parts of the context of Hono that are used. */
export interface HonoContext {
  req: unknown;
}

/**
 * Returns a handler for a route of Hono. An invalid webhook gets the status 400 or 401 and the reason; a handler that
 * returns no response responds with 204.
 *
 * @param client a client, or a function that returns it from the context: in Workers, the token is in `c.env`
 * @param handle called with the event and the context; may return a `Response`
 * @param options options, or a function that returns them from the context
 * @example
 * app.post("/webhook", webhook((c) => new Replicate({ auth: c.env.REPLICATE_API_TOKEN }), async (event, c) => {
 *   console.log(event.id);
 * }));
 */
export function webhook<C extends HonoContext>(
  client: WebhookClient | ((context: C) => WebhookClient),
  handle: (event: WebhookEvent, context: C) => unknown,
  options: WebhookHandlerOptions | ((context: C) => WebhookHandlerOptions) = {},
): (context: C) => Promise<Response> {
  check(client, handle, options, true);
  return async (context) => {
    let response = new Response(null, { status: 204 });
    const refused = await receive(
      typeof client === "function" ? client(context) : client,
      context.req,
      typeof options === "function" ? options(context) : options,
      async (event) => {
        const returned = await handle(event, context);
        if (returned instanceof Response) response = returned;
        return response.status;
      },
    );
    if (refused && refused.status !== 204) return new Response(refused.text, { status: refused.status });
    return response;
  };
}
