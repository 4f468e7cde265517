/** Converts a request of the core to the arguments of `fetch`. */
import { takeNext } from "./completion-channel";
import type { NativeRequest, NativeStream } from "./native";
import { platform } from "./platform";

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
    ...platform.requestInit,
  };
  const { bytes, stream } = request;
  if (bytes) init.body = asText(bytes, headers) ?? (bytes as BodyInit);
  const length = headers["Content-Length"] === undefined ? undefined : Number(headers["Content-Length"]);
  if (stream && length !== undefined && length <= BUFFERED) init.body = await buffer(stream);
  else if (stream) {
    init.body = platform.streamedBody(chunks(stream), length) as BodyInit;
    init.duplex = "half";
  }
  return init;
}

const upper = (letter: string) => letter.toUpperCase();

/** Made once: a decoder that rejects other bytes takes longer to make than to use. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns JSON and text as a string, which test doubles can parse, and undefined for bytes that are not UTF-8. */
function asText(bytes: Uint8Array, headers: Record<string, string>): string | undefined {
  if (!/^(application\/json|text\/)/.test(headers["Content-Type"] ?? "")) return undefined;
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
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
