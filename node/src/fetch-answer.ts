/** What a `fetch` of the user's returned or threw, for the core. */
import type { NativeResponse } from "./native";
import { isReadable, type Source, streamSource } from "./source";

/** A response, or what a test double has of one. */
type Answer = Partial<Pick<Response, "status" | "ok" | "headers" | "body" | "arrayBuffer" | "text" | "json">>;

export async function answer(response: Answer): Promise<NativeResponse> {
  if (typeof response !== "object" || response === null) {
    throw new TypeError(
      `\`fetch\` must return a Response, not ${response === null ? "null" : typeof response}`,
    );
  }
  const pairs = headersOf(response.headers);
  // A body that fetch has decompressed no longer has the length that the server stated.
  const decoded = pairs.some(([name, value]) => name === "content-encoding" && value !== "");
  const kept = decoded ? pairs.filter(([name]) => !/^content-(encoding|length)$/.test(name)) : pairs;
  const ok = response.ok !== false;
  const status = response.status ?? (ok ? 200 : 400);
  return { status, headers: JSON.stringify(kept), pull: await body(response, ok) };
}

/** Headers that are looked up where an object cannot list its own. */
const LOOKED_UP = ["content-type", "content-length", "retry-after", "location", "etag"];

/** Reads header objects of any implementation, maps, pairs and plain objects. */
function headersOf(headers: unknown): [string, string][] {
  const { get } = Object(headers) as { get?: (name: string) => unknown };
  let pairs = Object.entries(Object(headers)) as [string, unknown][];
  if (Symbol.iterator in Object(headers)) pairs = [...(headers as Iterable<[string, unknown]>)];
  else if (typeof get === "function") pairs = LOOKED_UP.map((name) => [name, get.call(headers, name)]);
  return pairs
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name.toLowerCase(), String(value)]);
}

async function body(response: Answer, ok: boolean): Promise<Source["pull"]> {
  const { body } = response;
  if (typeof body === "object" && body && isReadable(body)) return streamSource(body).pull;
  // Test doubles often have no body to stream from. Read at once, so that their mistakes are found here.
  let bytes: Uint8Array | null = await whole(response, ok);
  return async () => {
    const piece = bytes;
    bytes = null;
    return piece?.length ? piece : null;
  };
}

/** The official package reads `json()` of a success and `text()` of an error. */
async function whole(response: Answer, ok: boolean): Promise<Uint8Array> {
  if (response.arrayBuffer) return new Uint8Array(await response.arrayBuffer());
  if (response.json && (ok || !response.text)) {
    return Buffer.from(JSON.stringify(await response.json()) ?? "");
  }
  return Buffer.from(response.text ? await response.text() : "");
}

/** Codes of errors that come before anything is sent: those of Node, and of Bun. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
]);

interface Thrown {
  name?: string;
  message?: string;
  code?: string;
  cause?: { code?: string; message?: string };
}

export function failure(error: unknown): NativeResponse {
  const { message, cause, code } = (error ?? {}) as Thrown;
  const why = [message ?? String(error), cause?.message].filter(Boolean).join(": ");
  return {
    status: 0,
    headers: "[]",
    pull: async () => null,
    failure: why,
    neverSent: NEVER_SENT.has(cause?.code ?? code ?? ""),
    raised: isMistake(error),
  };
}

/** Whether an exception is a mistake or a failed assertion in the function, and so would come again. */
function isMistake(error: unknown): boolean {
  const { name = "", message = "", code, cause } = (error ?? {}) as Thrown;
  if (name.endsWith("AssertionError") || "matcherResult" in Object(error)) return true;
  if (!/^(Type|Reference|Syntax|Range)Error$/.test(name)) return false;
  // What `fetch` throws for a network error is a TypeError as well.
  return !cause && !code && !/failed|network|sending request/i.test(message);
}
