import { globals } from "./globals";

/**
 * Returns the headers of a response. `Headers` accepts Latin-1 only, so other characters become "?". What HTTP does not allow
 * at all, as test doubles have, is omitted.
 */
export function receivedHeaders(pairs: Iterable<readonly [name: string, value: string]>): Headers {
  const headers = new globals.Headers();
  for (const [name, value] of pairs) {
    try {
      headers.append(name, value.replace(/[^\0-\xff]/g, "?"));
    } catch {
      // The response matters more.
    }
  }
  return headers;
}
