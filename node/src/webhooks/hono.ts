/** Webhooks in Hono. */
import type { WebhookEvent } from "../webhook-events";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";
import { responseOf } from "./response";

export { MemoryStore, type WebhookStore } from "./once";
export type { WebhookHandlerOptions } from "./receive";

/** The parts of the context of Hono that are used. */
export interface HonoContext {
  req: unknown;
  body(data: null, status?: 204): Response;
}

/**
 * Returns a handler for a route of Hono. An invalid webhook gets the status 400, 401 or 413 and the reason; a handler that
 * returns no response responds with the status of `c.status`, by default 204.
 *
 * @param client a client, or a function that returns it from the context: in Workers, the token is in `c.env`. The context is
 *   `any` unless the first function that has it declares its type
 * @param handle called with the event and the context; may return a `Response`
 * @param options options, or a function that returns them from the context
 * @example
 * app.post("/webhook", webhook(
 *   (c: Context<{ Bindings: Env }>) => new Replicate({ auth: c.env.REPLICATE_API_TOKEN }),
 *   async (event, c) => c.json({ id: event.id }),
 *   (c) => ({ secret: c.env.WEBHOOK_SECRET }),
 * ));
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript cannot infer the types from the overloads of frameworks
export function webhook<C extends HonoContext = any>(
  client: WebhookClient | ((context: C) => WebhookClient),
  handle: (event: WebhookEvent, context: C) => unknown,
  options: WebhookHandlerOptions | ((context: C) => WebhookHandlerOptions) = {},
): (context: C) => Promise<Response> {
  check(client, handle, options, true);
  return async (context) => {
    let response: Response | undefined;
    const refused = await receive(
      typeof client === "function" ? client(context) : client,
      context.req,
      typeof options === "function" ? options(context) : options,
      async (event) => {
        response = responseOf(await handle(event, context)) ?? empty(context);
        return response.status;
      },
    );
    if (refused && refused.status !== 204) return new Response(refused.text, { status: refused.status });
    return response ?? context.body(null, 204);
  };
}

/** Returns a response with the status that the handler set, by default 204. */
function empty(context: HonoContext): Response {
  const response = context.body(null);
  return response.status === 200 ? context.body(null, 204) : response;
}
