/** Webhooks in Fastify. */
import type { WebhookEvent } from "../webhook-events";
import { check, receive, type WebhookClient, type WebhookHandlerOptions } from "./receive";

export { MemoryStore, type WebhookStore } from "./once";
export type { WebhookHandlerOptions } from "./receive";

/** Size of the largest body, in bytes. The limit of Fastify is 1 MiB. */
const LARGEST = 64 * 1024 * 1024;

/** The parts of a reply of Fastify that are used. */
export interface FastifyReply {
  readonly sent: boolean;
  readonly statusCode: number;
  code(status: number): { send(body?: unknown): unknown };
}

/**
 * Returns a plugin with the route `POST` of its prefix. The other routes keep their parsers: in this plugin, bodies are
 * not parsed. An invalid webhook gets the status 400 or 401 and the reason; a handler that returns nothing responds with
 * 204.
 *
 * @param handle called with the event, the request and the reply; may return the body of the response
 * @example
 * app.register(webhook(replicate, async (event) => console.log(event.id)), { prefix: "/webhook" });
 */
export function webhook<In, Out extends FastifyReply>(
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
        body = await handle(event, request, reply);
        // Fastify responds to a returned error as to one that is thrown.
        if (body instanceof Error) throw body;
        return body instanceof Response ? body.status : reply.statusCode;
      });
      if (refused) return reply.code(refused.status).send(refused.text);
      if (reply.sent || body !== undefined) return body;
      return reply.code(reply.statusCode === 200 ? 204 : reply.statusCode).send();
    });
  };
}
