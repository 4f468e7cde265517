/** Converts what the user's `fetch` returned or threw for the core. */
import type { NativeResponse } from "./native";
import { isReadable, streamSource } from "./source";

/** A response, or the part of one that a test double has. */
type AnyResponse = Partial<
  Pick<Response, "status" | "ok" | "headers" | "body" | "arrayBuffer" | "text" | "json">
>;

/** Converts a response. Reads a body that is not a stream. */
export async function toNative(response: AnyResponse): Promise<NativeResponse> {
  if (typeof response !== "object" || response === null) {
    throw new TypeError(
      `\`fetch\` must return a Response, not ${response === null ? "null" : typeof response}`,
    );
  }
  const headers = JSON.stringify(headersOf(response.headers));
  const ok = response.ok !== false;
  const status = response.status ?? (ok ? 200 : 400);
  return { status, headers, ...(await body(response, ok)) };
}

/** Headers to look up if the headers object cannot list its entries. */
const LOOKED_UP = ["content-type", "content-length", "retry-after", "location", "etag"];

/** Reads headers objects of any implementation, maps, pairs and plain objects. */
function headersOf(headers: unknown): [string, string][] {
  const { get } = Object(headers) as { get?: (name: string) => unknown };
  let pairs = Object.entries(Object(headers)) as [string, unknown][];
  if (Symbol.iterator in Object(headers)) pairs = [...(headers as Iterable<[string, unknown]>)];
  else if (typeof get === "function") pairs = LOOKED_UP.map((name) => [name, get.call(headers, name)]);
  return pairs
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name.toLowerCase(), String(value)]);
}

async function body(response: AnyResponse, ok: boolean): Promise<Pick<NativeResponse, "pull" | "whole">> {
  const { body } = response;
  if (typeof body === "object" && body && isReadable(body)) {
    const { pull } = streamSource(body);
    return response.arrayBuffer ? { pull, whole: () => (response as Response).arrayBuffer() } : { pull };
  }
  // Test doubles often have no stream. Read at once, so that their exceptions are thrown here.
  let bytes: Uint8Array | null = await whole(response, ok);
  const pull = async () => {
    const chunk = bytes;
    bytes = null;
    return chunk?.length ? chunk : null;
  };
  return { pull };
}

const encoder = new TextEncoder();

/** Reads the whole body: `json()` of a success and `text()` of an error, as the official package does. */
async function whole(response: AnyResponse, ok: boolean): Promise<Uint8Array> {
  if (response.arrayBuffer) return new Uint8Array(await response.arrayBuffer());
  if (response.json && (ok || !response.text)) {
    return encoder.encode(JSON.stringify(await response.json()) ?? "");
  }
  return encoder.encode(response.text ? await response.text() : "");
}

/** Codes of errors that occur before anything is sent, in Node and Bun. Deno says so in the message. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
]);

/** Fields of exceptions that tell network errors from others. */
interface Thrown {
  name?: string;
  message?: string;
  code?: string;
  cause?: { code?: string; message?: string };
}

/**
 * Converts an exception of `fetch`.
 *
 * @param url the URL of the request
 */
export function failureOf(error: unknown, url: string): NativeResponse {
  const { message, cause, code } = (error ?? {}) as Thrown;
  const reason = [message ?? String(error), cause?.message].filter(Boolean).join(": ");
  const neverSent =
    NEVER_SENT.has(cause?.code ?? code ?? "") || /^bad port$|\(Connect\)/.test(cause?.message ?? reason);
  const advice = `cannot connect to ${new URL(url).host}; check \`baseUrl\` and the network`;
  return {
    status: 0,
    headers: "[]",
    pull: async () => null,
    failure: neverSent ? `${reason}: ${advice}` : reason,
    neverSent,
    raised: isBug(error),
  };
}

/** Returns whether an exception is a bug or a failed assertion in the function, which a retry would not help. */
function isBug(error: unknown): boolean {
  const { name = "", message = "", code, cause } = (error ?? {}) as Thrown;
  if (name.endsWith("AssertionError") || "matcherResult" in Object(error)) return true;
  if (!/^(Type|Reference|Syntax|Range)Error$/.test(name)) return false;
  // `fetch` also throws a TypeError for network errors.
  return !cause && !code && !/failed|network|sending request/i.test(message);
}
