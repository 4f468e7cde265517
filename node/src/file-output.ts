import { fileURLToPath } from "node:url";
import { type Bridge, type Opened, withResponse } from "./bridge";
import { toError } from "./failures";
import { ready } from "./inbox";
import { requestParams } from "./params";
import { conceal, reveal } from "./state";
import type { RequestOptions } from "./types";

/** What is told while a file is saved. */
export interface SaveProgress {
  /** Bytes so far. */
  loaded: number;
  /** Bytes in all; null until the server has told. */
  total: number | null;
}

/** What `save` takes. */
export type SaveOptions = RequestOptions & {
  /** Told of the bytes as they come. */
  onProgress?: ((bytes: SaveProgress) => void) | undefined;
};

declare global {
  // For programs that are compiled without `esnext.disposable`.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/**
 * A file that a model wrote. Nothing is downloaded before it is read, and it can be read as often
 * as wanted: each of `blob()`, `bytes()`, `text()`, `save()` ... reads it anew, and so does reading
 * it as a stream when it was read to its end before.
 *
 * It cannot be given to `structuredClone` or another thread, being a stream; its URL (`String(file)`)
 * can, and `replicate.predictions.output(url)` makes a file of it again.
 *
 * @example
 * const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt } });
 * await image.save("image.png");
 */
// biome-ignore lint/suspicious/noExplicitAny: the chunks of the official package's class have this type
export class FileOutput extends ReadableStream<any> {
  /** @internal */
  constructor(bridge: Bridge, url: string) {
    const reading = new Reading(bridge, url);
    super(reading as UnderlyingSource<Uint8Array>, { highWaterMark: 0 });
    conceal<State>(this, { file: this, bridge, url, reading, known: {} });
  }

  /** Where the file is. The API keeps output files for one hour. */
  url(): URL {
    return new URL(stateOf(this).url);
  }

  /** The URL as text, so that a FileOutput can be used where a URL is expected. */
  override toString(): string {
    return stateOf(this).url;
  }

  /** The URL as text. */
  toJSON(): string {
    return stateOf(this).url;
  }

  /**
   * The whole file, with its content type.
   * @throws {OutputExpiredError} if it is gone
   * @throws {DownloadError} if it cannot be had whole
   */
  async blob(options: RequestOptions = {}): Promise<Blob> {
    const bytes = await this.bytes(options);
    return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: stateOf(this).known.type ?? "" });
  }

  /** The whole file. */
  async bytes(options: RequestOptions = {}): Promise<Uint8Array> {
    const call = request<Uint8Array>(this, "output.bytes", options);
    const { data, response } = await withResponse(call);
    learn(this, { content_type: response.headers.get("content-type"), size: data.byteLength });
    return data;
  }

  /** The whole file. */
  async arrayBuffer(options: RequestOptions = {}): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.bytes(options);
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  }

  /** The whole file as UTF-8 text. */
  async text(options: RequestOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.bytes(options));
  }

  /** The file as a stream of its own. */
  stream(): ReadableStream<Uint8Array> {
    const { bridge, url } = stateOf(this);
    return new FileOutput(bridge, url);
  }

  /**
   * Writes the file to `path`: whole or not at all, and with flat memory however large it is.
   *
   * @returns the path written
   * @example
   * await file.save("video.mp4", { onProgress: ({ loaded, total }) => console.log(loaded, "of", total) });
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<string> {
    const observe = options?.onProgress as ((told: unknown) => void) | undefined;
    return request<string>(
      this,
      "output.save",
      options,
      { path: path instanceof URL ? fileURLToPath(path) : path },
      observe,
    );
  }

  /** Type and size as the server tells them, without the content. */
  async head(options: RequestOptions = {}): Promise<{ content_type?: string; size?: number }> {
    const head = await request<{ content_type?: string; size?: number }>(this, "output.head", options);
    learn(this, head);
    return head;
  }

  // The ways to read a stream begin anew once it was read to its end, where it would give nothing, without a word.
  // They call the inherited methods on the file itself, since those refuse a proxy around it. They are internal for the
  // sake of the declarations: programs without the DOM's types know no names for what they take, and inherit those
  // of Node's own stream.
  /** @internal */
  override get locked(): boolean {
    return Reflect.get(ReadableStream.prototype, "locked", stateOf(this).file);
  }
  /** @internal */
  override cancel(reason?: unknown): Promise<void> {
    return super.cancel.call(stateOf(this).file, reason);
  }
  /** @internal */
  override getReader(): ReadableStreamDefaultReader<Uint8Array>;
  /** @internal */
  override getReader(options: { mode: "byob" }): ReadableStreamBYOBReader;
  /** @internal */
  override getReader(options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Uint8Array>;
  /** @internal */
  override getReader(options?: ReadableStreamGetReaderOptions): ReadableStreamReader<Uint8Array> {
    return (super.getReader as Untyped).call(unread(this), options);
  }
  /** @internal */
  override tee(): [ReadableStream<Uint8Array>, ReadableStream<Uint8Array>] {
    return super.tee.call(unread(this));
  }
  /** @internal */
  override pipeTo(to: WritableStream<Uint8Array>, options?: StreamPipeOptions): Promise<void> {
    return super.pipeTo.call(unread(this), to, options);
  }
  /** @internal */
  override pipeThrough<T>(
    to: ReadableWritablePair<T, Uint8Array>,
    options?: StreamPipeOptions,
  ): ReadableStream<T> {
    return (super.pipeThrough as Untyped).call(unread(this), to, options);
  }
  /** @internal */
  override values(options?: ReadableStreamIteratorOptions): ReadableStreamAsyncIterator<Uint8Array> {
    return super.values.call(unread(this), options);
  }
  /** @internal */
  override [Symbol.asyncIterator](
    options?: ReadableStreamIteratorOptions,
  ): ReadableStreamAsyncIterator<Uint8Array> {
    return this.values(options);
  }

  /** Frees the connection of a reading that was not finished: `await using file = ...`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

  static {
    // Node 18 before 18.18 has no such symbol.
    if (Symbol.asyncDispose) {
      Object.defineProperty(FileOutput.prototype, Symbol.asyncDispose, {
        configurable: true,
        writable: true,
        value(this: FileOutput): Promise<void> {
          return stateOf(this).reading.cancel();
        },
      });
    }
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](
    _depth: number,
    options: object,
    inspect?: (value: unknown, options: object) => string,
  ): string {
    const { url, known } = stateOf(this);
    const shown = { url, ...known };
    return `FileOutput ${inspect ? inspect(shown, { ...options, breakLength: Number.POSITIVE_INFINITY }) : JSON.stringify(shown)}`;
  }
}

/** What a file keeps to itself. */
interface State {
  /** The file without a proxy around it. */
  file: FileOutput;
  bridge: Bridge;
  url: string;
  reading: Reading;
  /** What the server has told of it, to be shown. */
  known: { type?: string; size?: number };
}

const stateOf = (file: FileOutput) => reveal<State>(file);

// biome-ignore lint/suspicious/noExplicitAny: `call` cannot choose among overloads
type Untyped = (...args: any[]) => any;

/** The file, or a fresh one if it was read already. */
function unread(of: FileOutput): FileOutput {
  const { file, bridge, url, reading } = stateOf(of);
  return reading.over ? new FileOutput(bridge, url) : file;
}

function request<T>(
  file: FileOutput,
  operation: string,
  options: RequestOptions,
  own: object = {},
  observe?: (told: unknown) => void,
): Promise<T> {
  const { bridge, url } = stateOf(file);
  const given = { url, ...own, ...requestParams(options) };
  return bridge.call<T>(operation, given, { signal: options?.signal, observe });
}

function learn(
  file: FileOutput,
  { content_type, size }: { content_type?: string | null; size?: number },
): void {
  stateOf(file).known = {
    ...(content_type ? { type: content_type } : {}),
    ...(size === undefined ? {} : { size }),
  };
}

/** One reading of a file, which begins with the first pull. */
class Reading implements Omit<UnderlyingByteSource, "type"> {
  readonly type = "bytes";
  /** Read to the end, failed or given up. */
  over = false;
  #opened: Opened | undefined;

  constructor(
    private readonly bridge: Bridge,
    private readonly url: string,
  ) {}

  async pull(controller: ReadableByteStreamController): Promise<void> {
    const piece = await this.#next();
    if (piece !== null) {
      controller.enqueue(piece as Uint8Array<ArrayBuffer>);
      return;
    }
    this.over = true;
    controller.close();
    // A reader that brought its own buffer waits for it to be answered, even at the end.
    controller.byobRequest?.respond(0);
  }

  async cancel(): Promise<void> {
    this.over = true;
    await this.#opened?.stream.close();
  }

  async #next(): Promise<Uint8Array | null> {
    try {
      this.#opened ??= this.bridge.open("output.read", { url: this.url });
      const { stream } = this.#opened;
      // Nothing is awaited while there are pieces: a promise costs more than the copy.
      const piece = stream.take();
      if (piece !== null) return piece as Buffer;
      return (await ready(stream)) ? (stream.take() as Buffer) : null;
    } catch (thrown) {
      this.over = true;
      throw (this.#opened?.toError ?? toError)(thrown);
    }
  }
}
