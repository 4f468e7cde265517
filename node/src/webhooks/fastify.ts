/** Webhooks in Fastify. */
import type { WebhookEvent } from "../webhook-events";
import { LARGEST } from "../webhook-request";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";
import { responseOf } from "./response";

export { MemoryStore, type WebhookStore } from "./once";
export type { WebhookHandlerOptions } from "./receive";

/** The parts of a reply of Fastify that are used. */
export interface FastifyReply {
  readonly sent: boolean;
  readonly statusCode: number;
  code(status: number): { send(body?: unknown): unknown };
}

/**
 * Returns a plugin with the route `POST` of its prefix. The other routes keep their parsers: in this plugin, bodies are
 * not parsed. An invalid webhook gets the status 400, 401 or 413 and the reason; a handler that returns nothing responds with
 * 204.
 *
 * @param handle called with the event, the request and the reply, whose types are `any` unless they are declared; may return
 *   the body of the response
 * @example
 * app.register(webhook(replicate, async (event) => console.log(event.id)), { prefix: "/webhook" });
 */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript cannot infer the types from the overloads of frameworks
export function webhook<In = any, Out extends FastifyReply = any>(
  client: WebhookClient,
  handle: (event: WebhookEvent, request: In, reply: Out) => unknown,
  options: WebhookHandlerOptions = {},
) {
  check(client, handle, options);
  // biome-ignore lint/suspicious/noExplicitAny: the types of Fastify are not a dependency
  return async (fastify: any): Promise<void> => {
    fastify.removeAllContentTypeParsers();
    const raw = (_: unknown, body: unknown, done: (error: null, body: unknown) => void) => done(null, body);
    fastify.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: LARGEST }, raw);
    fastify.post("/", { bodyLimit: LARGEST }, async (request: In, reply: Out) => {
      let body: unknown;
      const refused = await receive(client, request, options, async (event) => {
        const returned = await handle(event, request, reply);
        // Fastify responds to a returned error as to one that is thrown.
        if (returned instanceof Error) throw returned;
        const response = responseOf(returned);
        body = response ?? returned;
        return response?.status ?? reply.statusCode;
      });
      if (refused) return reply.code(refused.status).send(refused.text);
      if (reply.sent || body !== undefined) return body;
      return reply.code(reply.statusCode === 200 ? 204 : reply.statusCode).send();
    });
  };
}
