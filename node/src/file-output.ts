import { merge, requestParams } from "./call-options";
import type { Calls } from "./calls";
import { FileReading } from "./file-reading";
import { globals } from "./globals";
import { progressOptions } from "./observer";
import type { RequestOptions, SaveOptions } from "./options";
import { platform } from "./platform";
import { withResponse } from "./responses";
import { conceal, reveal } from "./state";
import { AS_TEXT } from "./value";

declare global {
  // Declared for programs compiled without `esnext.disposable`.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

// `Uint8Array<ArrayBuffer>`, which `Response` and `Blob` accept. Before TypeScript 5.7 the type has no parameter.
export type Bytes = ReturnType<Uint8Array["slice"]>;

// The environments of jsdom lack the global.
const WebStream: typeof ReadableStream = globals.ReadableStream;

/**
 * A file that a model wrote: a web stream with further ways to read it. It is downloaded when it is read, and it can be
 * read any number of times: `blob()`, `bytes()`, `text()`, `save()` and a stream that has ended start a new download. The
 * body of a `Response` or a `Request` must be unread: pass `file.stream()` once the file was read as a stream.
 *
 * Like every stream, it cannot be passed to `structuredClone` or another thread. Pass its URL (`String(file)`) instead
 * and call `replicate.predictions.output(url)` there.
 *
 * @example
 * const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt } });
 * await image.save("image.png");
 */
// biome-ignore lint/suspicious/noExplicitAny: chunks of the official package's class have this type
export class FileOutput extends WebStream<any> {
  /** @internal */
  constructor(calls: Calls, url: string) {
    const reading = new FileReading(calls, url);
    super(reading as UnderlyingSource<Uint8Array>, { highWaterMark: 0 });
    conceal<State>(this, { file: this, calls, url, reading, known: {} });
  }

  /** @internal Crosses to the core as its URL. */
  get [AS_TEXT](): boolean {
    return true;
  }

  /** Returns the file's URL. The API keeps output files for one hour. */
  url(): URL {
    return new URL(stateOf(this).url);
  }

  /** Returns the URL as text, so that a FileOutput can be used instead of a URL. */
  override toString(): string {
    return stateOf(this).url;
  }

  /** Returns the URL as text. */
  toJSON(): string {
    return stateOf(this).url;
  }

  /**
   * Downloads the file as a Blob with its content type, `application/octet-stream` if the server does not send one.
   *
   * @throws {OutputExpiredError} if the file no longer exists
   * @throws {DownloadError} if the download is incomplete
   */
  async blob(options: RequestOptions = {}): Promise<Blob> {
    return new Blob([await this.bytes(options)], {
      type: stateOf(this).known.type ?? "application/octet-stream",
    });
  }

  /** Downloads the file as bytes. Throws like {@link blob}. */
  async bytes(options: RequestOptions = {}): Promise<Bytes> {
    const call = request<Bytes>(this, "output.bytes", options);
    const { data, response } = await withResponse(call);
    recordProperties(this, { content_type: response.headers.get("content-type"), size: data.byteLength });
    return data;
  }

  /** Downloads the file as an ArrayBuffer. Throws like {@link blob}. */
  async arrayBuffer(options: RequestOptions = {}): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.bytes(options);
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  }

  /** Downloads the file as UTF-8 text. Throws like {@link blob}. */
  async text(options: RequestOptions = {}): Promise<string> {
    return new globals.TextDecoder().decode(await this.bytes(options));
  }

  /** Returns a new stream of the file. */
  stream(): ReadableStream<Uint8Array> {
    const { calls, url } = stateOf(this);
    return new FileOutput(calls, url);
  }

  /**
   * Downloads the file to `path`, without holding it in memory. An incomplete file is never left there.
   *
   * @param path A file that exists is replaced and keeps its mode, and its owner if the process may set it; the mode of a
   *   new one follows the umask, as with `fs.writeFile`. A symbolic link stays, and the file that it leads to is written.
   * @returns the path of the file
   * @throws {FileNotWrittenError} if the file cannot be written
   * @throws {DownloadError} if the download is incomplete
   * @throws {OutputExpiredError} if the file no longer exists
   * @example
   * await file.save("video.mp4", { onProgress: ({ loaded, total }) => console.log(loaded, "of", total) });
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<string> {
    return request<string>(this, "output.save", options, {
      path: path instanceof URL ? platform.pathOf(path) : path,
    });
  }

  /**
   * Requests the content type and the size in bytes, without the content.
   *
   * @throws {OutputExpiredError} if the file no longer exists
   */
  async head(options: RequestOptions = {}): Promise<{ content_type?: string; size?: number }> {
    const head = await request<{ content_type?: string; size?: number }>(this, "output.head", options);
    recordProperties(this, head);
    return head;
  }

  // Once the stream has ended, these methods start a new download; the inherited ones would yield nothing. They call the
  // inherited methods on the file itself, because those reject a proxy around it. They are internal because programs
  // without the DOM's types lack the names in their signatures, and inherit the declarations of Node's stream.
  /** @internal */
  override get locked(): boolean {
    return Reflect.get(WebStream.prototype, "locked", stateOf(this).file);
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
  /** Returns an iterator over the chunks, which are bytes. */
  // Any, because the type of the inherited method is in `dom.asynciterable`, which many programs lack.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  override [Symbol.asyncIterator](): any;
  /** @internal */
  override [Symbol.asyncIterator](
    options?: ReadableStreamIteratorOptions,
  ): ReadableStreamAsyncIterator<Uint8Array> {
    return this.values(options);
  }

  /** Closes the connection of an unfinished download: `await using file = ...`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

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

// Node before 18.18 lacks the symbol. Not in a static block, which Metro, the bundler of React Native, cannot parse.
if (Symbol.asyncDispose) {
  Object.defineProperty(FileOutput.prototype, Symbol.asyncDispose, {
    configurable: true,
    writable: true,
    value(this: FileOutput): Promise<void> {
      return stateOf(this).reading.cancel();
    },
  });
}

/** Private state of a file. */
interface State {
  /** The file itself, not a proxy around it. */
  file: FileOutput;
  calls: Calls;
  url: string;
  reading: FileReading;
  /** Known properties, for printing. */
  known: { type?: string; size?: number };
}

const stateOf = (file: FileOutput) => reveal<State>(file);

// biome-ignore lint/suspicious/noExplicitAny: `call` cannot choose among overloads
type Untyped = (...args: any[]) => any;

/** Returns the file, or a new one if it was read. */
function unread(of: FileOutput): FileOutput {
  const { file, calls, url, reading } = stateOf(of);
  return reading.ended ? new FileOutput(calls, url) : file;
}

function request<T>(file: FileOutput, operation: string, options: SaveOptions, own: object = {}): Promise<T> {
  const { calls, url } = stateOf(file);
  const params = merge({ url, ...own }, requestParams(options));
  return calls.call<T>(operation, params, progressOptions(options));
}

function recordProperties(
  file: FileOutput,
  { content_type, size }: { content_type?: string | null; size?: number },
): void {
  stateOf(file).known = {
    ...(content_type ? { type: content_type } : {}),
    ...(size === undefined ? {} : { size }),
  };
}
