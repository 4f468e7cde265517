/** Converts a request of the core to the arguments of `fetch`. */
import { Readable } from "node:stream";
import { takeNext } from "./completion-channel";
import type { NativeRequest, NativeStream } from "./native";

/** The second argument of `fetch`. */
export type Outgoing = RequestInit & { headers: Record<string, string>; duplex?: "half" };

/** Converts a request of the core. */
export async function toInit(request: NativeRequest, signal: AbortSignal): Promise<Outgoing> {
  const sent = JSON.parse(request.headers) as [string, string][];
  // Title case (`Content-Type`) as in the official package, because test doubles look names up in that case.
  const headers = Object.fromEntries(sent.map(([name, value]) => [name.replace(/\b[a-z]/g, upper), value]));
  const init: Outgoing = {
    method: request.method,
    headers,
    signal,
    redirect: "manual",
    // A framework that caches GETs would return the first state of a prediction forever.
    cache: "no-store",
  };
  const { bytes, stream } = request;
  if (bytes) init.body = asText(bytes, headers) ?? (bytes as BodyInit);
  if (stream && Number(headers["Content-Length"]) <= BUFFERED) init.body = await buffer(stream);
  else if (stream) {
    init.body = toStream(stream);
    init.duplex = "half";
  }
  return init;
}

const upper = (letter: string) => letter.toUpperCase();

/** Returns JSON and text as a string, which test doubles can parse, and undefined for bytes that are not UTF-8. */
function asText(bytes: Uint8Array, headers: Record<string, string>): string | undefined {
  if (!/^(application\/json|text\/)/.test(headers["Content-Type"] ?? "")) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Largest streamed body that is sent as one buffer, which every implementation of `fetch` accepts. */
const BUFFERED = 1024 * 1024;

async function buffer(stream: NativeStream): Promise<BodyInit> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks(stream)) all.push(chunk);
  return Buffer.concat(all);
}

/** Returns a stream of Node, which node-fetch and cross-fetch require, or a web stream under Bun and Deno. */
function toStream(stream: NativeStream): BodyInit {
  const all = chunks(stream);
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

async function* chunks(stream: NativeStream): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const chunk = stream.take() ?? (await takeNext(stream));
      if (chunk === null) return;
      yield chunk as Uint8Array;
    }
  } finally {
    await stream.close();
  }
}
