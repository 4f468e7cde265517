/** The requests of web frameworks, and their raw bodies. */

import { WebhookBodyError } from "./errors";
import { globals } from "./globals";
import { platform } from "./platform";

/** Size of the largest body to read from a stream, in bytes. */
export const LARGEST = 64 * 1024 * 1024;

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
  /** Whether `body` is encoded, as in events of AWS Lambda. */
  isBase64Encoded?: boolean | undefined;
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

/** The chunks of a body: a stream of Node, such as a request, or a web stream. */
interface Chunks extends AsyncIterable<Uint8Array | string> {
  readableDidRead?: boolean;
  iterator?(options: { destroyOnReturn: boolean }): AsyncIterable<Uint8Array | string>;
  resume?(): unknown;
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
  const stream = request as unknown as Chunks;
  if (stream.readableDidRead === true) return { headers, body: null, consumed: true };
  declaredLength(headers);
  return { headers, body: await collect(stream), consumed: false };
}

async function receivedByHono({ raw, bodyCache }: HonoRequest): Promise<Received> {
  if (!raw.bodyUsed) return received(raw as unknown as WebhookRequest);
  const body = await (bodyCache?.arrayBuffer ?? bodyCache?.text ?? null);
  return { headers: plainHeaders(raw.headers), body, consumed: body === null };
}

/** Returns headers in a form that the core reads. */
export function plainHeaders(headers: unknown): unknown {
  if (Array.isArray(headers) || typeof (headers as Headers | undefined)?.forEach !== "function")
    return headers;
  const plain: Record<string, unknown> = {};
  (headers as Headers).forEach((value, name) => {
    plain[name] = value;
  });
  return plain;
}

/** Reads a body that is a stream, and decodes one in base64. The core rejects other bodies that are not raw. */
export async function bodyOf(request: {
  headers?: unknown;
  body?: unknown;
  isBase64Encoded?: boolean | undefined;
}): Promise<unknown> {
  const { body, isBase64Encoded } = request;
  if (isBase64Encoded === true && typeof body === "string") return decoded(body);
  if (typeof body !== "object" || body === null || !(Symbol.asyncIterator in body)) return body;
  const length = declaredLength(plainHeaders(request.headers));
  const { clone } = request as { clone?: () => Request & { body: ReadableStream<Uint8Array> } };
  // A clone of node-fetch, whose bodies are streams of Node, would wait until the original is read, too.
  if (typeof clone !== "function" || !("values" in body)) return collect(body as Chunks);
  // A clone keeps the request readable.
  const copy = clone.call(request);
  // Much faster than the stream, but without a limit.
  if (length <= LARGEST) return new Uint8Array(await copy.arrayBuffer().catch(unreadable));
  // The cancel of a clone would wait for that of the original.
  return collect(copy.body.values({ preventCancel: true }));
}

async function collect(stream: Chunks): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    // A request of Node that is destroyed cannot be responded to.
    for await (const chunk of stream.iterator?.({ destroyOnReturn: false }) ?? stream) {
      const bytes = typeof chunk === "string" ? new globals.TextEncoder().encode(chunk) : chunk;
      size += bytes.byteLength;
      if (size > LARGEST) break;
      chunks.push(bytes);
    }
  } catch (error) {
    unreadable(error);
  } finally {
    stream.resume?.();
  }
  if (size > LARGEST) tooLarge();
  return platform.concat(chunks);
}

/** Returns the declared length of a body, which is at most {@link LARGEST}; NaN if none is declared. */
function declaredLength(headers: unknown): number {
  const length = Number((headers as Record<string, unknown> | undefined)?.["content-length"] ?? Number.NaN);
  if (length > LARGEST) tooLarge();
  return length;
}

function decoded(body: string): Uint8Array {
  try {
    return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  } catch (error) {
    return unreadable(error);
  }
}

function tooLarge(): never {
  const message = `the body of the webhook is larger than ${LARGEST} bytes`;
  throw new WebhookBodyError({ code: "webhook_body", message, status: 413 });
}

/** Throws the error for a body that broke off or is malformed. */
function unreadable(error: unknown): never {
  const cause = String(error);
  throw new WebhookBodyError({
    code: "webhook_body",
    message: `Error reading body: ${cause}`,
    status: 400,
    cause,
  });
}
