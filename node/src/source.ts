/** JavaScript objects that contain bytes (Blobs, Files, streams), in the form in which the core reads them. */
import { globals } from "./globals";
import { invalid, kindOf } from "./invalid";
import { platform } from "./platform";
import type { Read } from "./platform/platform";

/** A byte source that the core reads in chunks, possibly more than once. */
export interface Source {
  /** Size in bytes, if known. */
  size?: number;
  /** Whether it can be read again from its beginning, as a retry does. */
  replayable: boolean;
  name?: string;
  type?: string;
  /** Returns the next chunk of the reading with number `session`, or null at its end; `cancel` ends the reading. */
  pull(session: number, cancel: boolean): Promise<Uint8Array | null>;
}

/** The first error with which reading a file failed. Only the text of an error crosses to the core. */
export interface ReadFailure {
  error?: unknown;
}

type Readable = ReadableStream<unknown> | AsyncIterable<unknown>;

/** What a stream of Node has. */
interface NodeStream {
  path?: unknown;
  on?(event: "error", listener: () => void): unknown;
  destroy?(): unknown;
  destroyed?: boolean;
  errored?: unknown;
  readableDidRead?: boolean;
  readableEnded?: boolean;
  /** Also those of the package readable-stream, which lack the properties above. */
  _readableState?: { endEmitted?: boolean };
}

/** Returns whether `value` is a Blob or File, also of another realm or a polyfill. */
export function isBlob(value: object): value is Blob {
  if (value instanceof Blob) return true;
  const other = value as Partial<Blob>;
  return (
    typeof other.arrayBuffer === "function" &&
    typeof other.slice === "function" &&
    typeof other.size === "number"
  );
}

/** Returns whether `value` is a web stream, a stream of Node or another async iterable. */
export function isReadable(value: object): value is Readable {
  return (
    typeof (value as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function" || "getReader" in value
  );
}

/** Reads a Blob in slices. */
export function blobSource(blob: Blob, failed: ReadFailure): Source {
  const { name } = blob as { name?: unknown };
  return {
    size: blob.size,
    replayable: true,
    ...(typeof name === "string" && name !== "" ? { name } : {}),
    ...(blob.type === "" ? {} : { type: blob.type }),
    pull: recording(
      failed,
      sessions(() => generate(slices(blob))),
    ),
  };
}

/**
 * Reads a stream, which is possible only once.
 *
 * @param place the argument, or the path in the input, that the stream is
 * @throws {InvalidArgumentError} if it was read before. If that is known only when it ends at once, the reading fails.
 */
export function streamSource(stream: Readable, place: string, failed: ReadFailure): Source {
  const { path } = stream as NodeStream;
  checkUnread(stream, place);
  let seemsRead = wasStarted(stream);
  const pull = pullOf(stream, () => {
    checkUnread(stream, place);
    if (isOneShot(stream)) opened.add(stream);
  });
  const checked: Source["pull"] = async (session, cancel) => {
    const chunk = await pull(session, cancel);
    if (chunk === null && !cancel && seemsRead) {
      refuse(
        place,
        "next" in stream ? "yields nothing: it is empty or was already read" : "was already read",
      );
    }
    seemsRead = false;
    return chunk;
  };
  const name = typeof path === "string" ? path.split(/[\\/]/).pop() : undefined;
  return { replayable: false, ...(name ? { name } : {}), pull: recording(failed, checked) };
}

/**
 * Returns the `pull` of a stream.
 *
 * @param opening called before the stream is read
 */
export function pullOf(stream: Readable, opening = () => {}): Source["pull"] {
  // A stream can fail before it is read, and without a listener that would end the process. Reading it throws the error.
  (stream as NodeStream).on?.("error", () => {});
  return sessions(() => {
    opening();
    return iterate(stream);
  });
}

/** The streams that this package has begun to read. Generators do not tell. */
const opened = new WeakSet<Readable>();

/** Returns whether a stream can be read only once, unlike an object that makes a new iterator each time. */
function isOneShot(stream: Readable): boolean {
  return "getReader" in stream || "next" in stream || "_readableState" in stream;
}

/** Returns whether something of a stream may have been read before. What is left of it can be sent. */
function wasStarted(stream: Readable): boolean {
  if ("getReader" in stream) return platform.isDisturbed(stream);
  return "next" in stream || (stream as NodeStream).readableDidRead === true;
}

function checkUnread(stream: Readable, place: string): void {
  const { destroyed, errored, readableEnded, _readableState } = stream as NodeStream;
  if (opened.has(stream) || readableEnded || _readableState?.endEmitted) refuse(place, "was already read");
  if ("getReader" in stream && stream.locked) refuse(place, "is locked by a reader");
  // One that failed is read, which throws its error.
  if (destroyed && !errored) refuse(place, "is destroyed or has failed");
}

function refuse(place: string, problem: string): never {
  const advice = "a stream can be sent only once, so make a new one or pass its content as a Blob";
  invalid(`\`${place}\`: the stream ${problem}; ${advice}`, place);
}

/** Keeps the error of a reading. */
function recording(failed: ReadFailure, pull: Source["pull"]): Source["pull"] {
  return async (session, cancel) => {
    try {
      return await pull(session, cancel);
    } catch (error) {
      if (!("error" in failed)) failed.error = error;
      throw error;
    }
  };
}

/** Bytes per slice. Slices of 256 KiB made sending a Blob of a file 40 % slower. */
const SLICE = 1024 * 1024;

/** Reads a Blob. Those of jsdom have no `arrayBuffer`. */
function bytesOf(blob: Blob): Promise<ArrayBuffer> {
  if (typeof blob.arrayBuffer === "function") return blob.arrayBuffer();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as ArrayBuffer);
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob);
  });
}

/** Yields slices, and reads the next one while a slice is sent. */
async function* slices(blob: Blob): AsyncGenerator<Uint8Array> {
  const read = (start: number) => (start < blob.size ? bytesOf(blob.slice(start, start + SLICE)) : undefined);
  let next = read(0);
  for (let end = SLICE; next; end += SLICE) {
    const chunk = await next;
    next = read(end);
    // Its error is thrown above, unless the reading ends first.
    next?.catch(() => {});
    yield new Uint8Array(chunk);
  }
}

/** One reading of a source. */
interface Reading {
  next(): Promise<IteratorResult<unknown>> | Promise<Read>;
  /** Ends the reading, also while `next` is pending, which for a generator would wait for it. */
  end(): unknown;
}

function iterate(stream: Readable): Reading {
  if ("getReader" in stream) {
    const reader = platform.readerOf(stream) ?? stream.getReader();
    return { next: () => reader.read(), end: () => reader.cancel() };
  }
  const { destroy } = stream as NodeStream;
  const iterator = stream[Symbol.asyncIterator]();
  const end = () => (typeof destroy === "function" ? destroy.call(stream) : iterator.return?.(undefined));
  return { next: () => iterator.next(), end };
}

function generate(items: AsyncGenerator<unknown>): Reading {
  return { next: () => items.next(), end: () => items.return(undefined) };
}

function sessions(open: () => Reading): Source["pull"] {
  const readings = new Map<number, Reading>();
  return async (session, cancel) => {
    if (cancel) {
      await readings.get(session)?.end();
      readings.delete(session);
      return null;
    }
    const reading = readings.get(session) ?? open();
    readings.set(session, reading);
    const { done, value } = await reading.next();
    if (!done) return bytes(value);
    readings.delete(session);
    return null;
  };
}

function bytes(chunk: unknown): Uint8Array {
  if (typeof chunk === "string") return new globals.TextEncoder().encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  invalid(`a stream that is sent as a file must yield bytes or text, not ${kindOf(chunk)}`);
}
