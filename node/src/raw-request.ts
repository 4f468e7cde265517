/** Queries, headers and bodies of `replicate.request`. */
/** Returns query parameters whose arrays are texts with commas, as the official client sends them. */
export function queryParams(params: object | undefined): object | undefined {
  const lists = Object.entries(params ?? {}).filter(([, value]) => Array.isArray(value));
  if (lists.length === 0) return params;
  return { ...params, ...Object.fromEntries(lists.map(([name, list]) => [name, String(list)])) };
}

/** Converts a body to what the core sends, with the headers that belong to it. `Response` encodes the web types. */
export async function rawBody(data: unknown): Promise<{ data?: unknown; headers?: Record<string, string> }> {
  if (!(data instanceof FormData || data instanceof Blob || data instanceof URLSearchParams)) return { data };
  const written = new Response(data);
  const type = written.headers.get("content-type");
  return { data: await written.arrayBuffer(), headers: type === null ? {} : { "content-type": type } };
}
