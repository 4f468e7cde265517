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
    // A server of another origin would have to allow these. The browser has its own, and `no-store` is in `requestInit`.
    delete headers["User-Agent"];
    delete headers["Cache-Control"];
  }
  const init: Outgoing = { method, headers, signal, ...platform.requestInit(method) };
  const { text, bytes, stream } = request;
  if (stream) return withStream(url, init, stream);
  const body = text ?? (bytes as BodyInit | null | undefined);
  if (body !== undefined && body !== null) init.body = body;
  return { url, init };
}

/** The arguments of `fetch`. */
export interface Sent {
  url: string;
  init: Outgoing;
}

async function withStream(url: string, init: Outgoing, stream: NativeStream): Promise<Sent> {
  const given = init.headers["Content-Length"];
  const length = given === undefined ? undefined : Number(given);
  if (length !== undefined && length <= BUFFERED) init.body = await buffer(stream);
  else {
    init.body = (await platform.streamedBody(chunks(stream), length)) as BodyInit;
    init.duplex = "half";
  }
  return { url, init };
}

/** Largest streamed body that is sent as one buffer, which every implementation of `fetch` accepts. */
const BUFFERED = 1024 * 1024;

async function buffer(stream: NativeStream): Promise<BodyInit> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks(stream)) all.push(chunk);
  return platform.concat(all) as BodyInit;
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
