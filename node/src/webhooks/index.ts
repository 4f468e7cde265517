/** Webhooks in runtimes whose servers take a `Request` and return a `Response`: Workers, Deno, Bun. */
import type { WebhookEvent } from "../webhook-events";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";
import { responseOf } from "./response";

export { MemoryStore, once, type WebhookState, type WebhookStore } from "./once";
export type { WebhookClient, WebhookHandlerOptions } from "./receive";

/**
 * Returns a function that responds to webhooks. An invalid webhook gets the status 400, 401 or 413 and the reason; a handler
 * that returns nothing responds with 204.
 *
 * @param client a client, or a function that returns it from the arguments of the request, such as `env`. Those after the
 *   request are `any` unless the place of the result, or this function, declares their types; it must have all that another
 *   function has
 * @param handle called with the event, the request and its other arguments; may return a `Response`
 * @param options options, or a function that returns them from the same arguments
 * @example
 * // In Workers, where the token and the secret are in `env`
 * export default {
 *   fetch: webhook(
 *     (request, env) => new Replicate({ auth: env.REPLICATE_API_TOKEN }),
 *     async (event) => console.log(event.id),
 *     (request, env) => ({ secret: env.WEBHOOK_SECRET }),
 *   ),
 * };
 * @example
 * export default { fetch: webhook(replicate, async (event) => console.log(event.id)) };
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript cannot infer the types from the overloads of frameworks
export function webhook<Rest extends any[] = any[]>(
  client: WebhookClient | ((request: Request, ...rest: Rest) => WebhookClient),
  handle: (event: WebhookEvent, request: Request, ...rest: Rest) => unknown,
  options: WebhookHandlerOptions | ((request: Request, ...rest: Rest) => WebhookHandlerOptions) = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  check(client, handle, options, true);
  return async (request, ...rest) => {
    let response = new Response(null, { status: 204 });
    const refused = await receive(
      typeof client === "function" ? client(request, ...rest) : client,
      request,
      typeof options === "function" ? options(request, ...rest) : options,
      async (event) => {
        response = responseOf(await handle(event, request, ...rest)) ?? response;
        return response.status;
      },
    );
    if (refused && refused.status !== 204) return new Response(refused.text, { status: refused.status });
    return response;
  };
}
