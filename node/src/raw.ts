/** Requests that are written by hand: `replicate.request`. */
import type { RawRequestOptions } from "./options";

/** Headers as a plain object. */
export function plainHeaders(headers: RawRequestOptions["headers"]): Record<string, string> {
  return headers instanceof Headers ? Object.fromEntries(headers) : { ...headers };
}

/** The body of a request as the core takes it; web types that know how to write themselves do so. */
export async function rawBody(data: unknown): Promise<{ data?: unknown; headers?: Record<string, string> }> {
  if (!(data instanceof FormData || data instanceof Blob || data instanceof URLSearchParams)) return { data };
  const written = new Response(data);
  const type = written.headers.get("content-type");
  return { data: await written.arrayBuffer(), headers: type === null ? {} : { "content-type": type } };
}
