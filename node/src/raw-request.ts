/** URLs, headers and bodies of `replicate.request`. */
import type { RawRequestOptions } from "./options";

/** Returns query parameters whose arrays are texts with commas, as the official client sends them. */
export function queryParams(params: object | undefined): object | undefined {
  const lists = Object.entries(params ?? {}).filter(([, value]) => Array.isArray(value));
  if (lists.length === 0) return params;
  return { ...params, ...Object.fromEntries(lists.map(([name, list]) => [name, String(list)])) };
}

/** Gives a response the URL of its request, which the constructor of `Response` does not take. */
export function withUrl(response: Response, route: string | URL, baseUrl = "", query: object = {}): Response {
  const url = new URL(`${route}`.replace(/^\//, ""), `${baseUrl.replace(/\/$/, "")}/`);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    const isObject = typeof value === "object" && value !== null;
    url.searchParams.append(name, isObject ? JSON.stringify(value).replace(/^"|"$/g, "") : String(value));
  }
  return Object.defineProperty(response, "url", { value: url.href });
}

/** Converts headers to a plain object. */
export function plainHeaders(headers: RawRequestOptions["headers"]): Record<string, string> {
  return headers instanceof Headers ? Object.fromEntries(headers) : { ...headers };
}

/** Converts a body to what the core sends, with the headers that belong to it. `Response` encodes the web types. */
export async function rawBody(data: unknown): Promise<{ data?: unknown; headers?: Record<string, string> }> {
  if (!(data instanceof FormData || data instanceof Blob || data instanceof URLSearchParams)) return { data };
  const written = new Response(data);
  const type = written.headers.get("content-type");
  return { data: await written.arrayBuffer(), headers: type === null ? {} : { "content-type": type } };
}
