/** Converts a request of the core to the arguments of `fetch`. */
import { takeNext } from "./completion-channel";
import type { NativeRequest, NativeStream } from "./native";
import { platform } from "./platform";

/** The second argument of `fetch`. */
export type Outgoing = RequestInit & { headers: Record<string, string>; duplex?: "half" };

/** Converts a request of the core. Returns the URL too, and a promise only if the body is a stream. */
export function toInit(request: NativeRequest, signal: AbortSignal): Sent | Promise<Sent> {
  const lines = request.head.split("\n");
  const [method = "", url = ""] = lines;
  const headers: Record<string, string> = {};
  for (let at = 2; at < lines.length; at++) {
    const line = lines[at] as string;
    const colon = line.indexOf(":");
    headers[line.slice(0, colon)] = line.slice(colon + 1);
  }
  if (platform.isBrowser) {
    // A server of another origin would have to allow these values of the core. The browser has its own `User-Agent`, and
    // `no-store` is in `requestInit`.
    if (headers["User-Agent"]?.startsWith(`${platform.agent}/`)) delete headers["User-Agent"];
    if (headers["Cache-Control"] === "no-store") delete headers["Cache-Control"];
  }
  const init: Outgoing = { method, headers, signal, ...platform.requestInit(method) };
  const { text, bytes, stream } = request;
  if (stream) return withStream(url, init, chunksOf(stream, signal));
  const body = text ?? (bytes as BodyInit | null | undefined);
  if (body !== undefined && body !== null) init.body = body;
  return { url, init };
}

/** The arguments of `fetch`. */
export interface Sent {
  url: string;
  init: Outgoing;
}

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

async function withStream(url: string, init: Outgoing, chunks: Chunks): Promise<Sent> {
  const given = init.headers["Content-Length"];
  const length = given === undefined ? undefined : Number(given);
  if (length !== undefined && length <= BUFFERED) init.body = await buffer(chunks);
  else {
    init.body = (await platform.streamedBody(chunks, length)) as BodyInit;
    init.duplex = "half";
  }
  return { url, init };
}

/** Largest streamed body that is sent as one buffer, which every implementation of `fetch` accepts. */
const BUFFERED = 1024 * 1024;

async function buffer(chunks: Chunks): Promise<BodyInit> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return platform.concat(all) as BodyInit;
}

async function* chunksOf(stream: NativeStream, signal: AbortSignal): Chunks {
  // Ends a wait for a source that sends nothing.
  signal.addEventListener("abort", () => void stream.close().catch(() => {}));
  try {
    for (;;) {
      const chunk = stream.take() ?? (await takeNext(stream));
      signal.throwIfAborted();
      if (chunk === null) return;
      yield chunk as Uint8Array;
    }
  } finally {
    await stream.close();
  }
}
