/** Host objects that give bytes (Blob, File, streams), in the form the core pulls them. */
import { invalid, kindOf } from "./invalid";

/** What the core needs to read a host object, piece by piece and maybe more than once. */
export interface Source {
  /** Bytes in all, when known. */
  size?: number;
  /** Whether it can be read from its beginning again, as a retry must. */
  replayable: boolean;
  name?: string;
  type?: string;
  /** The next piece of reading number `session`, or null at its end; `cancel` ends that reading. */
  pull(session: number, cancel: boolean): Promise<Uint8Array | null>;
}

type Readable = ReadableStream<unknown> | (AsyncIterable<unknown> & { path?: unknown });

/** True for a Blob or File, also one of another realm or a polyfill. */
export function isBlob(value: object): value is Blob {
  if (value instanceof Blob) return true;
  const other = value as Partial<Blob>;
  return (
    typeof other.arrayBuffer === "function" &&
    typeof other.slice === "function" &&
    typeof other.size === "number"
  );
}

/** True for web streams, Node's streams and whatever else can be iterated asynchronously. */
export function isReadable(value: object): value is Readable {
  return (
    typeof (value as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function" || "getReader" in value
  );
}

/** A Blob, read in slices: it can be read again from its beginning. */
export function blobSource(blob: Blob): Source {
  const { name } = blob as { name?: unknown };
  return {
    size: blob.size,
    replayable: true,
    ...(typeof name === "string" && name !== "" ? { name } : {}),
    ...(blob.type === "" ? {} : { type: blob.type }),
    pull: sessions(() => slices(blob)),
  };
}

/** A stream, which can be read once only. */
export function streamSource(stream: Readable): Source {
  const { path, on } = stream as { path?: unknown; on?: (event: "error", listener: () => void) => void };
  // A stream may fail before it is read, and one without a listener would take the process with it.
  // The reading itself meets the error.
  on?.call(stream, "error", () => {});
  const name = typeof path === "string" ? path.split(/[\\/]/).pop() : undefined;
  return { replayable: false, ...(name ? { name } : {}), pull: sessions(() => iterate(stream)) };
}

/** Bytes that are read at a time. In quarters of it a Blob of a file cost 40 % more to send. */
const SLICE = 1024 * 1024;

/** One slice is read while the one before it is sent. */
async function* slices(blob: Blob): AsyncGenerator<Uint8Array> {
  const read = (start: number) =>
    start < blob.size ? blob.slice(start, start + SLICE).arrayBuffer() : undefined;
  let next = read(0);
  for (let end = SLICE; next; end += SLICE) {
    const piece = await next;
    next = read(end);
    // If it fails it is awaited above, unless nobody asks any more.
    next?.catch(() => {});
    yield new Uint8Array(piece);
  }
}

async function* iterate(stream: Readable): AsyncGenerator<unknown> {
  if (Symbol.asyncIterator in stream) {
    yield* stream as AsyncIterable<unknown>;
    return;
  }
  const reader = (stream as ReadableStream<unknown>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

function sessions(open: () => AsyncGenerator<unknown>): Source["pull"] {
  const readings = new Map<number, AsyncGenerator<unknown>>();
  return async (session, cancel) => {
    const reading = readings.get(session) ?? open();
    if (cancel) {
      readings.delete(session);
      await reading.return(undefined);
      return null;
    }
    readings.set(session, reading);
    const { done, value } = await reading.next();
    if (!done) return bytes(value);
    readings.delete(session);
    return null;
  };
}

function bytes(chunk: unknown): Uint8Array {
  if (typeof chunk === "string") return new TextEncoder().encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  invalid(`a stream that is sent as a file must yield bytes or text, not ${kindOf(chunk)}`);
}
