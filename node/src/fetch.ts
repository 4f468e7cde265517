/** HTTP carried by a `fetch` of the user's: a request of the core goes out, a response comes back. */
import { ready } from "./inbox";
import type { NativeFetch, NativeRequest, NativeResponse, NativeStream } from "./native";
import type { Fetch } from "./options";
import { isReadable, type Source, streamSource } from "./source";

/** Makes `fetch` what the core calls. Retries, redirects and time limits stay in the core. */
export function carry(fetch: Fetch): NativeFetch {
  const flights = new Map<number, AbortController>();
  return async (number, request) => {
    if (request === null) {
      flights.get(number)?.abort();
      return undefined;
    }
    const controller = new AbortController();
    flights.set(number, controller);
    try {
      // Called as a plain function: some implementations insist on their `this` being the global object.
      return answer(await fetch(request.url, outgoing(request, controller.signal)));
    } catch (error) {
      return failure(error);
    } finally {
      flights.delete(number);
    }
  };
}

function outgoing(request: NativeRequest, signal: AbortSignal): RequestInit {
  const headers = JSON.parse(request.headers) as [string, string][];
  const init: RequestInit & { duplex?: "half" } = {
    method: request.method,
    headers: Object.fromEntries(headers),
    signal,
    redirect: "manual",
    // A framework that caches GETs would show a prediction as it was the first time, for ever.
    cache: "no-store",
  };
  if (request.bytes) init.body = request.bytes as Uint8Array<ArrayBuffer>;
  if (request.stream) {
    init.body = readable(request.stream);
    init.duplex = "half";
  }
  return init;
}

function readable(stream: NativeStream): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = stream.take() ?? ((await ready(stream)) ? stream.take() : null);
        if (piece === null) controller.close();
        else controller.enqueue(piece as Buffer);
      },
      async cancel() {
        await stream.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function answer(response: Response): NativeResponse {
  const pairs: [string, string][] = [];
  // A body that fetch has decompressed no longer has the length the server told.
  const decoded = response.headers?.get("content-encoding");
  response.headers?.forEach((value, name) => {
    if (!decoded || !/^content-(encoding|length)$/i.test(name)) pairs.push([name.toLowerCase(), value]);
  });
  return { status: response.status, headers: JSON.stringify(pairs), pull: body(response) };
}

function body(response: Response): Source["pull"] {
  const { body } = response;
  if (body && isReadable(body)) return streamSource(body).pull;
  // Doubles of fetch often have no body to stream from.
  let whole: Promise<Uint8Array> | undefined;
  return async (_session, cancel) => {
    if (cancel || whole || body === null) return null;
    whole = response.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    const bytes = await whole;
    return bytes.length > 0 ? bytes : null;
  };
}

/** Errors of Node's fetch that come before anything is sent. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function failure(error: unknown): NativeResponse {
  const { message, cause } = (error ?? {}) as {
    message?: string;
    cause?: { code?: string; message?: string };
  };
  const why = [message ?? String(error), cause?.message].filter(Boolean).join(": ");
  return {
    status: 0,
    headers: "[]",
    pull: async () => null,
    failure: why,
    neverSent: NEVER_SENT.has(cause?.code ?? ""),
  };
}
