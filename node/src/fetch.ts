/** HTTP carried by a `fetch` of the user's: a request of the core goes out, a response comes back. */
import { AsyncResource } from "node:async_hooks";
import { Readable } from "node:stream";
import { answer, failure } from "./fetch-answer";
import { asForm } from "./fetch-form";
import { ready } from "./inbox";
import type { NativeFetch, NativeRequest, NativeStream } from "./native";
import type { Fetch } from "./options";

/** Carries the requests of one call. Retries, redirects and time limits stay in the core. */
export class Carrier {
  /** An exception of the function itself, which is not a network's: the caller gets it as it is. */
  raised: { error: unknown } | undefined;
  readonly #flights = new Map<number, AbortController>();

  constructor(private readonly fetch: Fetch) {}

  /** What the core calls, from another thread: `fetch` runs in the async context that this was made in. */
  readonly send: NativeFetch = AsyncResource.bind(async (number, request) => {
    if (request === null) {
      this.#flights.get(number)?.abort();
      return undefined;
    }
    const controller = new AbortController();
    this.#flights.set(number, controller);
    try {
      // Called as a plain function: some implementations insist on their `this` being the global object.
      const { fetch } = this;
      const init = await outgoing(request, controller.signal);
      // The official package passes its own requests as URL objects, and URLs that the API returned as text.
      const url = "Authorization" in init.headers ? new URL(request.url) : request.url;
      return await answer(await asForm(init, Boolean(request.stream), (init) => fetch(url as string, init)));
    } catch (error) {
      const failed = failure(error);
      if (failed.raised) this.raised = { error };
      return failed;
    } finally {
      this.#flights.delete(number);
    }
  });
}

export type Outgoing = RequestInit & { headers: Record<string, string>; duplex?: "half" };

async function outgoing(request: NativeRequest, signal: AbortSignal): Promise<Outgoing> {
  const sent = JSON.parse(request.headers) as [string, string][];
  // `content-type` is spelled `Content-Type`, as in the official package: test doubles look there.
  const headers = Object.fromEntries(sent.map(([name, value]) => [name.replace(/\b[a-z]/g, upper), value]));
  const init: Outgoing = {
    method: request.method,
    headers,
    signal,
    redirect: "manual",
    // A framework that caches GETs would show a prediction as it was the first time, for ever.
    cache: "no-store",
  };
  const { bytes, stream } = request;
  if (bytes) init.body = asText(bytes, headers) ?? (bytes as BodyInit);
  if (stream && Number(headers["Content-Length"]) <= WHOLE) init.body = await whole(stream);
  else if (stream) {
    init.body = streamed(stream);
    init.duplex = "half";
  }
  return init;
}

const upper = (letter: string) => letter.toUpperCase();

/** JSON is sent as text, which test doubles can parse. Bytes that are not UTF-8 stay bytes. */
function asText(bytes: Uint8Array, headers: Record<string, string>): string | undefined {
  if (!/^(application\/json|text\/)/.test(headers["Content-Type"] ?? "")) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bodies up to this size are sent in one piece, which every implementation of `fetch` takes. */
const WHOLE = 1024 * 1024;

async function whole(stream: NativeStream): Promise<BodyInit> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces(stream)) all.push(piece);
  return Buffer.concat(all);
}

/**
 * node-fetch and cross-fetch take streams of Node only, and undici takes them as well. Bun's and Deno's own `fetch`
 * take web streams.
 */
function streamed(stream: NativeStream): BodyInit {
  const all = pieces(stream);
  if (!("Bun" in globalThis || "Deno" in globalThis)) {
    return Readable.from(all, { objectMode: false }) as unknown as BodyInit;
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await all.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await all.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* pieces(stream: NativeStream): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const piece = stream.take() ?? ((await ready(stream)) ? stream.take() : null);
      if (piece === null) return;
      yield piece as Uint8Array;
    }
  } finally {
    await stream.close();
  }
}
