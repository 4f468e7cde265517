/** Converts what the user's `fetch` returned or threw for the core. */
import { ConnectionError, InvalidArgumentError } from "./errors";
import { globals } from "./globals";
import type { NativeResponse } from "./native";
import { isDenied } from "./platform/runtimes";
import { isReadable, pullOf } from "./source";

/** A response, or the part of one that a test double has. */
type AnyResponse = Partial<
  Pick<Response, "status" | "ok" | "type" | "headers" | "body" | "arrayBuffer" | "text" | "json">
>;

/**
 * Converts a response. Reads a body that is small or not a stream.
 *
 * @param inParts whether the core needs the part of a body that arrives before it breaks
 * @param cancel aborts the request
 */
export async function toNative(
  response: AnyResponse,
  inParts: boolean,
  cancel: () => void,
): Promise<NativeResponse> {
  if (typeof response !== "object" || response === null) {
    throw new TypeError(
      `\`fetch\` must return a Response, not ${response === null ? "null" : typeof response}`,
    );
  }
  const ok = response.ok !== false;
  const status = response.status ?? (ok ? 200 : 400);
  const { headers, small } = headersOf(response.headers, response.type);
  // First, because the runtime would have to make the stream of the body.
  if (small && !inParts && response instanceof globals.Response) return readNow(response, status, headers);
  const { body } = response;
  if (typeof body === "object" && body && isReadable(body)) {
    if (response.arrayBuffer && small && !inParts) return readNow(response as Response, status, headers);
    const pulled = pullOf(body);
    let pulls = false;
    const pull: NativeResponse["pull"] = async (session, end) => {
      if (end && !pulls) {
        // Unread, or `whole` is reading it: nothing else would close the connection.
        cancel();
        return null;
      }
      pulls = true;
      return pulled(session, end);
    };
    if (!response.arrayBuffer) return { status, headers, pull };
    const whole = () => (response as Response).arrayBuffer();
    return { status, headers, pull, whole };
  }
  // Test doubles often have no stream. Read at once, so that their exceptions are thrown here.
  return { status, headers, ...read(await whole(response, ok)) };
}

async function readNow(response: Response, status: number, headers: string): Promise<NativeResponse> {
  try {
    return { status, headers, ...read(new Uint8Array(await response.arrayBuffer())) };
  } catch (error) {
    // The core gets the head too, which says whether the request was accepted.
    return { status, headers, pull: () => Promise.reject(error) };
  }
}

/** Largest body that is read before the core gets the head, in bytes. Then there is one promise and one timer for both. */
const SMALL = 64 * 1024;

function read(whole: Uint8Array): Pick<NativeResponse, "bytes" | "pull"> {
  let bytes: Uint8Array | null = whole;
  const pull = async () => {
    const chunk = bytes;
    bytes = null;
    return chunk?.length ? chunk : null;
  };
  return { bytes: whole, pull };
}

/** Headers to look up if the headers object cannot list its entries. */
const LOOKED_UP = ["content-type", "content-length", "retry-after", "location", "etag"];

/**
 * Reads headers objects of any implementation, maps, pairs and plain objects. Returns whether they announce a small body.
 *
 * @param type that of the response
 */
function headersOf(headers: unknown, type?: string): { headers: string; small: boolean } {
  let lines = "";
  let length = Number.NaN;
  // The length of a compressed body says nothing about what it contains.
  let encoded = false;
  const add = (value: unknown, given: string) => {
    if (value === undefined || value === null) return;
    const name = given.toLowerCase();
    // Browsers show the length of a response of another origin, but may hide that it is compressed.
    if (name === "content-length" && type === "cors") return;
    const text = String(value);
    if (name === "content-length") length = Number(text);
    else if (name === "content-encoding") encoded = true;
    lines += `${name}\n${text.includes("\n") ? text.replaceAll("\n", " ") : text}\n`;
  };
  // Takes less time than the iterator, above all in workerd.
  if (headers instanceof globals.Headers) headers.forEach(add);
  else for (const [name, value] of entriesOf(headers)) add(value, name);
  return { headers: lines, small: !encoded && length <= SMALL };
}

function entriesOf(headers: unknown): Iterable<[string, unknown]> {
  if (Symbol.iterator in Object(headers)) return headers as Iterable<[string, unknown]>;
  const { get } = Object(headers) as { get?: (name: string) => unknown };
  return typeof get === "function"
    ? LOOKED_UP.map((name) => [name, get.call(headers, name)])
    : Object.entries(Object(headers));
}

/** Reads the whole body: `json()` of a success and `text()` of an error, as the official package does. */
async function whole(response: AnyResponse, ok: boolean): Promise<Uint8Array> {
  if (response.arrayBuffer) return new Uint8Array(await response.arrayBuffer());
  const encode = (text = "") => new globals.TextEncoder().encode(text);
  if (response.json && (ok || !response.text)) return encode(JSON.stringify(await response.json()));
  return encode(await response.text?.());
}

/** Codes of errors that occur before anything is sent, if the error names no system call. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
]);

/**
 * Messages with which Deno, Bun and node-fetch report that nothing was sent. (node-fetch omits the errors of the individual
 * attempts.)
 */
const NOT_CONNECTED =
  /client error \(Connect\)|^([A-Z]+: )?(Unable to connect\. Is the computer able|Was there a typo in the url or port\?)|^request to \S+ failed, reason: $/;

/** Fields of exceptions that tell network errors from others. */
interface Thrown {
  name?: string;
  message?: string;
  code?: string;
  syscall?: string;
  /** Of an AggregateError: the attempts to connect to each address. */
  errors?: Thrown[];
  cause?: Thrown;
}

/** What Node and Deno say about a port that `fetch` refuses. */
const BLOCKED = /^bad port$|Requests to port \d+ are blocked/;

/** An exception with which the call rejects, whatever it is. */
export class Raised {
  constructor(readonly error: unknown) {}
}

/** Why there is no response. */
interface Failed extends NativeResponse {
  /** What the call rejects with, if `raised`. */
  error: unknown;
}

/**
 * Converts an exception of `fetch`.
 *
 * @param url the URL of the request
 */
export function failureOf(thrown: unknown, url: string): Failed {
  if (thrown instanceof Raised) return { ...failureOf(thrown.error, url), raised: true, error: thrown.error };
  const { message, cause } = (thrown ?? {}) as Thrown;
  const reason = [message ?? String(thrown), cause?.message].filter(Boolean).join(": ");
  const neverSent = isNeverSent(cause ?? ((thrown ?? {}) as Thrown));
  // Nothing was sent, and a retry would change nothing.
  const blocked = BLOCKED.test(cause?.message ?? reason);
  const refused = blocked || isDenied(thrown);
  const advice = `cannot connect to ${new URL(url).host}; check \`baseUrl\` and the network`;
  const failure = neverSent || blocked ? `${reason}: ${advice}` : reason;
  return {
    status: 0,
    headers: "",
    pull: async () => null,
    failure,
    neverSent,
    raised: refused || isBug(thrown),
    error: refused
      ? new ConnectionError({ code: "connection", message: `\`fetch\` failed: ${failure}` })
      : thrown,
  };
}

/**
 * Returns whether an error occurred before anything was sent. The code of a system error does not say so: an established
 * connection can also fail with `EHOSTUNREACH`.
 */
function isNeverSent({ code = "", syscall, errors, message = "" }: Thrown): boolean {
  if (errors?.length) return errors.every((error) => isNeverSent(error ?? {}));
  // Packages for fetch keep it in the message only: "reason: read EHOSTUNREACH".
  const call = syscall ?? /(?:^|reason: )([a-z]+) E[A-Z_]{3}/.exec(message)?.[1];
  if (call) return call === "connect" || call === "getaddrinfo";
  return NEVER_SENT.has(code) || NOT_CONNECTED.test(message);
}

/** Returns whether an exception is a bug or a failed assertion in the function, which a retry would not help. */
function isBug(error: unknown): boolean {
  const { name = "", message = "", code, cause } = (error ?? {}) as Thrown;
  if (
    error instanceof InvalidArgumentError ||
    name.endsWith("AssertionError") ||
    "matcherResult" in Object(error)
  )
    return true;
  if (!/^(Type|Reference|Syntax|Range)Error$/.test(name)) return false;
  // `fetch` also throws a TypeError for network errors.
  return !cause && !code && !/failed|network|sending request/i.test(message);
}
