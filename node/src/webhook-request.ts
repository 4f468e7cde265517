/** The requests of web frameworks, and their raw bodies. */
import { WebhookBodyError } from "./errors";
import { platform } from "./platform";

/** Size of the largest body to read from a stream, in bytes. */
const LARGEST = 64 * 1024 * 1024;

/** A request that contains a webhook: a web `Request`, or a request of Node, Express and similar servers. */
export interface WebhookRequest {
  headers:
    | Headers
    | Record<string, string | string[] | undefined>
    | [name: string, value: string][]
    | string[];
  /** The raw body: text, bytes or a stream, not a parsed object. */
  body?: unknown;
  /** The raw body, if a framework puts it beside a parsed `body`: Google Cloud Functions, Firebase, a `verify` hook. */
  rawBody?: unknown;
  /** The signing secret, unless it is passed as an argument. */
  secret?: string | undefined;
  /** See {@link WebhookOptions}. An option that is passed as an argument takes precedence. */
  tolerance?: number | null | undefined;
}

/** A request of Hono, `c.req`. Its `raw` is a web `Request`; what was read of it is in `bodyCache`. */
interface HonoRequest {
  raw: Request;
  bodyCache?: { arrayBuffer?: unknown; text?: unknown };
}

/** A request of Node, which is a stream. */
interface NodeRequest extends AsyncIterable<Uint8Array> {
  readableDidRead?: boolean;
}

/** What the core verifies of a request. */
export interface Received {
  headers: unknown;
  body: unknown;
  /** Whether the body was already read. */
  consumed: boolean;
}

/** Reads a request, also one whose body is its own stream or in the cache of Hono. */
export async function received(request: WebhookRequest | HonoRequest): Promise<Received> {
  if (!("headers" in request)) return receivedByHono(request);
  const headers = plainHeaders(request.headers);
  const { rawBody } = request;
  if (rawBody !== undefined) return { headers, body: rawBody, consumed: false };
  if ((request as { bodyUsed?: boolean }).bodyUsed === true) return { headers, body: null, consumed: true };
  if (request.body !== undefined || !(Symbol.asyncIterator in request))
    return { headers, body: await bodyOf(request), consumed: false };
  const stream = request as unknown as NodeRequest;
  if (stream.readableDidRead === true) return { headers, body: null, consumed: true };
  return { headers, body: await collect(stream), consumed: false };
}

async function receivedByHono({ raw, bodyCache }: HonoRequest): Promise<Received> {
  if (!raw.bodyUsed) return received(raw as unknown as WebhookRequest);
  const body = await (bodyCache?.arrayBuffer ?? bodyCache?.text ?? null);
  return { headers: plainHeaders(raw.headers), body, consumed: body === null };
}

/** Returns headers in a form that the core reads. */
export function plainHeaders(headers: WebhookRequest["headers"]): unknown {
  if (Array.isArray(headers) || typeof (headers as Headers | undefined)?.forEach !== "function")
    return headers;
  const plain: Record<string, unknown> = {};
  (headers as Headers).forEach((value, name) => {
    plain[name] = value;
  });
  return plain;
}

/** Reads a body that is a stream. The core rejects other bodies that are not raw. */
export async function bodyOf(request: { body?: unknown }): Promise<unknown> {
  const { body } = request;
  if (typeof body !== "object" || body === null || !(Symbol.asyncIterator in body)) return body;
  const { clone } = request as { clone?: () => Request };
  // Keeps the request readable, and is much faster than iterating over the stream.
  if (typeof clone === "function") return new Uint8Array(await clone.call(request).arrayBuffer());
  return collect(body as AsyncIterable<Uint8Array | string>);
}

async function collect(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    size += bytes.byteLength;
    if (size > LARGEST) {
      const message = `the body of the webhook is larger than ${LARGEST} bytes`;
      throw new WebhookBodyError({ code: "webhook_body", message, status: 413 });
    }
    chunks.push(bytes);
  }
  return platform.concat(chunks);
}
